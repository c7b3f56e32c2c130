"""Cards of a family (C3): whose card may be shown in which account, and what shows the relation."""
