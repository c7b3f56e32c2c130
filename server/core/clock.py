"""The only source of time.  Everything that needs "now" is handed a clock, so that a test can hold it."""

import time
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The present, aware, in UTC, cut to whole milliseconds (what MongoDB keeps)."""
        ...


CITY_AHEAD_S = 8 * 3600
_CITY = timezone(timedelta(seconds=CITY_AHEAD_S), "Asia/Shanghai")


def city_day(at: datetime) -> date:
    """The date on the city's wall calendar at that moment.  One zone for the whole country since 1991."""
    return at.astimezone(_CITY).date()


class SystemClock:
    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time_ns() // 1_000_000 / 1000, UTC)


def today(clock: Clock) -> date:
    """The city's date now: birthdays and ages go by it, and so does "a day" of tries."""
    return city_day(clock.now())


class HeldClock:
    """A clock that moves only when told; for tests and for simulations."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    def advance(self, seconds: float) -> None:
        self._at += timedelta(seconds=seconds)


def to_ms(at: datetime) -> int:
    """Milliseconds since the epoch, as the partner API counts time."""
    return round(at.timestamp() * 1000)


def from_ms(ms: int) -> datetime:
    """The inverse of `to_ms`; OverflowError or ValueError for a time no calendar has."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def iso(at: datetime) -> str:
    """`2026-11-22T08:00:00Z`, with milliseconds only when there are any."""
    text = (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00").removesuffix(".000") + "Z"
