from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from handlers.authentication import ResidentHandler
from handlers.requests import Accepted, Created, Id, Model, Ok, Reply, Time, operation
from handlers.resident.institutions import OurId
from server.appointments.booking.model import UNDECIDED, Act, Appointment, State, may
from server.appointments.booking.policy import BookingPolicy
from server.appointments.fairness.service import Booker
from server.cards.model import Card
from server.core.errors import Conflict, NotFound, TooMany, Unavailable
from server.core.masking import mask_name
from server.gateways.his.model import Kind

SlotRefText = Annotated[
    str, StringConstraints(pattern=r"^[a-z]{1,20}:[A-Za-z0-9._~-]{1,64}:[0-9]{8}:[A-Za-z0-9._~-]{1,64}$")
]


class AppointmentRequest(Model):
    card_id: Id
    institution_id: OurId
    slot_id: SlotRefText


class AppointmentView(Model):
    """`drawn_at`: this request takes part in a draw, and has a place only after that moment, or none.
    `because` and `hospital_code` say why one ended before its time."""

    appointment_id: str
    state: State
    kind: Kind
    institution_id: str
    institution: str
    department_id: str
    department: str
    doctor: str | None
    item: str | None
    place: str
    starts_at: Time
    ends_at: Time
    fee_fen: int
    card_id: str
    name_masked: str
    is_waiting: Annotated[bool, Field(description="waits for a draw: ask again in some seconds")]
    hold_expires_at: Time | None
    may: list[Act]
    cancel_until: Time
    registration_no: str | None
    because: str | None
    hospital_code: str | None


class AppointmentList(Model):
    appointments: list[AppointmentView]


class AppointmentQuery(Model):
    card_id: Id | None = None
    which: Literal["coming", "past"] = "coming"


class LimitQuery(Model):
    card_id: Id


class LimitView(Model):
    what: Literal["person_day", "family", "device"]
    kind: Kind | None
    allowed: int
    used: int | None


class NoShowView(Model):
    appointment_id: str
    starts_at: Time


class BookingLimits(Model):
    """`no_shows` of the last `no_show_window_days`; `no_show_limit` of them block booking until
    `blocked_until`."""

    limits: list[LimitView]
    no_shows: list[NoShowView]
    no_show_limit: int
    no_show_window_days: int
    blocked_until: Time | None
    hold_minutes: int
    cancel_until_minutes: int


class OfAccount(ResidentHandler):
    async def view(self, one: Appointment) -> AppointmentView:
        card = await self.services.cards.get(self.session.account.account_id, one.card_id)
        return self.shown(one, card, await self.services.appointments.rules())

    def shown(self, one: Appointment, card: Card, rules: BookingPolicy) -> AppointmentView:
        at = one.at
        until = rules.cancel_until(at.starts_at)
        return AppointmentView(
            appointment_id=one.appointment_id,
            state=one.state,
            kind=at.kind,
            institution_id=at.institution_id,
            institution=at.institution,
            department_id=at.department_id,
            department=at.department,
            doctor=at.doctor,
            item=at.item,
            place=at.place,
            starts_at=at.starts_at,
            ends_at=at.ends_at,
            fee_fen=at.fee_fen,
            card_id=one.card_id,
            name_masked=mask_name(card.holder.name),
            is_waiting=one.is_live and one.is_waiting,
            hold_expires_at=one.hold_expires_at if one.state in UNDECIDED else None,
            may=may(one, self.services.appointments.now(), until),
            cancel_until=until,
            registration_no=one.registration_no,
            because=one.because,
            hospital_code=one.hospital_code,
        )

    async def answer_with(self, one: Appointment) -> Reply:
        """Accepted while the hospital, or a draw, is still to say what comes of it."""
        view = await self.view(one)
        return Accepted(view) if one.state in (State.HOLDING, State.CONFIRMING) else Ok(view)


