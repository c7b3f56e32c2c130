"""Benchmarks: `make bench`.  Every figure is a ratio against a baseline of the same run, never a bare number.

world.py      a database with cards, and the requests to send
baselines.py  B1 and B3 of the performance targets, as small Tornado servers
persons.py    the person index: one registration, and at how many persons
load.py       64 clients on keep-alive connections, and what they cost in time and processor
__main__.py   A B A B … and the table
"""
