"""What time does to bookings: next steps that are due, holds that expire, slots nobody came to.

Each worker may do all of it; the database says who takes what.
"""

import asyncio
from collections.abc import Awaitable

from server.appointments.booking.carrying import LEASE, Carrier
from server.appointments.booking.model import Appointment, State
from server.appointments.booking.policy import BookingPolicy
from server.appointments.booking.store import AppointmentStore
from server.appointments.hospitals.service import Hospitals
from server.core.clock import Clock
from server.core.due import work_off
from server.core.errors import Unavailable
from server.core.policies import Policies

AT_ONCE = 16
MAX_DUE = 2000
BATCH = 200
MAX_BATCHES = 50


class Upkeep:
    def __init__(
        self,
        store: AppointmentStore,
        carrier: Carrier,
        hospitals: Hospitals,
        policies: Policies,
        clock: Clock,
    ) -> None:
        self._store = store
        self._carrier = carrier
        self._hospitals = hospitals
        self._policies = policies
        self._clock = clock

    async def continue_due(self) -> int:
        """Goes on with what is due, some at once: a hospital that hangs holds up no other's for long.
        Returns how many."""

        def claim() -> Awaitable[Appointment | None]:
            now = self._clock.now()
            return self._store.claim_due(now, now + LEASE)

        return await work_off(claim, self._carrier.carry, at_once=AT_ONCE, most=MAX_DUE)

    async def releases_owed(self) -> tuple[int, int]:
        """How many places hospitals have still to take back, and of how many they refuse to, for a reason
        that says nothing of the patient."""
        return await self._store.count_owed()

    async def release_expired(self) -> int:
        """Gives back every place whose time to confirm is over, in one sweep; returns how many."""
        freed = 0
        for _ in range(MAX_BATCHES):
            found = await self._store.list_expired(self._clock.now(), BATCH)
            for start in range(0, len(found), AT_ONCE):
                some = found[start : start + AT_ONCE]
                ended = await asyncio.gather(*(self._carrier.end(one, "expired") for one in some))
                freed += sum(one.state is State.RELEASED for one in ended)
            if len(found) < BATCH:
                break
        return freed

    async def close_over(self) -> int:
        """Bookings whose slot is long over.  Whoever has checked in is done, also where nobody says so: their
        places of the limits are free again.  Nobody checked in: a no-show, or done where the hospital never
        says who has come.  Returns how many were looked at."""
        policy = await self._policies.get(BookingPolicy)
        found = await self._store.list_over(self._clock.now() - policy.no_show_after, BATCH)
        for one in found:
            hospital = await self._hospitals.find(one.at.institution_id)
            is_counted = hospital is not None and hospital.counts_no_shows and one.state is State.CONFIRMED
            if is_counted and await self._is_struck(one):
                await self._carrier.end(one, "closed")
            else:
                await self._carrier.move(one, State.NO_SHOW if is_counted else State.COMPLETED)
        return len(found)

    async def _is_struck(self, one: Appointment) -> bool:
        """Whether the hospital itself has let the place go: its doctor did not come, and nobody missed it.
        One that gives no answer has said nothing against it."""
        if one.is_ours:
            return False
        try:
            system = await self._hospitals.system_of(one.at.institution_id)
            return (await system.find_lock(one.appointment_id)).state == "released"
        except Unavailable:
            return False
