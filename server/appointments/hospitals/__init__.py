"""Hospitals: the system each has, and the directory residents search."""
