"""The health card: how it is claimed (A3), what state it is in, and its code (A3.3)."""
