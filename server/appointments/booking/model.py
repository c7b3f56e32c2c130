"""What an appointment is, and the graph its states move along.

    holding ── held ── confirming ── confirmed ── checked_in ── completed
       │        │          │             ├── no_show
       └────────┴──────────┴─ released   └── cancelled

`holding`: the place is ours, the hospital has not said yes (or not been heard).  `confirming`: the hospital
was asked to make it firm and has not been heard.  Pools of the platform skip both.  A slot with a fee stays
`held` until it is paid.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from server.core.clock import city_day, iso
from server.gateways.his.model import Kind


class State(StrEnum):
    HOLDING = "holding"
    HELD = "held"
    CONFIRMING = "confirming"
    CONFIRMED = "confirmed"
    CHECKED_IN = "checked_in"
    COMPLETED = "completed"
    RELEASED = "released"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


Because = Literal[
    "expired",
    "by_resident",
    "hospital_refused",
    "full",
    "closed",
    "hospital_cancelled",
    "unanswered",
    "card_ended",
    "not_paid",
    "conflict",
    "plan_failed",
]
"""Why an appointment ended before its time.  `full`: a draw, or a place that was gone; `unanswered`: the
hospital was never heard until the slot was over; `hospital_cancelled`: it was firm, and its hospital let it
go; `conflict`: an examination that does not go with another; `plan_failed`: one of a plan could not be
booked, and so none."""

GRAPH: dict[State, frozenset[State]] = {
    State.HOLDING: frozenset({State.HELD, State.CONFIRMING, State.CONFIRMED, State.RELEASED}),
    State.HELD: frozenset({State.CONFIRMING, State.CONFIRMED, State.RELEASED}),
    State.CONFIRMING: frozenset({State.CONFIRMED, State.RELEASED}),
    State.CONFIRMED: frozenset({State.CHECKED_IN, State.COMPLETED, State.NO_SHOW, State.CANCELLED}),
    State.CHECKED_IN: frozenset({State.COMPLETED}),
    **dict.fromkeys((State.COMPLETED, State.RELEASED, State.CANCELLED, State.NO_SHOW), frozenset()),
}
LIVE = frozenset(state for state, following in GRAPH.items() if following)
UNDECIDED = frozenset({State.HOLDING, State.HELD, State.CONFIRMING})
EVENTS: dict[State, str] = {
    state: f"appointment.{state.value}" for state in State if state not in (State.HOLDING, State.CONFIRMING)
}
CANCELLABLE = UNDECIDED | {State.CONFIRMED}


@dataclass(frozen=True)
class Place:
    """What is booked: a slot, as it was known when it was booked or last moved."""

    kind: Kind
    institution_id: str
    institution: str
    department_id: str
    department: str
    schedule_id: str
    slot_id: str
    place: str
    starts_at: datetime
    ends_at: datetime
    fee_fen: int
    doctor_id: str | None = None
    doctor: str | None = None
    item: str | None = None

    @property
    def slot_key(self) -> str:
        return slot_key(self.institution_id, self.slot_id)


@dataclass(frozen=True)
class Appointment:
    """`seat` counts from 1 to `capacity` within the slot; a negative one waits for a draw.  `moves`: how many
    changes it has seen.  `is_ours`: the slot is of the platform's pools.  `owes_release`: the hospital's lock
    is still to be let go; `release_refused`: the code with which the hospital has not, though it says nothing
    of the patient."""

    appointment_id: str
    state: State
    at: Place
    card_id: str
    person_id: str
    account_id: str
    booked_at: datetime
    hold_expires_at: datetime | None
    capacity: int
    seat: int
    is_ours: bool
    moves: int = 0
    attempts: int = 0
    is_paid: bool = False
    owes_release: bool = False
    registration_no: str | None = None
    because: Because | None = None
    hospital_code: str | None = None
    ended_at: datetime | None = None
    release_refused: str | None = None

    @property
    def is_live(self) -> bool:
        return self.state in LIVE

    @property
    def is_waiting(self) -> bool:
        """Whether it has no place yet: it takes part in a draw."""
        return self.seat < 0

    @property
    def is_to_pay(self) -> bool:
        return self.at.fee_fen > 0 and not self.is_paid

    def data(self) -> dict[str, Any]:
        """What its events tell; ids and the hospital's words, nothing personal.  The hospital's number of it
        stays in the row: who needs it asks for the booking."""
        at = self.at
        return {
            "appointment_id": self.appointment_id,
            "kind": at.kind,
            "institution_id": at.institution_id,
            "institution": at.institution,
            "department_id": at.department_id,
            "department": at.department,
            "doctor": at.doctor,
            "doctor_id": at.doctor_id,
            "place": at.place,
            "item": at.item,
            "starts_at": iso(at.starts_at),
            "ends_at": iso(at.ends_at),
            "fee_fen": at.fee_fen,
            "card_id": self.card_id,
            "person_id": self.person_id,
            "account_id": self.account_id,
            "hold_expires_at": None if self.hold_expires_at is None else iso(self.hold_expires_at),
        }


def slot_key(institution_id: str, slot_id: str) -> str:
    return f"{institution_id}|{slot_id}"


Act = Literal["cancel", "confirm", "check_in"]


def may(appointment: Appointment, now: datetime, cancel_until: datetime) -> list[Act]:
    """What its resident may do with it now."""
    found: list[Act] = []
    state = appointment.state
    if state in UNDECIDED or (state is State.CONFIRMED and now <= cancel_until):
        found.append("cancel")
    if state is State.HELD and not appointment.is_to_pay:
        found.append("confirm")
    is_the_day = city_day(now) == city_day(appointment.at.starts_at)
    if state is State.CONFIRMED and is_the_day and now < appointment.at.ends_at:
        found.append("check_in")
    return found
