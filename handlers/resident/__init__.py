"""What residents ask, from the mini-programs and the web: /api/v1."""
