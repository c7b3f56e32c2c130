"""Carrying a booking through the hospital's system, one step after another, whatever gets lost on the way.

Our place first, then the hospital's lock (its id is the appointment's).  A refusal gives our place back with
the hospital's reason.  An answer that is lost leaves the booking where it is, with a time for the next step;
then the hospital is asked what became of the lock, never guessed.  Whoever makes a step says from which state
(a conditional update), so a worker and a request may walk the same way at once.
"""

from dataclasses import replace
from datetime import timedelta

import structlog

from server.appointments.booking.model import CANCELLABLE, EVENTS, Appointment, Because, State
from server.appointments.booking.seats import free_seat
from server.appointments.booking.store import AppointmentStore
from server.appointments.hospitals.service import Hospitals
from server.appointments.slots.model import parts_of
from server.appointments.slots.store import PoolStore
from server.cards.model import Card, Status
from server.cards.service import CardService
from server.core.clock import Clock
from server.core.errors import NotFound, Unavailable
from server.core.mongo import Duplicate
from server.gateways.his.interface import HospitalRefused, HospitalSystem
from server.gateways.his.model import Lock, LockAnswer, Patient, RefusalCode

LEASE = timedelta(seconds=30)
MAX_BACKOFF_S = 300
MAX_STEPS = 8
RELEASE_FOR = timedelta(days=1)
"""How long after its slot the release of a lock is asked for; nobody can sit there any more."""

THERE: RefusalCode = "lock.used"
"""The one refusal of a release that the contract knows: the patient has checked in."""

log = structlog.get_logger()


class Stale(Exception):
    """Somebody else has changed the booking since it was read: nothing was written."""


