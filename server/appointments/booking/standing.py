"""Asking hospitals with slots of their own whether firm bookings still stand, and following what they say.

A hospital that closes a schedule may tell nobody.  Each coming booking is asked about once an hour, by any
number of workers: a row is claimed for a while, and who dies leaves it due again.  What a hospital does not
answer stays as it is: nothing is guessed.
"""

from datetime import datetime, timedelta

import structlog

from server.appointments.booking.carrying import Carrier
from server.appointments.booking.model import Appointment, State
from server.appointments.booking.store import ASK_EVERY, AppointmentStore
from server.appointments.hospitals.service import Hospitals
from server.core.clock import Clock
from server.core.due import work_off
from server.core.errors import NotFound, Unavailable
from server.gateways.his.interface import HospitalRefused

LEASE = timedelta(seconds=60)
AT_ONCE = 8
MAX_ASKED = 200
SILENT = timedelta(minutes=10)
"""When a hospital that gave no answer is asked again."""

log = structlog.get_logger()


class Standing:
    def __init__(self, store: AppointmentStore, carrier: Carrier, hospitals: Hospitals, clock: Clock) -> None:
        self._store = store
        self._carrier = carrier
        self._hospitals = hospitals
        self._clock = clock

    async def ask_due(self) -> int:
        """Asks about what is due, some at once; returns how many."""

        async def claim() -> tuple[Appointment, datetime] | None:
            now = self._clock.now()
            one = await self._store.claim_to_ask(now, now + LEASE)
            return None if one is None else (one, now + LEASE)

        async def ask(claimed: tuple[Appointment, datetime]) -> None:
            one, until = claimed
            await self._store.ask_again(one, until, self._clock.now() + await self._ask(one))

        return await work_off(claim, ask, at_once=AT_ONCE, most=MAX_ASKED)

    async def _ask(self, one: Appointment) -> timedelta:
        """How long until it is asked about again."""
        if one.state is not State.CONFIRMED or one.at.starts_at <= self._clock.now():
            return ASK_EVERY
        try:
            system = await self._hospitals.system_of(one.at.institution_id)
            known = await system.find_lock(one.appointment_id)
            if known.state == "locked":  # the yes was lost on its side: it is said again
                known = await system.confirm(one.appointment_id)
        except HospitalRefused as refusal:
            if refusal.code not in ("slot.closed", "lock.released", "lock.expired"):
                return ASK_EVERY
            await self._carrier.follow_hospital(one, refusal.code)
            return ASK_EVERY
        except (Unavailable, NotFound):
            return SILENT
        if known.state == "released":
            await self._carrier.follow_hospital(one, "lock.released")
        elif known.state == "unknown":  # neither a yes nor a no: its people have to look
            log.warning("appointment.unknown_to_hospital", institution_id=one.at.institution_id)
        return ASK_EVERY
