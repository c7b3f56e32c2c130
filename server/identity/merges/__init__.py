"""Merging two indexes of one human being, and undoing it (B1.6(1))."""
