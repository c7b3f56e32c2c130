"""Slot pools (号源) that the platform keeps for hospitals without a slot system."""
