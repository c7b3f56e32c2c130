"""Which place of a slot somebody gets, and who waits for a draw."""

import secrets
from collections.abc import Collection

MAX_WAITER = 1 << 48


def free_seat(capacity: int, taken: Collection[int]) -> int | None:
    """One of the free places from 1 to `capacity`, by chance: processes that choose at the same time rarely
    choose the same.  None when all are taken."""
    free = capacity - sum(1 for seat in taken if 1 <= seat <= capacity)
    if free <= 0:
        return None
    for _ in range(4):  # while many are free, chance finds one without looking at all
        seat = 1 + secrets.randbelow(capacity)
        if seat not in taken:
            return seat
    return secrets.choice([seat for seat in range(1, capacity + 1) if seat not in taken])


def waiting_seat() -> int:
    """The number of somebody who waits for a draw: negative, and nobody else's."""
    return -1 - secrets.randbelow(MAX_WAITER)


def is_anybody_waiting(taken: Collection[int]) -> bool:
    return any(seat < 0 for seat in taken)
