"""Fair booking (M7): limits per person, family and device, no-shows, and scripts that grab."""
