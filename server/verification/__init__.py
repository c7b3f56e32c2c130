"""Reading a card's code at a hospital (A4.3.1.3, B7.6): passive scan, single use, receipt."""
