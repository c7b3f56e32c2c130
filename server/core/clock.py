"""The only source of time.  Everything that needs "now" is handed a clock, so that a test can hold it."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The present, aware, in UTC, cut to whole milliseconds (what MongoDB keeps)."""
        ...


class SystemClock:
    def now(self) -> datetime:
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)


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
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace(".000", "").replace("+00:00", "Z")
