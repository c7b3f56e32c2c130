"""A bulkhead and a circuit for each peer: a slow one fills its own places, a dead one is left alone a while.

Both live in the process: they protect it, and every process finds out for itself within a few calls.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from server.core.clock import Clock
from server.core.errors import Unavailable

FAILURES = 5
REST = timedelta(seconds=10)
MAX_NAMES = 1000


@dataclass
class _State:
    under_way: int = 0
    failures: int = 0
    open_until: datetime | None = None


class Circuits:
    """`places` calls at once to one peer, `all_places` to all of them together.  `refusal` makes the
    Unavailable for a call that is not let through, from the seconds to wait."""

    def __init__(
        self, clock: Clock, refusal: Callable[[int], Unavailable], *, places: int, all_places: int
    ) -> None:
        self._clock = clock
        self._refusal = refusal
        self._places = places
        self._all_places = all_places
        self._states: dict[str, _State] = {}
        self._under_way = 0

    @contextmanager
    def place(self, name: str) -> Iterator[None]:
        """One call to the peer.  Unavailable at once while its circuit is open or no place is free; an
        Unavailable from inside counts as its failure, anything else as its being well."""
        state = self._state(name)
        self._require_closed(state)
        if state.under_way >= self._places or self._under_way >= self._all_places:
            raise self._refusal(1)
        state.under_way += 1
        self._under_way += 1
        try:
            yield
        except (Unavailable, asyncio.CancelledError):  # cancelled: the budget was over first
            self._failed(state)
            raise
        except BaseException:
            self._well(state)
            raise
        else:
            self._well(state)
        finally:
            state.under_way -= 1
            self._under_way -= 1

    def _state(self, name: str) -> _State:
        """Names come from codes, which anybody can write: those that tell nothing are dropped."""
        if name not in self._states and len(self._states) >= MAX_NAMES:
            self._states = {
                known: state for known, state in self._states.items() if state.under_way or state.failures
            }
            if len(self._states) >= MAX_NAMES:
                raise self._refusal(1)
        return self._states.setdefault(name, _State())

    def _require_closed(self, state: _State) -> None:
        if state.open_until is None:
            return
        left = state.open_until - self._clock.now()
        if left > timedelta(0):
            raise self._refusal(int(left.total_seconds()) + 1)
        # One call goes through to see; the others stay out until it has come back.
        state.open_until = self._clock.now() + REST

    def _failed(self, state: _State) -> None:
        state.failures += 1
        if state.failures >= FAILURES:
            state.open_until = self._clock.now() + REST

    @staticmethod
    def _well(state: _State) -> None:
        state.failures = 0
        state.open_until = None
