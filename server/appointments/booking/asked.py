"""What a resident asks to book: the reference of a slot, and the slot it leads to."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import get_args

from server.appointments.booking.model import Place
from server.appointments.hospitals.directory import Directory
from server.appointments.hospitals.model import Hospital
from server.appointments.hospitals.openings import Opening
from server.appointments.slots.model import parts_of
from server.appointments.slots.store import PoolStore
from server.appointments.slots.system import as_schedule
from server.core.clock import Clock, iso
from server.core.errors import Conflict, NotFound
from server.gateways.his.interface import HospitalRefused
from server.gateways.his.model import Kind

KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class SlotRef:
    """What a slot is called towards residents: enough to find it again on any process, at any hospital."""

    kind: Kind
    department_id: str
    on: date
    slot_id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.department_id}:{self.on:%Y%m%d}:{self.slot_id}"

    @classmethod
    def read(cls, text: str) -> "SlotRef":
        """NotFound `slot.not_found` for what was never a reference."""
        kind, *rest = text.split(":")
        try:
            department_id, day, slot_id = rest
            on = datetime.strptime(day, "%Y%m%d").date()
        except ValueError:
            raise no_slot() from None
        known = next((one for one in KINDS if one == kind), None)
        if known is None:
            raise no_slot()
        return cls(known, department_id, on, slot_id)

    @classmethod
    def of(cls, opening: Opening) -> "SlotRef":
        schedule = opening.schedule
        return cls(schedule.kind, schedule.department_id, schedule.on, opening.slot.slot_id)


class Slots:
    """Slots by reference.  A pool's is read as it is now; a hospital's as it said in these seconds, for the
    hospital decides by itself when it is asked for the lock."""

    def __init__(self, directory: Directory, pools: PoolStore, clock: Clock) -> None:
        self._directory = directory
        self._pools = pools
        self._clock = clock

    async def get(self, hospital: Hospital, ref: SlotRef) -> Opening:
        """NotFound `slot.not_found`; Conflict `slot.closed`, `slot.over`, `slot.not_released`
        (detail.released_at); Unavailable `hospital.unavailable`."""
        found = await (self._pooled if hospital.system == "pools" else self._told)(hospital, ref)
        if found is None:
            raise no_slot()
        now = self._clock.now()
        if found.schedule.is_cancelled:
            raise Conflict("slot.closed", "the hospital has closed this schedule")
        if found.slot.starts_at <= now:
            raise Conflict("slot.over", "the slot has begun")
        if not found.is_released(now):
            assert found.schedule.released_at is not None
            raise Conflict(
                "slot.not_released",
                "the slot cannot be booked yet",
                released_at=iso(found.schedule.released_at),
            )
        return found

    async def _pooled(self, hospital: Hospital, ref: SlotRef) -> Opening | None:
        schedule_id, slot_id = parts_of(ref.slot_id)
        pool = await self._pools.find(hospital.institution_id, schedule_id)
        if pool is None or (pool.kind, pool.department_id, pool.on) != (ref.kind, ref.department_id, ref.on):
            return None
        slot = pool.slot(slot_id)
        if slot is None:
            return None
        schedule = as_schedule(replace(pool, slots=(slot,)), {})  # of two hundred, only the one asked for
        return Opening(schedule, schedule.slots[0])

    async def _told(self, hospital: Hospital, ref: SlotRef) -> Opening | None:
        try:
            return await self._directory.find_opening(
                hospital.institution_id, ref.kind, ref.department_id, ref.on, ref.slot_id
            )
        except HospitalRefused:
            return None


def place_of(hospital: Hospital, opening: Opening) -> Place:
    schedule, slot = opening.schedule, opening.slot
    return Place(
        kind=schedule.kind,
        institution_id=hospital.institution_id,
        institution=hospital.name,
        department_id=schedule.department_id,
        department=schedule.department,
        schedule_id=schedule.schedule_id,
        slot_id=slot.slot_id,
        place=schedule.place,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        fee_fen=slot.fee_fen,
        doctor_id=schedule.doctor_id,
        doctor=schedule.doctor,
        item=schedule.item,
    )


def no_slot() -> NotFound:
    return NotFound("slot.not_found", "there is no such slot")
