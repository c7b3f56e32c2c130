"""What a slot pool is: the places of one doctor, room, device or ward on one day."""

from dataclasses import dataclass
from datetime import date, datetime

from server.core.clock import city_day
from server.core.errors import InvalidInput
from server.gateways.his.model import Kind

MAX_SLOTS = 200
MAX_CAPACITY = 10_000
PART = "~"


@dataclass(frozen=True)
class PoolSlot:
    """`slot_id` is unique in its schedule; `fee_fen` is for one place."""

    slot_id: str
    starts_at: datetime
    ends_at: datetime
    capacity: int
    fee_fen: int = 0


@dataclass(frozen=True)
class Pool:
    """As the hospital loads it.  A closed one takes nobody any more: who is booked is moved to the schedule
    `moves_to`, where there is room, and else cancelled."""

    institution_id: str
    schedule_id: str
    kind: Kind
    department_id: str
    department: str
    place: str
    on: date
    slots: tuple[PoolSlot, ...]
    doctor_id: str | None = None
    doctor: str | None = None
    title: str = ""
    item: str | None = None
    released_at: datetime | None = None
    is_closed: bool = False
    moves_to: str | None = None

    @property
    def key(self) -> str:
        return pool_key(self.institution_id, self.schedule_id)

    def slot(self, slot_id: str) -> PoolSlot | None:
        return next((slot for slot in self.slots if slot.slot_id == slot_id), None)

    def require_sound(self) -> None:
        """InvalidInput `slot_pool.invalid`, with detail.problem."""
        if len({slot.slot_id for slot in self.slots}) != len(self.slots):
            raise _invalid("a slot_id came twice")
        if any(slot.ends_at <= slot.starts_at for slot in self.slots):
            raise _invalid("a slot ends before it starts")
        if any(city_day(slot.starts_at) != self.on for slot in self.slots):
            raise _invalid("a slot starts on another day")
        if (self.doctor_id is None) != (self.doctor is None):
            raise _invalid("a doctor has an id and a name")
        if self.moves_to is not None and (not self.is_closed or self.moves_to == self.schedule_id):
            raise _invalid("moves_to names another schedule, of one that is closed")


def _invalid(problem: str) -> InvalidInput:
    return InvalidInput("slot_pool.invalid", "the schedule contradicts itself", problem=problem)


def pool_key(institution_id: str, schedule_id: str) -> str:
    return f"{institution_id}|{schedule_id}"


def public_slot_id(schedule_id: str, slot_id: str) -> str:
    """What a slot is called outside its schedule."""
    return f"{schedule_id}{PART}{slot_id}"


def parts_of(public_id: str) -> tuple[str, str]:
    """(schedule_id, slot_id); the first is empty for what no pool ever called a slot."""
    schedule_id, _, slot_id = public_id.partition(PART)
    return (schedule_id, slot_id) if slot_id else ("", public_id)
