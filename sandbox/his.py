"""A hospital with a system of its own (HIS): the calls of docs/his-contract.md, written from it alone.

Everything it knows lives in memory: a restart is a hospital that lost its appointments.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError

from sandbox.config import His
from sandbox.his_desk import Desk, HospitalClock, Refused
from sandbox.his_directory import DEPARTMENTS, DOCTORS, Directory, Schedule, department_of, iso
from sandbox.his_floor import Floor
from sandbox.his_nurse import NurseStation
from sandbox.his_signing import HisSigning
from sandbox.his_telling import Telling
from sandbox.service import Answer, Clock, Route, Work, error_answer, json_answer, json_object, query_argument

ID = r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}"
MAX_DAYS = 31
NOT_FOUND = {
    "department.unknown",
    "slot.unknown",
    "lock.unknown",
    "patient.unknown",
    "registration.unknown",
    "ticket.unknown",
}
Call = Callable[[HTTPServerRequest], dict[str, Any]]


class HospitalSystem:
    """The wire: reads what the platform sends, and writes what the desk and the floor say."""

    def __init__(self, config: His, now: Clock) -> None:
        self._clock = HospitalClock(now)
        self._directory = Directory()
        self._desk = Desk(self._directory, self._clock)
        self._floor = Floor(self._desk, self._clock)
        self._signing = HisSigning(config, now)
        telling = Telling(config, self._clock, now)
        self._nurse = NurseStation(
            config.institution_name, self._directory, self._desk, self._floor, telling, self._clock
        )

    def routes(self) -> list[Route]:
        """The contract's paths behind the door `his`, and the nurse's and a test's ways in."""
        calls: dict[str, tuple[str, Call]] = {
            "departments": ("GET", self._departments),
            "doctors": ("GET", self._doctors),
            "schedules": ("GET", self._schedules),
            "locks": ("POST", self._lock),
            f"locks/{ID}": ("GET", self._find_lock),
            f"locks/{ID}/confirmation": ("POST", self._confirm),
            f"locks/{ID}/release": ("POST", self._release),
            "patients": ("POST", self._register),
            "check-ins": ("POST", self._check_in),
            f"queues/{ID}/tickets/{ID}": ("GET", self._ticket),
            "orders/query": ("POST", self._orders),
            "bills/query": ("POST", self._bills),
            "reports/query": ("POST", self._reports),
        }
        wire = [
            Route(
                f"/his/v1/{path}",
                {method: _answering(call)},
                door="his",
                admit=self._signing.admit,
                seal=self._signing.seal,
            )
            for path, (method, call) in calls.items()
        ]
        return [*wire, *self._nurse.routes()]

    # -- what there is
    def _departments(self, request: HTTPServerRequest) -> dict[str, Any]:
        return {"departments": [one.as_json() for one in DEPARTMENTS]}

    def _doctors(self, request: HTTPServerRequest) -> dict[str, Any]:
        department_id = _known_department(request)
        return {"doctors": [one.as_json() for one in DOCTORS if one.department_id == department_id]}

    def _schedules(self, request: HTTPServerRequest) -> dict[str, Any]:
        kind, department_id = query_argument(request, "kind"), _known_department(request)
        from_on, to_on = (_day(query_argument(request, name)) for name in ("from_on", "to_on"))
        if not 0 <= (to_on - from_on).days < MAX_DAYS:
            raise Refused("request.refused")
        found = self._directory.schedules(kind, department_id, from_on, to_on)
        return {"schedules": [self._schedule_json(one) for one in found]}

    def _schedule_json(self, schedule: Schedule) -> dict[str, Any]:
        doctor, department = schedule.doctor, schedule.department
        return {
            "schedule_id": schedule.schedule_id,
            "kind": department.kind,
            "department_id": department.department_id,
            "department": department.name,
            "doctor_id": doctor.doctor_id if doctor else None,
            "doctor": doctor.name if doctor else None,
            "item": schedule.item,
            "place": schedule.place,
            "on": schedule.on.isoformat(),
            "is_cancelled": self._desk.is_cancelled(schedule),
            "released_at": None,
            "slots": [
                {
                    "slot_id": slot.slot_id,
                    "starts_at": iso(slot.starts_at),
                    "ends_at": iso(slot.ends_at),
                    "capacity": slot.capacity,
                    "free": self._desk.free(schedule, slot),
                    "fee_fen": slot.fee_fen,
                }
                for slot in schedule.slots
            ],
        }

    # -- locks
    def _lock(self, request: HTTPServerRequest) -> dict[str, Any]:
        body = _body(request)
        patient = _patient(body)
        lock_id, slot_id = _text(body, "lock_id"), _text(body, "slot_id")
        return self._desk.lock(lock_id, slot_id, patient, _moment(_text(body, "expires_at"))).as_json()

    def _find_lock(self, request: HTTPServerRequest) -> dict[str, Any]:
        return self._desk.find(_segment(request, 4)).as_json()

    def _confirm(self, request: HTTPServerRequest) -> dict[str, Any]:
        return self._desk.confirm(_segment(request, 4)).as_json()

    def _release(self, request: HTTPServerRequest) -> dict[str, Any]:
        return self._desk.release(_segment(request, 4)).as_json()

    # -- patients and visits
    def _register(self, request: HTTPServerRequest) -> dict[str, Any]:
        return {"hospital_patient_no": self._desk.register(_patient(_body(request)))}

    def _check_in(self, request: HTTPServerRequest) -> dict[str, Any]:
        ticket, _ = self._floor.check_in(_text(_body(request), "registration_no"))
        return self._floor.ticket_json(ticket)

    def _ticket(self, request: HTTPServerRequest) -> dict[str, Any]:
        return self._floor.ticket_json(self._floor.ticket(_segment(request, 4), _segment(request, 6)))

    def _orders(self, request: HTTPServerRequest) -> dict[str, Any]:
        return {"orders": [one for chart in self._charts(request) for one in chart.orders]}

    def _bills(self, request: HTTPServerRequest) -> dict[str, Any]:
        return {"bills": [one for chart in self._charts(request) for one in chart.bills]}

    def _reports(self, request: HTTPServerRequest) -> dict[str, Any]:
        return {"reports": [one for chart in self._charts(request) for one in chart.reports]}

    def _charts(self, request: HTTPServerRequest) -> list[Any]:
        body = _body(request)
        if "registration_no" in body:
            return [self._floor.chart(_text(body, "registration_no"))]
        numbers = self._desk.of_patient(_text(body, "hospital_patient_no"))
        return self._floor.charts(numbers)


def _answering(call: Call) -> Work:
    def work(request: HTTPServerRequest) -> Answer:
        try:
            return json_answer(call(request))
        except Refused as refused:
            return error_answer(404 if refused.code in NOT_FOUND else 409, refused.code, "refused")

    return work


def _body(request: HTTPServerRequest) -> dict[str, Any]:
    """Refused in the contract's words, and signed, where other services say 400."""
    try:
        return json_object(request)
    except HTTPError:
        raise Refused("request.refused") from None


def _known_department(request: HTTPServerRequest) -> str:
    department_id = query_argument(request, "department_id")
    if department_of(department_id) is None:
        raise Refused("department.unknown")
    return department_id


def _segment(request: HTTPServerRequest, number: int) -> str:
    """`/his/v1/locks/ID/release`: the fourth is the id."""
    return request.path.split("/")[number]


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise Refused("request.refused")
    return value


def _patient(body: dict[str, Any]) -> dict[str, Any]:
    patient = body.get("patient")
    if not isinstance(patient, dict):
        raise Refused("request.refused")
    for name in ("name", "id_type", "id_no"):
        _text(patient, name)
    return patient


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused("request.refused") from None


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refused("request.refused") from None
    return at.astimezone(UTC)
