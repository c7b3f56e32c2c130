"""Subscription messages a platform still takes for somebody: one accepted prompt is one message."""
