"""Numbers that others know a person by, and the way from one to the other (PIX, B1.6(2))."""
