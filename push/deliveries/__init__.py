"""Bringing messages out of the house, and why one was not brought."""
