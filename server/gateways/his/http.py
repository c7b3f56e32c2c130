"""A hospital's own system over HTTP: docs/his-contract.md, signed both ways.

Nothing that names a patient stands in a URL.  One circuit and one bounded number of calls for each hospital,
so that one that hangs costs its own callers and nobody else's.
"""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any, TypeVar
from urllib.parse import urlencode

import structlog
from pydantic import TypeAdapter

from server.core.circuit import Circuits
from server.core.clock import Clock
from server.core.errors import Unavailable
from server.core.http import MAX_ANSWER_BYTES, RawAnswer
from server.core.signed_calls import SignedCalls, Unproven
from server.gateways.his import wire
from server.gateways.his.interface import MAX_DAYS, HospitalRefused, HospitalUnavailable
from server.gateways.his.model import (
    Bill,
    Department,
    Doctor,
    HisAddress,
    Kind,
    Lock,
    LockAnswer,
    LockState,
    Order,
    Patient,
    PatientFile,
    QueueTicket,
    Report,
    Schedule,
    Whose,
)

TIMEOUT_S = 5.0
# Calls at once: to one hospital, and to all of them together.
PLACES, ALL_PLACES = 16, 64
NAMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}", re.ASCII)
T = TypeVar("T")

log = structlog.get_logger()


class HttpHospitals:
    """Every hospital with a system of its own; holds their circuits, so there is one for the process."""

    def __init__(self, calls: SignedCalls, clock: Clock) -> None:
        self._calls = calls
        self._circuits = Circuits(clock, HospitalUnavailable, places=PLACES, all_places=ALL_PLACES)

    def at(self, address: HisAddress) -> "HttpHospital":
        """Made anew for each use: it keeps nothing but the address."""
        return HttpHospital(self._calls, self._circuits, address)