class Carrier:
    def __init__(
        self,
        store: AppointmentStore,
        pools: PoolStore,
        hospitals: Hospitals,
        cards: CardService,
        clock: Clock,
    ) -> None:
        self._store = store
        self._pools = pools
        self._hospitals = hospitals
        self._cards = cards
        self._clock = clock

    async def carry(self, one: Appointment) -> Appointment:
        """As far as it goes now.  The booking as it is then; what is not decided has its next step."""
        for _ in range(MAX_STEPS):
            before = one
            try:
                one = await self._step(one)
            except Unavailable:
                return await self._postpone(one)
            except HospitalRefused as refusal:
                if one.owes_release:
                    return await self._not_released(one, refusal.code)
                one = await self.end(one, "hospital_refused", refusal.code)
            if one == before:
                return one
        return one

    async def _step(self, one: Appointment) -> Appointment:
        """The next step of one that waits for something; the same when it waits for nothing."""
        if one.owes_release:
            system = await self._system(one)
            await system.release(one.appointment_id)
            return await self._save(one, replace(one, owes_release=False, release_refused=None))
        if one.state is State.HOLDING and one.is_waiting:
            return await self._draw(one)
        if one.state is State.HOLDING:
            return await self._lock(one)
        if one.state is State.CONFIRMING:
            return await self._confirm(one)
        return one

    async def _not_released(self, one: Appointment, code: RefusalCode) -> Appointment:
        """Where the patient is there nothing is left to let go.  Any other refusal proves nothing about the
        place: it is asked for again, and people see that it is refused."""
        if code == THERE:
            return await self._save(
                one, replace(one, owes_release=False, hospital_code=code, release_refused=None)
            )
        log.warning("appointment.release_refused", institution_id=one.at.institution_id, code=code)
        return await self._postpone(replace(one, release_refused=code))

    async def _system(self, one: Appointment) -> HospitalSystem:
        try:
            return await self._hospitals.system_of(one.at.institution_id)
        except NotFound as gone:
            raise Unavailable("hospital.unavailable", "the institution is not set up") from gone

    # -- the steps
    async def _draw(self, one: Appointment) -> Appointment:
        """The next free seat: who waits is taken in the order of chance that the draw gave them."""
        capacity = await self.capacity(one)
        for _ in range(MAX_STEPS):
            taken = (await self._store.taken_seats([one.at.slot_key])).get(one.at.slot_key, set())
            seat = free_seat(capacity, taken)
            if seat is None:
                return await self.end(one, "full")
            try:
                return await self.settle(one, replace(one, seat=seat))
            except Duplicate:
                continue
        raise Unavailable("server.busy", "too many want this slot at once")

    async def settle(self, before: Appointment, seated: Appointment) -> Appointment:
        """What a place in a pool, or a hospital's yes, leads to: held while there is a fee to pay, else firm.
        A place of ours at a hospital with its own system is locked there next."""
        if not seated.is_ours:
            return await self._save(before, seated)
        if seated.is_to_pay:
            return await self._save(before, replace(seated, state=State.HELD))
        return await self._save(before, confirmed(seated, seated.appointment_id))

    async def _lock(self, one: Appointment) -> Appointment:
        system = await self._system(one)
        known = LockAnswer(one.appointment_id, "unknown")
        if one.attempts:
            known = await system.find_lock(one.appointment_id)
        if known.state == "unknown":
            if one.hold_expires_at is None or one.hold_expires_at <= self._clock.now():
                return await self.end(one, "expired")
            card = await self._cards.find(one.card_id)
            if card is None or card.status is not Status.ACTIVE:
                return await self.end(one, "card_ended")
            lock = Lock(one.appointment_id, one.at.slot_id, patient_of(card), one.hold_expires_at)
            known = await system.lock(lock)
        return await self._follow(one, known)

    async def _confirm(self, one: Appointment) -> Appointment:
        system = await self._system(one)
        known = LockAnswer(one.appointment_id, "locked")
        if one.attempts:
            known = await system.find_lock(one.appointment_id)
        if known.state == "locked":
            known = await system.confirm(one.appointment_id)
        if known.state == "unknown":
            raise HospitalRefused("lock.unknown")
        return await self._follow(one, known)

    async def _follow(self, one: Appointment, known: LockAnswer) -> Appointment:
        """What the hospital knows of our lock is what holds."""
        if known.state == "confirmed":
            return await self._save(one, confirmed(one, known.registration_no))
        if known.state == "locked":
            if one.is_to_pay:
                return await self._save(one, replace(one, state=State.HELD, attempts=0))
            return await self._save(one, replace(one, state=State.CONFIRMING, attempts=0))
        raise HospitalRefused("lock.released")

    async def make_firm(self, one: Appointment) -> Appointment:
        """From held on: in a pool at once, at a hospital by its word."""
        if one.is_ours:
            return await self._save(one, confirmed(one, one.appointment_id))
        return await self.carry(await self._save(one, replace(one, state=State.CONFIRMING, attempts=0)))

    async def move(self, one: Appointment, to: State) -> Appointment:
        """A step that asks nobody; the booking as it is then."""
        over = to in (State.COMPLETED, State.NO_SHOW)
        return await self._save(one, replace(one, state=to, ended_at=self._clock.now() if over else None))

    async def place_anew(self, one: Appointment, after: Appointment, event: str | None) -> None:
        """Another seat or another time, in the same state.  Duplicate when the seat is taken; Stale."""
        now = self._clock.now()
        after = replace(after, moves=one.moves + 1)
        due_at = now if one.state is State.HOLDING else None
        if not await self._store.save(one, after, now, due_at=due_at, event=event):
            raise Stale

    # -- keeping
    async def _save(self, before: Appointment, after: Appointment) -> Appointment:
        """The booking as it is stored now: `after`, or what somebody else made of it meanwhile."""
        now = self._clock.now()
        after = replace(after, moves=before.moves + 1)
        is_waiting = after.state in (State.HOLDING, State.CONFIRMING) or after.owes_release
        event = None if after.state is before.state else EVENTS.get(after.state)
        due_at = now + LEASE if is_waiting else None
        if await self._store.save(before, after, now, due_at=due_at, event=event):
            return after
        found = await self._store.find(before.appointment_id)
        assert found is not None, "an appointment is never deleted"
        return found

    async def end(self, one: Appointment, because: Because, code: str | None = None) -> Appointment:
        """Ends one that is not over: released before it was firm, cancelled after.  A hospital's lock is
        let go next, and again until that is known.  Whoever has come, or is over, stays as they are."""
        if one.state not in CANCELLABLE:
            return one
        state = State.CANCELLED if one.state is State.CONFIRMED else State.RELEASED
        ended = replace(
            one,
            state=state,
            because=because,
            hospital_code=code,
            ended_at=self._clock.now(),
            owes_release=not one.is_ours and not one.is_waiting,
            attempts=0,
        )
        return await self._save(one, ended)

    async def follow_hospital(self, one: Appointment, code: str) -> None:
        """The hospital has let go a firm booking: there is no lock left to release."""
        if one.state is State.CONFIRMED:
            ended = replace(
                one,
                state=State.CANCELLED,
                because="hospital_cancelled",
                hospital_code=code,
                ended_at=self._clock.now(),
                attempts=0,
            )
            await self._save(one, ended)

    async def _postpone(self, one: Appointment) -> Appointment:
        """Asked again later, each time later; what nobody can answer any more ends."""
        now = self._clock.now()
        if one.owes_release and now >= one.at.ends_at + RELEASE_FOR:
            log.warning("appointment.release_given_up", institution_id=one.at.institution_id)
            code = one.release_refused or "unanswered"
            return await self._save(one, replace(one, owes_release=False, hospital_code=code))
        if one.state is State.HOLDING and one.hold_expires_at is not None and one.hold_expires_at <= now:
            return await self.end(one, "expired")  # so is the hospital's lock, if there was one
        if one.is_live and now >= one.at.ends_at:
            return await self.end(one, "unanswered")
        tries = max(1, one.attempts)
        due_at = now + timedelta(seconds=min(2 ** min(tries, 20), MAX_BACKOFF_S))
        await self._store.save(one, replace(one, attempts=tries, moves=one.moves + 1), now, due_at=due_at)
        found = await self._store.find(one.appointment_id)
        assert found is not None, "an appointment is never deleted"
        return found

    # -- pools
    async def capacity(self, one: Appointment) -> int:
        """How many places the slot has now; none when it is closed or gone."""
        if not one.is_ours:
            return one.capacity
        schedule_id, slot_id = parts_of(one.at.slot_id)
        pool = await self._pools.find(one.at.institution_id, schedule_id)
        slot = None if pool is None or pool.is_closed else pool.slot(slot_id)
        return 0 if slot is None else slot.capacity


def confirmed(one: Appointment, registration_no: str | None) -> Appointment:
    return replace(
        one, state=State.CONFIRMED, registration_no=registration_no, hold_expires_at=None, attempts=0
    )


def patient_of(card: Card) -> Patient:
    """Whom the place is for, as the hospital must know them."""
    holder = card.holder
    return Patient(
        name=holder.name,
        id_type=holder.id_type,
        id_no=holder.id_no,
        phone=holder.phone,
        gender=holder.gender,
        birth_on=holder.born_on,
        card_id=card.card_id,
    )
