"""What an institution's own codes of steps, channels and cost types mean in ours (A6.4)."""
