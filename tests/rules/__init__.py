"""The style and the shape of the code, kept by ordinary tests; each shows on a bad snippet that it bites."""
