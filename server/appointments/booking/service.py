"""Booking (M2): hold, confirm, cancel by rule, and what a hospital says of who has come."""

import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from server.appointments.booking.asked import SlotRef, Slots, place_of
from server.appointments.booking.carrying import LEASE, Carrier, confirmed
from server.appointments.booking.model import CANCELLABLE, Appointment, Because, Place, State
from server.appointments.booking.policy import BookingPolicy
from server.appointments.booking.store import AppointmentStore
from server.appointments.booking.taking import Ask, Taking
from server.appointments.examinations.compatibility import Compatibility
from server.appointments.fairness.model import What
from server.appointments.fairness.service import Booker, Fairness, Standing
from server.appointments.hospitals.directory import Directory
from server.appointments.hospitals.openings import Opening
from server.appointments.hospitals.service import Hospitals
from server.cards.model import Card
from server.cards.service import CardService
from server.core.clock import Clock, city_day, iso
from server.core.errors import Conflict, NotFound, Unavailable
from server.core.ids import new_id
from server.core.policies import Policies

MAX_LISTED = 100
DRAWN_WITHIN_MS = 1000
WAIT_MORE = timedelta(seconds=2)


class AppointmentService:
    def __init__(
        self,
        store: AppointmentStore,
        taking: Taking,
        carrier: Carrier,
        slots: Slots,
        hospitals: Hospitals,
        directory: Directory,
        fairness: Fairness,
        compatibility: Compatibility,
        cards: CardService,
        policies: Policies,
        clock: Clock,
    ) -> None:
        self._store = store
        self._taking = taking
        self._carrier = carrier
        self._slots = slots
        self._hospitals = hospitals
        self._directory = directory
        self._fairness = fairness
        self._compatibility = compatibility
        self._cards = cards
        self._policies = policies
        self._clock = clock

    # -- by a resident
    async def book(
        self, booker: Booker, card_id: str, institution_id: str, slot_id: str, request: str | None = None
    ) -> Appointment:
        """The booking: `confirmed` when the slot is free of charge, `held` while a fee is to be paid;
        `holding` or `confirming` while the hospital has not been heard, or a draw is to come.

        TooMany `booking_*.too_many`; NotFound `card.not_found`, `institution.not_found`, `slot.not_found`;
        Conflict `card.not_active`, `slot.full`, `slot.closed`, `slot.over`, `slot.not_released`,
        `slot.refused` (detail.reason: the hospital's), `appointment.exists`, `booking.limit_reached`,
        `booking.blocked`, `examination.conflict` (detail.conflicts); Unavailable `hospital.unavailable`.
        """
        await self._fairness.require_calm(booker)
        try:
            booked = await self._book(booker, card_id, institution_id, slot_id, request)
        except Conflict:
            await self._fairness.count_refused(booker)
            raise
        self._directory.outdate(institution_id)
        return booked

    async def _book(
        self, booker: Booker, card_id: str, institution_id: str, slot_id: str, request: str | None
    ) -> Appointment:
        card = await self._cards.get(booker.account_id, card_id)
        card.require_active()
        hospital = await self._hospitals.get(institution_id)
        opening = await self._slots.get(hospital, SlotRef.read(slot_id))
        policy = await self._policies.get(BookingPolicy)
        place = place_of(hospital, opening)
        await self._compatibility.require_free(card.card_id, place)
        wanted = self._wanted(booker, card, place, opening, policy, is_ours=hospital.system == "pools")
        limits = await self._fairness.limits(booker, wanted.person_id, place.kind, city_day(place.starts_at))
        now = self._clock.now()
        taken = await self._taking.take(
            Ask(
                wanted=wanted,
                capacity=opening.slot.capacity,
                limits=limits,
                request=request,
                due_at=now + LEASE if wanted.state is State.HOLDING else None,
                draw_at=draw_at(opening, policy, now),
                wait_until=now + WAIT_MORE,
            )
        )
        settled = await self._settled(taken)
        try:
            await self._compatibility.require_first(settled)
        except Conflict:
            await self.withdraw(settled.appointment_id, "conflict")
            raise
        return settled

    async def _settled(self, taken: Appointment) -> Appointment:
        """What became of a place that was taken: in a pool, that the slot is still open; else the lock."""
        if taken.is_waiting:
            return taken
        if taken.is_ours:
            if taken.seat <= await self._carrier.capacity(taken):
                return taken
            taken = await self._carrier.end(taken, "closed")
            raise Conflict("slot.closed", "the hospital has closed this schedule")
        carried = await self._carrier.carry(taken)
        if not carried.is_live:
            raise Conflict(
                "slot.refused",
                "the hospital does not give this place",
                reason=carried.hospital_code or carried.because,
            )
        return carried

    def _wanted(
        self,
        booker: Booker,
        card: Card,
        place: Place,
        opening: Opening,
        policy: BookingPolicy,
        *,
        is_ours: bool,
    ) -> Appointment:
        assert card.person_id is not None, "an active card is somebody's"
        now = self._clock.now()
        wanted = Appointment(
            appointment_id=new_id(now),
            state=State.HOLDING,
            at=place,
            card_id=card.card_id,
            person_id=card.person_id,
            account_id=booker.account_id,
            booked_at=now,
            hold_expires_at=now + policy.hold,
            capacity=opening.slot.capacity,
            seat=0,
            is_ours=is_ours,
        )
        if not is_ours or draw_at(opening, policy, now) is not None:
            return wanted
        if wanted.is_to_pay:
            return replace(wanted, state=State.HELD)
        return confirmed(wanted, wanted.appointment_id)

    async def get(self, account_id: str, appointment_id: str) -> Appointment:
        """NotFound `appointment.not_found`, also for one of somebody else's card."""
        one = await self._store.find(appointment_id)
        card = None if one is None else await self._cards.find(one.card_id)
        if one is None or card is None or card.tie_of(account_id) is None:
            raise no_appointment()
        return one

    async def list_of_account(
        self, account_id: str, card_id: str | None, *, is_past: bool
    ) -> tuple[list[Appointment], dict[str, Card]]:
        """Of one card, or of all cards of the account, with the cards; at most a hundred.  NotFound
        `card.not_found`."""
        if card_id is None:
            cards = await self._cards.list_of_account(account_id)
        else:
            cards = [await self._cards.get(account_id, card_id)]
        known = {card.card_id: card for card in cards}
        found = await self._store.list_of_cards(
            list(known), self._clock.now(), is_past=is_past, limit=MAX_LISTED
        )
        return found, known

    async def standing(
        self, account_id: str, card_id: str, device_id: str | None
    ) -> tuple[Standing, dict[What, int]]:
        """How the card's person stands with the rules, and how many open bookings family and device have.
        NotFound `card.not_found`; Conflict `card.not_active` before it is anybody's."""
        card = await self._cards.get(account_id, card_id)
        if card.person_id is None:
            card.require_active()
        standing = await self._fairness.standing(card.person_id or "")
        limits = self._fairness.shared_limits(standing.policy, account_id, device_id)
        taken = await self._store.taken_places(place for limit in limits for place in limit.places())
        return standing, {limit.what: len(taken.intersection(limit.places())) for limit in limits}

    def now(self) -> datetime:
        return self._clock.now()

    async def rules(self) -> BookingPolicy:
        return await self._policies.get(BookingPolicy)

    async def confirm(self, account_id: str, appointment_id: str) -> Appointment:
        """Makes a held place firm; one that is firm stays as it is.

        NotFound; Conflict `appointment.payment_due` (detail.fee_fen, detail.pay_at) while there is a fee to
        pay, `appointment.over` for one that is not held any more.
        """
        one = await self.get(account_id, appointment_id)
        if one.state is State.HELD and one.is_to_pay:
            raise Conflict(
                "appointment.payment_due",
                "the fee can be paid at the hospital's window only",
                fee_fen=one.at.fee_fen,
                pay_at="window",
            )
        return await self._make_firm(one)

    async def paid(self, appointment_id: str) -> Appointment:
        """The fee was paid: whoever says so has seen the money.  Conflict `appointment.over` when the place
        is not held any more, and the money goes back."""
        one = await self._get(appointment_id)
        if one.state is State.HELD and one.is_to_pay:
            one = replace(one, is_paid=True)
        return await self._make_firm(one)

    async def _make_firm(self, one: Appointment) -> Appointment:
        for _ in range(3):  # one that moves to another slot in this moment is held there
            if one.state is not State.HELD:
                break
            if one.hold_expires_at is not None and one.hold_expires_at <= self._clock.now():
                await self._carrier.end(one, "expired")
                raise over()
            one = replace(await self._carrier.make_firm(one), is_paid=one.is_paid)
        if one.state not in (State.CONFIRMING, State.CONFIRMED, State.CHECKED_IN, State.COMPLETED):
            raise over()
        return one

    async def cancel(self, account_id: str, appointment_id: str) -> Appointment:
        """Gives the place back; once is as good as twice.

        NotFound; Conflict `appointment.too_late` (detail.cancel_until), `appointment.over`.
        """
        for _ in range(3):
            one = await self.get(account_id, appointment_id)
            if one.state in (State.CANCELLED, State.RELEASED):
                return one
            if one.state not in (State.HOLDING, State.HELD, State.CONFIRMING, State.CONFIRMED):
                raise over()
            until = (await self.rules()).cancel_until(one.at.starts_at)
            if one.state is State.CONFIRMED and self._clock.now() > until:
                raise Conflict(
                    "appointment.too_late", "it is too late to cancel here", cancel_until=iso(until)
                )
            ended = await self._carrier.end(one, "by_resident")
            self._directory.outdate(one.at.institution_id)
            if not ended.is_live:
                return await self._carrier.carry(ended)
        raise over()

    async def withdraw(self, appointment_id: str, because: Because) -> None:
        """Gives the place back by a rule, whatever the hour; one that is over, or whose person has come,
        stays as it is."""
        for _ in range(3):
            one = await self._get(appointment_id)
            if one.state not in CANCELLABLE:
                return
            ended = await self._carrier.end(one, because)
            if not ended.is_live:
                self._directory.outdate(one.at.institution_id)
                await self._carrier.carry(ended)
                return
        raise Unavailable("server.busy", "the booking moves at this moment", retry_after_s=1)

    # -- by the visit
    async def mark_checked_in(self, appointment_id: str) -> Appointment:
        """Whoever was booked is there; safe to repeat.  Conflict `appointment.over`."""
        return await self._advance(appointment_id, State.CHECKED_IN, (State.CONFIRMED,))

    async def complete(self, appointment_id: str) -> Appointment:
        """The visit is over; safe to repeat.  Conflict `appointment.over`."""
        return await self._advance(appointment_id, State.COMPLETED, (State.CONFIRMED, State.CHECKED_IN))

    async def find(self, appointment_id: str) -> Appointment | None:
        """For reactions; who shows it to an account asks `get`."""
        return await self._store.find(appointment_id)

    async def find_by_registration(self, institution_id: str, registration_no: str) -> Appointment | None:
        """The booking an institution's registration number stands for."""
        return await self._store.find_by_registration(registration_no, institution_id)

    async def find_at(self, institution_id: str, card_id: str, starts_at: datetime) -> Appointment | None:
        """The card's newest booking of that moment there, ended ones too; for reactions."""
        return await self._store.find_at(institution_id, card_id, starts_at)

    async def _advance(self, appointment_id: str, to: State, before: tuple[State, ...]) -> Appointment:
        for _ in range(3):
            one = await self._get(appointment_id)
            if one.state is to or (to is State.CHECKED_IN and one.state is State.COMPLETED):
                return one
            if one.state not in before:
                raise over()
            moved = await self._carrier.move(one, to)
            if moved.state is to:
                return moved
        raise over()

    async def _get(self, appointment_id: str) -> Appointment:
        one = await self._store.find(appointment_id)
        if one is None:
            raise no_appointment()
        return one


def draw_at(opening: Opening, policy: BookingPolicy, now: datetime) -> datetime | None:
    """When somebody who asks now is drawn; None: first come, first served.  Everybody who asks in the first
    seconds after the release has the same chance, whatever their connection: a worker takes them in the
    order of these moments."""
    released_at = opening.schedule.released_at
    if released_at is None or policy.draw_seconds == 0:
        return None
    end = released_at + timedelta(seconds=policy.draw_seconds)
    return end + timedelta(milliseconds=secrets.randbelow(DRAWN_WITHIN_MS)) if now < end else None


def no_appointment() -> NotFound:
    return NotFound("appointment.not_found", "there is no such appointment")


def over() -> Conflict:
    return Conflict("appointment.over", "the appointment's state does not allow this any more")
