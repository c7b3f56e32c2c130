"""Registrations that a person must decide: the index found somebody alike and is not sure (B1.6(3))."""
