"""Telling residents: what is told (templates), to whom, through which channel.  Today: the in-app inbox."""
