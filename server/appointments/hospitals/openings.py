"""What is free, from schedules: pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from server.gateways.his.model import Department, Doctor, Schedule, Slot


@dataclass(frozen=True)
class Opening:
    """A slot with what it is of."""

    schedule: Schedule
    slot: Slot

    def is_released(self, now: datetime) -> bool:
        """Whether it can be booked by now; before that it is shown only (放号)."""
        return self.schedule.released_at is None or self.schedule.released_at <= now


@dataclass(frozen=True)
class OpenDay:
    """`free`: places that are, or will be, there.  `released_at`: when nothing of the day can be booked yet,
    the moment from which on something can."""

    on: date
    free: int
    released_at: datetime | None


@dataclass(frozen=True)
class OpenDepartment:
    department: Department
    free: int
    next_free_on: date | None


@dataclass(frozen=True)
class OpenDoctor:
    doctor: Doctor
    next_free_on: date | None


def openings(
    schedules: Iterable[Schedule], now: datetime, doctor_id: str | None = None, on: date | None = None
) -> list[Opening]:
    """Slots that have not begun, of schedules that take somebody; in the order of time."""
    found = list(_openings(schedules, now, doctor_id, on))
    return sorted(found, key=lambda one: (one.slot.starts_at, one.schedule.schedule_id))


def _openings(
    schedules: Iterable[Schedule], now: datetime, doctor_id: str | None, on: date | None
) -> Iterator[Opening]:
    for schedule in schedules:
        if schedule.is_cancelled or (on is not None and schedule.on != on):
            continue
        if doctor_id is not None and schedule.doctor_id != doctor_id:
            continue
        yield from (Opening(schedule, slot) for slot in schedule.slots if slot.starts_at > now)


def days_of(found: Sequence[Opening], days: Sequence[date], now: datetime) -> list[OpenDay]:
    """Each of `days`, full ones and empty ones too."""
    return [_day(on, [one for one in found if one.schedule.on == on], now) for on in days]


def _day(on: date, found: Sequence[Opening], now: datetime) -> OpenDay:
    waits = [
        one.schedule.released_at for one in found if one.schedule.released_at and not one.is_released(now)
    ]
    is_open = any(one.is_released(now) for one in found)
    return OpenDay(on, sum(one.slot.free for one in found), min(waits) if waits and not is_open else None)


def free_now(found: Sequence[Opening], now: datetime) -> tuple[int, date | None]:
    """How many places can be booked now, and the first day that has one."""
    free = [one for one in found if one.is_released(now) and one.slot.free > 0]
    return sum(one.slot.free for one in free), min((one.schedule.on for one in free), default=None)
