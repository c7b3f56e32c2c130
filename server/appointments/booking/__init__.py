"""The slot engine: one booking of one place, from hold to its end."""
