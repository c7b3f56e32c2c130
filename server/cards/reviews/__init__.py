"""The review desk (A3.1 (2)): claims that people look at before there is a card."""
