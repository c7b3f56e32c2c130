"""What existing hospital software calls, in its own words: translations onto the partner API's services."""
