"""Telling the next level of uses (U1, A6.4): batches in the order of time, again until they are taken."""
