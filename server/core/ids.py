"""Identifiers.  They say nothing about a person, and sort by the time they were made."""

import secrets
from datetime import datetime

from server.core.clock import to_ms

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no letter that is read as a digit
_PAIRS = [one + other for one in _ALPHABET for other in _ALPHABET]  # ten bits at a time: several ids a scan
_SHIFTS = range(120, -1, -10)
_MOMENT = 1 << 80


_last = 0


def new_id(at: datetime) -> str:
    """26 characters: 10 of time in milliseconds, 16 (80 bits) of chance.  Index pages stay warm because
    neighbours in time are neighbours in the tree.

    Within one process and one millisecond a later id sorts later, by a step of chance that nobody guesses:
    what happened in an order is read in that order.
    """
    global _last
    start = to_ms(at) << 80
    is_same_moment = start <= _last < start + _MOMENT
    value = _last + 1 + secrets.randbits(64) if is_same_moment else start | secrets.randbits(79)
    _last = value
    return "".join([_PAIRS[value >> shift & 1023] for shift in _SHIFTS])


def earliest_id(at: datetime) -> str:
    """The least id that could have been made at this time: ids made before are less, others are not."""
    value = to_ms(at) << 80
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))


def new_token() -> str:
    """256 bits of chance, URL-safe, 43 characters: for credentials that are kept only as a digest."""
    return secrets.token_urlsafe(32)


ID_PATTERN = rf"^[{_ALPHABET}]{{26}}$"
