"""What a hospital system speaks of.  Every id in here is the hospital's, except `lock_id` and `card_id`.

An id is 1 to 64 of A-Z a-z 0-9 . _ ~ - with a letter or digit first, so it stands in a URL as it is.  It says
nothing about a person.  The limits in the types hold for whatever a hospital answers (`wire.py`).
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Literal, get_args

from pydantic import AwareDatetime, Field, StringConstraints

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._~-]{0,63}$")]
Text = Annotated[str, StringConstraints(max_length=200)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Number = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
"""A registration's or a patient's: it may say who it is, so it travels in bodies only."""
Fen = Annotated[int, Field(ge=0, le=1_000_000_000)]
Count = Annotated[int, Field(ge=0, le=100_000)]
Instant = AwareDatetime

Kind = Literal["clinic", "examination", "vaccine", "checkup", "bed"]
LockState = Literal["locked", "confirmed", "released", "unknown"]
TicketState = Literal["waiting", "called", "missed", "done"]
OrderState = Literal["open", "booked", "done", "cancelled"]
BillState = Literal["due", "paid", "cancelled"]
ReportKind = Literal["laboratory", "imaging", "checkup", "other"]

# Everything a hospital may refuse with; docs/his-contract.md says what each means.
RefusalCode = Literal[
    "department.unknown",
    "slot.unknown",
    "slot.full",
    "slot.closed",
    "slot.person_has_one",
    "lock.unknown",
    "lock.expired",
    "lock.released",
    "lock.differs",
    "lock.used",
    "patient.unknown",
    "patient.refused",
    "registration.unknown",
    "registration.cancelled",
    "registration.not_now",
    "ticket.unknown",
    "request.refused",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
REFUSAL_CODES: tuple[RefusalCode, ...] = get_args(RefusalCode)


@dataclass(frozen=True)
class Department:
    """`kinds`: what can be booked there."""

    department_id: Id
    name: Name
    place: Text
    kinds: tuple[Kind, ...]


@dataclass(frozen=True)
class Doctor:
    """`title` as people read it (chief physician …), empty when the hospital tells none."""

    doctor_id: Id
    department_id: Id
    name: Name
    title: Text


@dataclass(frozen=True)
class Slot:
    """A span of time with room for `capacity` people, of whom `free` may still come.  `fee_fen` is for one
    of them; 0 is free of charge."""

    slot_id: Id
    starts_at: Instant
    ends_at: Instant
    capacity: Count
    free: Count
    fee_fen: Fen

    def __post_init__(self) -> None:
        if self.starts_at >= self.ends_at or self.free > self.capacity:
            raise ValueError("a slot ends after it starts, and what is free is part of its capacity")


@dataclass(frozen=True)
class Schedule:
    """One doctor, room, device or ward on one day.  `item` is what an examination, vaccine or check-up is of
    (the hospital's item code), None elsewhere; `doctor_id` and `doctor` are None where nobody is named.
    A cancelled schedule takes nobody any more; `released_at`: before that moment its slots are shown only."""

    schedule_id: Id
    kind: Kind
    department_id: Id
    department: Name
    doctor_id: Id | None
    doctor: Name | None
    item: Id | None
    place: Text
    on: date
    is_cancelled: bool
    released_at: Instant | None
    slots: tuple[Slot, ...]


@dataclass(frozen=True)
class Patient:
    """Whom a slot is for, as the hospital must know them.  `id_type` is of the code table of documents.
    Travels in bodies only."""

    name: Name = field(repr=False)
    id_type: str
    id_no: str = field(repr=False)
    phone: str | None = field(default=None, repr=False)
    gender: str | None = None
    birth_on: date | None = field(default=None, repr=False)
    card_id: str | None = None
    hospital_patient_no: Number | None = field(default=None, repr=False)


@dataclass(frozen=True)
class PatientFile:
    """The hospital's own file of a patient."""

    hospital_patient_no: Number


@dataclass(frozen=True)
class Lock:
    """Asks for one place of a slot.  `lock_id` is ours (the appointment's id), so that every call can be
    repeated: the same lock twice is one place.  After `expires_at` an unconfirmed lock is free again."""

    lock_id: Id
    slot_id: Id
    patient: Patient
    expires_at: Instant


@dataclass(frozen=True)
class LockAnswer:
    """What the hospital knows of a lock.  `unknown`: it never heard of it; then all the rest is None.
    `registration_no` and `hospital_patient_no` are there once it is confirmed."""

    lock_id: Id
    state: LockState
    slot_id: Id | None = None
    expires_at: Instant | None = None
    registration_no: Number | None = None
    hospital_patient_no: Number | None = None


@dataclass(frozen=True)
class Whose:
    """What is asked about: one visit by its registration number, or all of a patient by their number in this
    hospital.  Exactly one is given."""

    registration_no: Number | None = None
    hospital_patient_no: Number | None = None

    def __post_init__(self) -> None:
        if (self.registration_no is None) == (self.hospital_patient_no is None):
            raise ValueError("one of registration_no and hospital_patient_no")


@dataclass(frozen=True)
class QueueTicket:
    """A place in a queue of the hospital.  `position` counts from 1 and `ahead` is how many are called
    before; both are 0 once called.  `token_no` is what the board in the hall shows."""

    queue_id: Id
    token_no: Id
    state: TicketState
    position: Count
    ahead: Count
    place: Text


@dataclass(frozen=True)
class Order:
    """An examination, or another item, that a doctor ordered in a visit.  `item` is the hospital's item code
    and `name` what people read; `department_id` is where it is done."""

    order_id: Id
    registration_no: Number
    item: Id
    name: Name
    department_id: Id
    state: OrderState
    ordered_at: Instant
    fee_fen: Fen


@dataclass(frozen=True)
class BillItem:
    name: Name
    quantity: Count
    amount_fen: Fen


@dataclass(frozen=True)
class Bill:
    """What a visit costs; `total_fen` is the sum of its items."""

    bill_id: Id
    registration_no: Number
    state: BillState
    issued_at: Instant
    total_fen: Fen
    items: tuple[BillItem, ...]


@dataclass(frozen=True)
class Report:
    """That a report is ready; what it says is read under the rules of reports, not here."""

    report_id: Id
    registration_no: Number
    order_id: Id | None
    kind: ReportKind
    title: Text
    reported_at: Instant


@dataclass(frozen=True)
class HisAddress:
    """Where an institution's own system answers under `/his/v1`, and the keys its answers are signed with:
    those of its admitted app (`App.public_keys`, without the retired)."""

    institution_id: str
    base_url: str
    public_keys: tuple[bytes, ...]
