"""Medication plans: what a prescription says to take, when this person takes it, and what was taken (N4)."""
