"""Staff of the card centre: accounts with a second factor, roles, three separate administrators (A6.3(3))."""
