"""How residents want to be told: quiet hours, and what they want where."""