class Appointments(OfAccount):
    @operation(
        "Book a place of a slot; 202 while the hospital, or a draw, has not answered",
        body=AppointmentRequest,
        reply=AppointmentView,
        replies=(Created, Accepted),
        refuses=(NotFound, Conflict, TooMany, Unavailable),
        idempotent=True,
    )
    async def post(self, body: AppointmentRequest) -> Reply:
        booker = Booker(self.session.account.account_id, self.device_id, self.source)
        booked = await self.services.appointments.book(
            booker, body.card_id, body.institution_id, body.slot_id, self.idempotency_row
        )
        view = await self.view(booked)
        return Accepted(view) if booked.state in (State.HOLDING, State.CONFIRMING) else Created(view)

    @operation(
        "Bookings of one card, or of all cards of this account",
        query=AppointmentQuery,
        reply=AppointmentList,
        refuses=(NotFound,),
    )
    async def get(self, query: AppointmentQuery) -> Ok:
        account_id = self.session.account.account_id
        found, cards = await self.services.appointments.list_of_account(
            account_id, query.card_id, is_past=query.which == "past"
        )
        rules = await self.services.appointments.rules()
        shown = [self.shown(one, cards[one.card_id], rules) for one in found]
        return Ok(AppointmentList(appointments=shown))


class OneAppointment(OfAccount):
    @operation("One booking", reply=AppointmentView, refuses=(NotFound,))
    async def get(self, appointment_id: Id) -> Ok:
        one = await self.services.appointments.get(self.session.account.account_id, appointment_id)
        return Ok(await self.view(one))


class Confirmation(OfAccount):
    @operation(
        "Make a held place firm",
        reply=AppointmentView,
        replies=(Ok, Accepted),
        refuses=(NotFound, Conflict),
        idempotent=True,
    )
    async def post(self, appointment_id: Id) -> Reply:
        account_id = self.session.account.account_id
        return await self.answer_with(await self.services.appointments.confirm(account_id, appointment_id))


class Cancellation(OfAccount):
    @operation(
        "Give a place back",
        reply=AppointmentView,
        refuses=(NotFound, Conflict),
        idempotent=True,
    )
    async def post(self, appointment_id: Id) -> Ok:
        account_id = self.session.account.account_id
        return Ok(await self.view(await self.services.appointments.cancel(account_id, appointment_id)))


class Limits(ResidentHandler):
    @operation(
        "How much may be booked for a card, and the no-shows that count",
        query=LimitQuery,
        reply=BookingLimits,
        refuses=(NotFound,),
    )
    async def get(self, query: LimitQuery) -> Ok:
        account_id = self.session.account.account_id
        rules = await self.services.appointments.rules()
        standing, used = await self.services.appointments.standing(account_id, query.card_id, self.device_id)
        policy = standing.policy
        limits = [
            LimitView(what="person_day", kind=kind, allowed=allowed, used=None)
            for kind, allowed in policy.person_day.items()
        ]
        limits.append(LimitView(what="family", kind=None, allowed=policy.family_open, used=used["family"]))
        limits.append(
            LimitView(what="device", kind=None, allowed=policy.device_open, used=used.get("device"))
        )
        return Ok(
            BookingLimits(
                limits=limits,
                no_shows=[NoShowView(**one.__dict__) for one in standing.no_shows],
                no_show_limit=policy.no_shows,
                no_show_window_days=policy.no_show_window_days,
                blocked_until=standing.blocked_until,
                hold_minutes=rules.hold_minutes,
                cancel_until_minutes=rules.cancel_until_minutes,
            )
        )


ROUTES = [
    ("/api/v1/appointments", Appointments),
    ("/api/v1/appointments/{appointment_id}", OneAppointment),
    ("/api/v1/appointments/{appointment_id}/confirmation", Confirmation),
    ("/api/v1/appointments/{appointment_id}/cancellation", Cancellation),
    ("/api/v1/booking-limits", Limits),
]
