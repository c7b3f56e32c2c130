"""What the platform asks a hospital about slots and visits, whoever answers: its own system over HTTP
(`http.py`), or the platform's pools for a hospital that has none."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from server.core.errors import Unavailable
from server.gateways.his.model import (
    Bill,
    Department,
    Doctor,
    Kind,
    Lock,
    LockAnswer,
    Order,
    Patient,
    PatientFile,
    QueueTicket,
    RefusalCode,
    Report,
    Schedule,
    Whose,
)

MAX_DAYS = 31
"""How many days one question about schedules may span."""


class HospitalRefused(Exception):
    """The hospital said no, provably, and did nothing.  Whoever asked turns the code into a refusal of its
    own; it never reaches a handler."""

    def __init__(self, code: RefusalCode) -> None:
        super().__init__(code)
        self.code = code


class HospitalUnavailable(Unavailable):
    """No answer, or none that can be read and believed.  Of a call that changes something the outcome is
    unknown: ask `find_lock` again, never guess.  `reason` is for logs: it holds no value of the answer."""

    def __init__(self, retry_after_s: int = 5, reason: str = "circuit open or places full") -> None:
        super().__init__("hospital.unavailable", "the hospital's system gave no usable answer", retry_after_s)
        self.reason = reason


class HospitalSystem(Protocol):
    """One hospital.  Everything may raise HospitalUnavailable; what it may refuse is said at each call.
    Every call may be repeated: the same call twice changes what one call changes."""

    async def departments(self) -> Sequence[Department]: ...

    async def doctors(self, department_id: str) -> Sequence[Doctor]:
        """Refused `department.unknown`."""
        ...

    async def schedules(
        self, kind: Kind, department_id: str, from_on: date, to_on: date
    ) -> Sequence[Schedule]:
        """Of the days from `from_on` through `to_on`, at most MAX_DAYS.  Refused `department.unknown`."""
        ...

    async def lock(self, lock: Lock) -> LockAnswer:
        """`locked` (or, for a lock already confirmed, `confirmed`).  Refused `slot.*`, `patient.refused`,
        `lock.expired` and `lock.released` (this id was let go before), `lock.differs` (this id is of another
        slot or patient)."""
        ...

    async def find_lock(self, lock_id: str) -> LockAnswer:
        """Never refused: a lock nobody knows is `unknown`, an expired one `released`."""
        ...

    async def confirm(self, lock_id: str) -> LockAnswer:
        """`confirmed`, with a registration number.  Refused `lock.unknown`, `lock.expired`, `lock.released`,
        `slot.closed` (the hospital cancelled the schedule meanwhile)."""
        ...

    async def release(self, lock_id: str) -> LockAnswer:
        """`released`, whether locked, confirmed or never heard of: a lock that arrives after its release is
        refused.  Refused `lock.used` once the patient has checked in."""
        ...

    async def register(self, patient: Patient) -> PatientFile:
        """The patient's file, opened if there was none.  Refused `patient.refused`."""
        ...

    async def check_in(self, registration_no: str) -> QueueTicket:
        """A place in the queue, the same one when asked twice.  Refused `registration.unknown`, `.cancelled`,
        `.not_now` (another day, or too early)."""
        ...

    async def queue(self, queue_id: str, token_no: str) -> QueueTicket:
        """How far it is.  Refused `ticket.unknown`."""
        ...

    async def orders(self, whose: Whose) -> Sequence[Order]:
        """Refused `registration.unknown` or `patient.unknown`, as the two below."""
        ...

    async def bills(self, whose: Whose) -> Sequence[Bill]: ...

    async def reports(self, whose: Whose) -> Sequence[Report]: ...
