"""Cards follow their persons, when two turn out to be one and when they do not."""
