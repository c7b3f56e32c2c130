"""What people who work at the card centre may do, each by a permission of theirs."""
