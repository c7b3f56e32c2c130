"""Booking examinations with what is known about them (M3, A4.3.1.1(3), B4.1.9).

knowledge.py     the knowledge base as data: items, exclusion, order, interval, preparation
knowledge.json   what holds until the centre decides otherwise
conflicts.py     why two examinations cannot be at these times
planning.py      the plan with the fewest visits, then the earliest
"""
