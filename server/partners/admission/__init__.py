"""Admission 入网 (V3; A6.1, B6.6): an institution applies, two people look at it, then it may call."""