class HttpHospital:
    """`HospitalSystem` of one address."""

    def __init__(self, calls: SignedCalls, circuits: Circuits, address: HisAddress) -> None:
        self._calls = calls
        self._circuits = circuits
        self._address = address
        self._base = f"{address.base_url.rstrip('/')}/his/v1"

    # -- what there is
    async def departments(self) -> Sequence[Department]:
        return await self._list(wire.DEPARTMENTS, "departments", "GET", "/departments")

    async def doctors(self, department_id: str) -> Sequence[Doctor]:
        query = urlencode({"department_id": department_id})
        found = await self._list(wire.DOCTORS, "doctors", "GET", f"/doctors?{query}")
        self._require(all(doctor.department_id == department_id for doctor in found), "doctors")
        return found

    async def schedules(
        self, kind: Kind, department_id: str, from_on: date, to_on: date
    ) -> Sequence[Schedule]:
        if not 0 <= (to_on - from_on).days < MAX_DAYS:
            raise ValueError(f"1 to {MAX_DAYS} days")
        query = urlencode(
            {
                "kind": kind,
                "department_id": department_id,
                "from_on": from_on.isoformat(),
                "to_on": to_on.isoformat(),
            }
        )
        found = await self._list(wire.SCHEDULES, "schedules", "GET", f"/schedules?{query}")
        fits = all(
            (schedule.kind, schedule.department_id) == (kind, department_id)
            and from_on <= schedule.on <= to_on
            for schedule in found
        )
        self._require(fits, "schedules")
        return found

    # -- locks
    async def lock(self, lock: Lock) -> LockAnswer:
        answer = await self._one(wire.LOCK_ANSWER, "POST", "/locks", wire.lock_body(lock))
        self._require_lock(answer, lock.lock_id, "locked", "confirmed")
        fits = (
            answer.slot_id == lock.slot_id
            and answer.expires_at is not None
            and answer.expires_at <= lock.expires_at
        )
        self._require(fits, "lock")
        return answer

    async def find_lock(self, lock_id: str) -> LockAnswer:
        answer = await self._one(wire.LOCK_ANSWER, "GET", f"/locks/{_named(lock_id)}")
        self._require_lock(answer, lock_id, "locked", "confirmed", "released", "unknown")
        return answer

    async def confirm(self, lock_id: str) -> LockAnswer:
        path = f"/locks/{_named(lock_id)}/confirmation"
        answer = await self._one(wire.LOCK_ANSWER, "POST", path, b"{}")
        self._require_lock(answer, lock_id, "confirmed")
        return answer

    async def release(self, lock_id: str) -> LockAnswer:
        answer = await self._one(wire.LOCK_ANSWER, "POST", f"/locks/{_named(lock_id)}/release", b"{}")
        self._require_lock(answer, lock_id, "released")
        return answer

    # -- patients and visits
    async def register(self, patient: Patient) -> PatientFile:
        return await self._one(wire.PATIENT_FILE, "POST", "/patients", wire.patient_body(patient))

    async def check_in(self, registration_no: str) -> QueueTicket:
        return await self._one(wire.TICKET, "POST", "/check-ins", wire.check_in_body(registration_no))

    async def queue(self, queue_id: str, token_no: str) -> QueueTicket:
        path = f"/queues/{_named(queue_id)}/tickets/{_named(token_no)}"
        ticket = await self._one(wire.TICKET, "GET", path)
        self._require((ticket.queue_id, ticket.token_no) == (queue_id, token_no), "ticket")
        return ticket

    async def orders(self, whose: Whose) -> Sequence[Order]:
        return await self._list(wire.ORDERS, "orders", "POST", "/orders/query", wire.whose_body(whose))

    async def bills(self, whose: Whose) -> Sequence[Bill]:
        return await self._list(wire.BILLS, "bills", "POST", "/bills/query", wire.whose_body(whose))

    async def reports(self, whose: Whose) -> Sequence[Report]:
        return await self._list(wire.REPORTS, "reports", "POST", "/reports/query", wire.whose_body(whose))

    # -- asking
    async def _one(self, form: TypeAdapter[T], method: str, path: str, body: bytes | None = None) -> T:
        answer, _ = await self._ask(method, path, body)
        try:
            return wire.read(form, answer.body)
        except wire.Unreadable as error:
            raise self._unavailable(str(error)) from None

    async def _list(
        self,
        form: TypeAdapter[dict[str, list[T]]],
        name: str,
        method: str,
        path: str,
        body: bytes | None = None,
    ) -> list[T]:
        _, content = await self._ask(method, path, body)
        try:
            return wire.read_list(form, name, content)
        except wire.Unreadable as error:
            raise self._unavailable(str(error)) from None

    async def _ask(self, method: str, path: str, body: bytes | None) -> tuple[RawAnswer, dict[str, Any]]:
        with self._circuits.place(self._address.institution_id):
            try:
                answer, content = await self._calls.ask(
                    f"hospital {self._address.institution_id}",
                    self._address.public_keys,
                    method,
                    self._base + path,
                    body,
                    timeout_s=TIMEOUT_S,
                    max_answer_bytes=MAX_ANSWER_BYTES,
                )
            except (Unproven, Unavailable) as error:
                raise self._unavailable(str(error)) from error
            if answer.is_success and "error" not in content:
                return answer, content
            refusal = wire.refusal_of(content) if 400 <= answer.status < 500 else None
            if refusal is None:
                raise self._unavailable(f"no refusal of the contract, {answer.status}")
            raise HospitalRefused(refusal)

    def _require_lock(self, answer: LockAnswer, lock_id: str, *states: LockState) -> None:
        has_number = answer.registration_no is not None and answer.hospital_patient_no is not None
        fits = answer.lock_id == lock_id and answer.state in states
        self._require(fits and (has_number or answer.state != "confirmed"), "lock")

    def _require(self, fits: bool, what: str) -> None:
        if not fits:
            raise self._unavailable(f"{what}: not what was asked")

    def _unavailable(self, reason: str) -> HospitalUnavailable:
        log.warning("hospital.unavailable", institution=self._address.institution_id, reason=reason)
        return HospitalUnavailable(reason=reason)


def _named(name: str) -> str:
    """An id as a part of a path.  ValueError for what is none."""
    if NAMED.fullmatch(name) is None:
        raise ValueError("not an id of the contract")
    return name
