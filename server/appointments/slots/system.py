"""The pools as a hospital system: who asks cannot tell them from a hospital's own.

The place itself is taken in `appointments`, by the booking whose id the lock has: one unique index decides
it.  So to lock is to see that the slot still has that place, and confirming and releasing need nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from server.appointments.slots.model import Pool, parts_of, public_slot_id
from server.appointments.slots.store import PoolStore
from server.core.clock import Clock, today
from server.gateways.his.interface import HospitalRefused
from server.gateways.his.model import (
    Bill,
    Department,
    Doctor,
    Kind,
    Lock,
    LockAnswer,
    LockState,
    Order,
    Patient,
    PatientFile,
    QueueTicket,
    Report,
    Schedule,
    Slot,
    Whose,
)

SHOWN_DAYS = 30


@dataclass(frozen=True)
class Seat:
    """The place a booking has in a slot, from 1."""

    slot_id: str
    seat: int
    state: LockState
    registration_no: str | None


class Seats(Protocol):
    """Who is booked."""

    async def count_taken(self, institution_id: str, slot_ids: Sequence[str]) -> dict[str, int]: ...

    async def find_seat(self, appointment_id: str) -> Seat | None: ...


class PoolSystem:
    """One institution's pools; see `HospitalSystem` for what each call answers."""

    def __init__(self, institution_id: str, pools: PoolStore, seats: Seats, clock: Clock) -> None:
        self._institution_id = institution_id
        self._pools = pools
        self._seats = seats
        self._clock = clock

    # -- what can be booked
    async def departments(self) -> Sequence[Department]:
        """Those with a schedule from today on."""
        found: dict[str, Pool] = {}
        kinds: dict[str, set[Kind]] = {}
        for pool in await self._shown():
            found.setdefault(pool.department_id, pool)
            kinds.setdefault(pool.department_id, set()).add(pool.kind)
        return [
            Department(one.department_id, one.department, one.place, tuple(sorted(kinds[one.department_id])))
            for one in found.values()
        ]

    async def doctors(self, department_id: str) -> Sequence[Doctor]:
        pools = await self._shown(department_id)
        if not pools:
            raise HospitalRefused("department.unknown")
        found: dict[str, Doctor] = {}
        for pool in pools:
            if pool.doctor_id is not None and pool.doctor is not None:
                found[pool.doctor_id] = Doctor(pool.doctor_id, department_id, pool.doctor, pool.title)
        return list(found.values())

    async def _shown(self, department_id: str | None = None) -> list[Pool]:
        start = today(self._clock)
        days = timedelta(days=SHOWN_DAYS)
        pools = await self._pools.list(self._institution_id, start, start + days, department_id)
        return [pool for pool in pools if not pool.is_closed]

    async def schedules(
        self, kind: Kind, department_id: str, from_on: date, to_on: date
    ) -> Sequence[Schedule]:
        pools = await self._pools.list(self._institution_id, from_on, to_on, department_id, kind)
        ids = [public_slot_id(pool.schedule_id, slot.slot_id) for pool in pools for slot in pool.slots]
        taken = await self._seats.count_taken(self._institution_id, ids)
        return [as_schedule(pool, taken) for pool in pools]

    # -- one place
    async def lock(self, lock: Lock) -> LockAnswer:
        seat = await self._seats.find_seat(lock.lock_id)
        schedule_id, slot_id = parts_of(lock.slot_id)
        pool = await self._pools.find(self._institution_id, schedule_id)
        slot = None if pool is None else pool.slot(slot_id)
        if pool is None or slot is None:
            raise HospitalRefused("slot.unknown")
        if pool.is_closed:
            raise HospitalRefused("slot.closed")
        if seat is None or seat.seat > slot.capacity:
            raise HospitalRefused("slot.full")
        if seat.slot_id != lock.slot_id:
            raise HospitalRefused("lock.differs")
        return _answer(lock.lock_id, seat)

    async def find_lock(self, lock_id: str) -> LockAnswer:
        seat = await self._seats.find_seat(lock_id)
        return LockAnswer(lock_id, "unknown") if seat is None else _answer(lock_id, seat)

    async def confirm(self, lock_id: str) -> LockAnswer:
        seat = await self._seats.find_seat(lock_id)
        if seat is None:
            raise HospitalRefused("lock.unknown")
        if seat.state == "released":
            raise HospitalRefused("lock.released")
        return LockAnswer(lock_id, "confirmed", seat.slot_id, registration_no=lock_id)

    async def release(self, lock_id: str) -> LockAnswer:
        return LockAnswer(lock_id, "released")

    # -- the visit is the platform's own: server/visits has queues and steps for it
    async def register(self, patient: Patient) -> PatientFile:
        raise HospitalRefused("patient.refused")

    async def check_in(self, registration_no: str) -> QueueTicket:
        raise HospitalRefused("registration.unknown")

    async def queue(self, queue_id: str, token_no: str) -> QueueTicket:
        raise HospitalRefused("ticket.unknown")

    async def orders(self, whose: Whose) -> Sequence[Order]:
        return []

    async def bills(self, whose: Whose) -> Sequence[Bill]:
        return []

    async def reports(self, whose: Whose) -> Sequence[Report]:
        return []


def as_schedule(pool: Pool, taken: dict[str, int]) -> Schedule:
    """`taken`: how many places of each slot are booked, by its public id."""
    slots = []
    for one in pool.slots:
        slot_id = public_slot_id(pool.schedule_id, one.slot_id)
        free = max(0, one.capacity - taken.get(slot_id, 0))
        slots.append(Slot(slot_id, one.starts_at, one.ends_at, one.capacity, free, one.fee_fen))
    return Schedule(
        schedule_id=pool.schedule_id,
        kind=pool.kind,
        department_id=pool.department_id,
        department=pool.department,
        doctor_id=pool.doctor_id,
        doctor=pool.doctor,
        item=pool.item,
        place=pool.place,
        on=pool.on,
        is_cancelled=pool.is_closed,
        released_at=pool.released_at,
        slots=tuple(slots),
    )


def _answer(lock_id: str, seat: Seat) -> LockAnswer:
    return LockAnswer(lock_id, seat.state, seat.slot_id, registration_no=seat.registration_no)
