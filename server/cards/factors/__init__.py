"""The second factor of a card: its PIN, or a code sent to the phone it was claimed with (A2.3)."""
