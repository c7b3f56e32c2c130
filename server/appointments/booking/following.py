"""Bookings follow their pool: of a slot that is closed, gone or smaller they are moved where there is room,
and else cancelled, each with its event."""

from dataclasses import replace
from datetime import datetime

from server.appointments.booking.carrying import Carrier, Stale
from server.appointments.booking.model import CANCELLABLE, Appointment, Place
from server.appointments.booking.seats import free_seat
from server.appointments.booking.store import AppointmentStore
from server.appointments.hospitals.directory import Directory
from server.appointments.slots.model import Pool, PoolSlot, parts_of, public_slot_id
from server.appointments.slots.store import PoolStore
from server.core.clock import Clock
from server.core.errors import Unavailable
from server.core.mongo import Duplicate
from server.core.outbox import Event

MAX_TRIES = 5


class Following:
    def __init__(
        self,
        store: AppointmentStore,
        pools: PoolStore,
        carrier: Carrier,
        directory: Directory,
        clock: Clock,
    ) -> None:
        self._store = store
        self._pools = pools
        self._carrier = carrier
        self._directory = directory
        self._clock = clock

    async def follow_pool(self, event: Event) -> None:
        """A reaction: looks at everybody booked in the schedule as it is now, so twice does nothing twice."""
        institution_id, schedule_id = event.data["institution_id"], event.data["schedule_id"]
        pool, target = await self._now(institution_id, schedule_id)
        if pool is None:
            return
        for one in await self._store.list_live_of_schedule(institution_id, schedule_id):
            await self._follow(one, pool, target)
        self._directory.outdate(institution_id)

    async def follow_booked(self, event: Event) -> None:
        """A reaction: whoever took a place while the slot became smaller, and died before looking again,
        follows too.  Twice does nothing twice."""
        one = await self._store.find(event.data["appointment_id"])
        if one is None or not one.is_ours or one.seat <= await self._carrier.capacity(one):
            return
        pool, target = await self._now(one.at.institution_id, one.at.schedule_id)
        if pool is not None:
            await self._follow(one, pool, target)

    async def _now(self, institution_id: str, schedule_id: str) -> tuple[Pool | None, Pool | None]:
        """The schedule, and the one it moves to."""
        pool = await self._pools.find(institution_id, schedule_id)
        if pool is None or pool.moves_to is None:
            return pool, None
        return pool, await self._pools.find(institution_id, pool.moves_to)

    async def _follow(self, one: Appointment, pool: Pool, target: Pool | None) -> None:
        """Unavailable when somebody else changes it all the time."""
        for _ in range(MAX_TRIES):
            # Whoever has checked in is there: the hospital sees to them.
            is_to_come = one.at.starts_at > self._clock.now() and one.state in CANCELLABLE
            if not is_to_come or one.at.schedule_id != pool.schedule_id:
                return
            try:
                await self._follow_once(one, pool, target)
                return
            except Stale:  # it was confirmed, drawn or moved in this moment
                found = await self._store.find(one.appointment_id)
                assert found is not None, "an appointment is never deleted"
                one = found
        raise Unavailable("server.busy", "the booking moves at this moment", retry_after_s=1)

    async def _follow_once(self, one: Appointment, pool: Pool, target: Pool | None) -> None:
        _, slot_id = parts_of(one.at.slot_id)
        slot = None if pool.is_closed else pool.slot(slot_id)
        if slot is not None and one.seat <= slot.capacity:
            await self._update(one, pool, slot)
            return
        for into in (None if pool.is_closed else pool, target):
            if into is not None and not into.is_closed and await self._move(one, into):
                return
        if (await self._carrier.end(one, "closed")).state in CANCELLABLE:
            raise Stale

    async def _update(self, one: Appointment, pool: Pool, slot: PoolSlot) -> None:
        """Same seat; another time or place is told."""
        place = placed(one.at, pool, slot)
        if place != one.at:
            event = "appointment.moved" if _differs(one.at, place) else None
            after = replace(one, at=place, capacity=slot.capacity)
            await self._carrier.place_anew(one, after, event)

    async def _move(self, one: Appointment, pool: Pool) -> bool:
        """Into the slot of that schedule that is nearest in time and has room; False when none has."""
        now = self._clock.now()
        slots = [slot for slot in pool.slots if slot.starts_at > now and slot.fee_fen <= one.at.fee_fen]
        for slot in sorted(slots, key=lambda slot: _distance(one.at.starts_at, slot)):
            place = placed(one.at, pool, slot)
            for _ in range(slot.capacity):
                taken = (await self._store.taken_seats([place.slot_key])).get(place.slot_key, set())
                seat = free_seat(slot.capacity, taken)
                if seat is None:
                    break
                after = replace(one, at=place, seat=seat, capacity=slot.capacity)
                try:
                    await self._carrier.place_anew(one, after, "appointment.moved")
                except Duplicate as duplicate:
                    if "person_id" in duplicate.key:
                        break
                    continue
                return True
        return False


def _distance(starts_at: datetime, slot: PoolSlot) -> tuple[float, datetime]:
    return abs((slot.starts_at - starts_at).total_seconds()), slot.starts_at


def _differs(before: Place, after: Place) -> bool:
    """Whether whoever is booked must know."""
    return any(
        getattr(before, name) != getattr(after, name) for name in ("starts_at", "ends_at", "place", "doctor")
    )


def placed(at: Place, pool: Pool, slot: PoolSlot) -> Place:
    """The place as the schedule has it; the fee stays what was agreed."""
    return replace(
        at,
        department_id=pool.department_id,
        department=pool.department,
        schedule_id=pool.schedule_id,
        slot_id=public_slot_id(pool.schedule_id, slot.slot_id),
        place=pool.place,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        doctor_id=pool.doctor_id,
        doctor=pool.doctor,
        item=pool.item,
    )
