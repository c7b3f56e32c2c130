"""The JSON of the contract: what is sent, and answers read strictly, by the types of `model.py` themselves.

A field nobody knows is passed over (the contract may grow); one that is missing, of another type or beyond
its limits makes the whole answer unreadable.
"""

import json
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from server.core.clock import iso
from server.gateways.his.model import (
    REFUSAL_CODES,
    Bill,
    Department,
    Doctor,
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

T = TypeVar("T")

MAX_DEPARTMENTS, MAX_DOCTORS, MAX_SCHEDULES, MAX_OF_PATIENT = 500, 500, 1000, 500

DEPARTMENTS = TypeAdapter(dict[str, Annotated[list[Department], Field(max_length=MAX_DEPARTMENTS)]])
DOCTORS = TypeAdapter(dict[str, Annotated[list[Doctor], Field(max_length=MAX_DOCTORS)]])
SCHEDULES = TypeAdapter(dict[str, Annotated[list[Schedule], Field(max_length=MAX_SCHEDULES)]])
ORDERS = TypeAdapter(dict[str, Annotated[list[Order], Field(max_length=MAX_OF_PATIENT)]])
BILLS = TypeAdapter(dict[str, Annotated[list[Bill], Field(max_length=MAX_OF_PATIENT)]])
REPORTS = TypeAdapter(dict[str, Annotated[list[Report], Field(max_length=MAX_OF_PATIENT)]])
LOCK_ANSWER = TypeAdapter(LockAnswer)
PATIENT_FILE = TypeAdapter(PatientFile)
TICKET = TypeAdapter(QueueTicket)
_PATIENT = TypeAdapter(Patient)


class Unreadable(Exception):
    """The answer is not what the contract says.  The text names fields, never what was in them."""


def read(form: TypeAdapter[T], body: bytes) -> T:
    try:
        return form.validate_json(body, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise Unreadable(f"{'.'.join(str(part) for part in first['loc'])}: {first['type']}") from None


def read_list(form: TypeAdapter[dict[str, list[T]]], name: str, content: dict[str, Any]) -> list[T]:
    """The list under `name`; what else the answer holds is passed over."""
    if name not in content:
        raise Unreadable(f"{name}: missing")
    return read(form, json.dumps({name: content[name]}).encode())[name]


def refusal_of(content: dict[str, Any]) -> RefusalCode | None:
    """The code of a refusal that the contract knows."""
    error = content.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return next((known for known in REFUSAL_CODES if known == code), None)


def refusal_in(body: bytes) -> RefusalCode | None:
    """The same of an answer's bytes."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return refusal_of(content) if isinstance(content, dict) else None


def lock_body(lock: Lock) -> bytes:
    return _encoded(
        {
            "lock_id": lock.lock_id,
            "slot_id": lock.slot_id,
            "expires_at": iso(lock.expires_at),
            "patient": _plain_patient(lock.patient),
        }
    )


def patient_body(patient: Patient) -> bytes:
    return _encoded({"patient": _plain_patient(patient)})


def whose_body(whose: Whose) -> bytes:
    return _encoded({name: value for name, value in vars(whose).items() if value is not None})


def check_in_body(registration_no: str) -> bytes:
    return _encoded({"registration_no": registration_no})


def _plain_patient(patient: Patient) -> dict[str, Any]:
    plain: dict[str, Any] = _PATIENT.dump_python(patient, mode="json", exclude_none=True)
    return plain


def _encoded(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()
