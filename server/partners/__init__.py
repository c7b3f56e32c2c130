"""Institutions, their apps and terminals, and how their calls are proven (A6.1, A6.3, B6.6)."""
