"""Messages to residents, as they stand in the inbox."""
