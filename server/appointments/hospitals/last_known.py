"""Answers of a system that may be slow or down: fresh for seconds, else the last known with its age."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from server.core.clock import Clock

MAX_ENTRIES = 5000
MAX_AGE = timedelta(hours=12)
WAIT_S = 1.5
"""How long somebody waits for news when there is an older answer to show."""

T = TypeVar("T")


@dataclass(frozen=True)
class Known(Generic[T]):
    """`is_current`: it was asked just now.  Else the system gave no answer, and this is what it said last."""

    value: T
    as_of: datetime
    is_current: bool = True


@dataclass
class _Entry:
    value: Any = None
    as_of: datetime | None = None
    is_fresh: bool = False
    asking: "asyncio.Task[None] | None" = None


class LastKnown:
    """By key; whoever asks for the same at the same time shares one question.  A key's first part says whose
    it is."""

    def __init__(self, clock: Clock, fresh_for: timedelta) -> None:
        self._clock = clock
        self._fresh_for = fresh_for
        self._entries: dict[tuple[str, ...], _Entry] = {}

    async def get(self, key: tuple[str, ...], ask: Callable[[], Awaitable[T]]) -> Known[T]:
        """What `ask` raises when nothing is known that is less than half a day old."""
        entry = self._entry(key)
        now = self._clock.now()
        is_settled = entry.is_fresh and entry.asking is None
        if is_settled and entry.as_of is not None and now - entry.as_of < self._fresh_for:
            return Known(entry.value, entry.as_of)
        if entry.asking is None:
            entry.asking = asyncio.create_task(self._ask(entry, ask))
            entry.asking.add_done_callback(lambda task: task.cancelled() or task.exception())
        asked, is_known = entry.asking, entry.as_of is not None and now - entry.as_of < MAX_AGE
        await asyncio.wait({asked}, timeout=WAIT_S if is_known else None)
        if asked.done() and asked.exception() is None:
            assert entry.as_of is not None, "the question was answered"
            return Known(entry.value, entry.as_of)
        if is_known:
            assert entry.as_of is not None
            return Known(entry.value, entry.as_of, is_current=False)
        failure = asked.exception()
        assert failure is not None, "nobody waits for less than an answer"
        raise failure

    async def _ask(self, entry: _Entry, ask: Callable[[], Awaitable[Any]]) -> None:
        asked_at = self._clock.now()
        entry.is_fresh = True  # unless somebody changes it while we ask
        try:
            entry.value = await ask()
            entry.as_of = asked_at
        except BaseException:
            entry.is_fresh = False
            raise
        finally:
            entry.asking = None

    def outdate(self, whose: str) -> None:
        """The next question about these is asked anew; what is known stays as the last known."""
        for key, entry in self._entries.items():
            if key[0] == whose:
                entry.is_fresh = False

    def _entry(self, key: tuple[str, ...]) -> _Entry:
        if key not in self._entries and len(self._entries) >= MAX_ENTRIES:
            oldest = next(iter(self._entries))
            del self._entries[oldest]
        return self._entries.setdefault(key, _Entry())
