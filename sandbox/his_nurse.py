"""The nurse's desk of the sandbox hospital: a page, what its buttons do, and the door that moves its clock.

Patients are shown by name: they are made up, and this is the hospital.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from tornado.httputil import HTTPServerRequest

from sandbox.his_desk import Desk, HospitalClock, Lock, Refused
from sandbox.his_directory import (
    CITY,
    DAYS,
    DEPARTMENTS,
    ITEMS,
    Directory,
    Schedule,
    city_day,
    department_of,
    iso,
)
from sandbox.his_floor import PHARMACY, Floor, Ticket
from sandbox.his_telling import Telling
from sandbox.pages import page
from sandbox.service import Answer, Route, Work, error_answer, json_answer, json_object, query_argument

MAX_AHEAD = timedelta(days=60)
Deed = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class NurseStation:
    def __init__(
        self,
        institution_name: str,
        directory: Directory,
        desk: Desk,
        floor: Floor,
        telling: Telling,
        clock: HospitalClock,
    ) -> None:
        self._institution_name = institution_name
        self._directory = directory
        self._desk = desk
        self._floor = floor
        self._telling = telling
        self._clock = clock

    def routes(self) -> list[Route]:
        deeds: dict[str, Deed] = {
            "arrivals": self._arrive,
            "calls": self._call,
            "misses": self._miss,
            "returns": self._return,
            "consultations": self._finish,
            "reports": self._report,
            "dispensings": self._dispense,
            "cancellations": self._cancel,
        }
        return [
            Route("/his/?", {"GET": self._show}),
            Route("/his/state", {"GET": self._state}),
            *(Route(f"/his/{name}", {"POST": _doing(deed)}) for name, deed in deeds.items()),
            Route("/control/his/clock", {"GET": self._clock_state, "POST": self._move_clock}),
        ]

    # -- looking
    def _show(self, request: HTTPServerRequest) -> Answer:
        return page("his.html", institution_name=self._institution_name, departments=DEPARTMENTS, items=ITEMS)

    def _state(self, request: HTTPServerRequest) -> Answer:
        """?department_id=: {"now", "schedules": of today with who has which slot and the queue, "told"}."""
        department = department_of(query_argument(request, "department_id")) or DEPARTMENTS[0]
        first = city_day(self._clock.now())
        on = _day_or(query_argument(request, "on"), first)
        found = self._directory.schedules(department.kind, department.department_id, on, on)
        return json_answer(
            {
                "now": iso(self._clock.now()),
                "on": on.isoformat(),
                "days": [(first + timedelta(days=number)).isoformat() for number in range(DAYS)],
                "schedules": [self._schedule_json(one) for one in found],
                "told": list(reversed(self._telling.told)),
            }
        )

    def _schedule_json(self, schedule: Schedule) -> dict[str, Any]:
        return {
            "schedule_id": schedule.schedule_id,
            "title": schedule.title,
            "place": schedule.place,
            "is_cancelled": self._desk.is_cancelled(schedule),
            "slots": [
                {
                    "starts_at": iso(slot.starts_at),
                    "capacity": slot.capacity,
                    "taken": [_lock_json(lock) for lock in self._desk.taken(slot.slot_id)],
                }
                for slot in schedule.slots
            ],
            "queue": [self._ticket_json(one) for one in self._floor.queue(schedule.schedule_id)],
        }

    def _ticket_json(self, ticket: Ticket) -> dict[str, Any]:
        chart = self._floor.chart(ticket.registration_no)
        return {
            **self._floor.ticket_json(ticket),
            "registration_no": ticket.registration_no,
            "name": (ticket.lock.patient or {}).get("name", ""),
            "orders": [{name: one[name] for name in ("order_id", "name", "state")} for one in chart.orders],
            "has_prescription": chart.prescription is not None,
        }

    # -- doing
    async def _arrive(self, body: dict[str, Any]) -> dict[str, Any]:
        """{registration_no}: somebody checks in at the window."""
        ticket, is_new = self._floor.check_in(str(body.get("registration_no")))
        told = self._floor.ticket_json(ticket)
        if is_new:
            await self._telling.queue("joined", ticket, told["ahead"])
        return told

    async def _call(self, body: dict[str, Any]) -> dict[str, Any]:
        """{queue_id}: the next one, please → {"token_no"}, null when nobody waits."""
        queue_id = str(body.get("queue_id"))
        ticket = self._floor.call_next(queue_id)
        if ticket is None:
            return {"token_no": None}
        await self._telling.queue("called", ticket)
        await self._telling.moved(self._floor.waiting(queue_id))
        return {"token_no": ticket.token_no}

    async def _miss(self, body: dict[str, Any]) -> dict[str, Any]:
        return await self._moved(body, "missed", "missed")

    async def _return(self, body: dict[str, Any]) -> dict[str, Any]:
        return await self._moved(body, "waiting", "returned")

    async def _moved(self, body: dict[str, Any], state: str, event: str) -> dict[str, Any]:
        ticket = self._ticket(body)
        self._floor.move(ticket, state)
        told = self._floor.ticket_json(ticket)
        await self._telling.queue(event, ticket, told["ahead"] if state == "waiting" else None)
        return told

    async def _finish(self, body: dict[str, Any]) -> dict[str, Any]:
        """{queue_id, token_no, items: [item codes], prescribes}: the consultation is over."""
        ticket = self._ticket(body)
        self._floor.move(ticket, "done")
        number = ticket.registration_no
        await self._telling.queue("done", ticket)
        await self._telling.visit("consulted", number)
        items = body.get("items")
        orders = self._floor.order(number, items if isinstance(items, list) else [])
        await self._telling.ordered(number, orders)
        if body.get("prescribes"):
            await self._telling.prescribed(number, self._floor.prescribe(number))
        elif not orders:
            await self._telling.visit("finished", number)
        return {"registration_no": number, "orders": orders}

    async def _report(self, body: dict[str, Any]) -> dict[str, Any]:
        """{registration_no, order_id}: the examination is done, its report ready."""
        number = str(body.get("registration_no"))
        report = self._floor.report(number, str(body.get("order_id")))
        await self._telling.visit("examined", number, about=report["order_id"])
        await self._telling.visit("report_ready", number, about=report["order_id"])
        return report

    async def _dispense(self, body: dict[str, Any]) -> dict[str, Any]:
        """{registration_no, is_ready}: the medicine lies ready; without is_ready it is handed out."""
        number = str(body.get("registration_no"))
        if self._floor.chart(number).prescription is None:
            raise Refused("request.refused")
        if body.get("is_ready"):
            await self._telling.medicine_ready(number)
        else:
            await self._telling.visit("dispensed", number)
            await self._telling.visit("finished", number)
        return {"registration_no": number, "place": PHARMACY}

    async def _cancel(self, body: dict[str, Any]) -> dict[str, Any]:
        """{schedule_id}: the doctor does not come."""
        cancelled = self._desk.cancel_schedule(str(body.get("schedule_id")))
        await self._telling.cancelled(cancelled)
        return {"registrations": [lock.registration_no for lock in cancelled]}

    def _ticket(self, body: dict[str, Any]) -> Ticket:
        return self._floor.ticket(str(body.get("queue_id")), str(body.get("token_no")))

    # -- the clock
    def _clock_state(self, request: HTTPServerRequest) -> Answer:
        return json_answer({"now": iso(self._clock.now())})

    def _move_clock(self, request: HTTPServerRequest) -> Answer:
        """{"advance_s": seconds, back too} or {"at": moment} → {"now"}."""
        body = json_object(request)
        try:
            if "at" in body:
                by = datetime.fromisoformat(str(body["at"])) - self._clock.now()
            else:
                by = timedelta(seconds=float(body["advance_s"]))
        except (KeyError, TypeError, ValueError, OverflowError):
            return error_answer(400, "clock.malformed", "advance_s or at")
        if abs(self._clock.now() + by - self._clock.real_now()) > MAX_AHEAD:
            return error_answer(400, "clock.too_far", "at most 60 days from now")
        self._clock.advance(by)
        return self._clock_state(request)


def _doing(deed: Deed) -> Work:
    async def work(request: HTTPServerRequest) -> Answer:
        try:
            return json_answer(await deed(json_object(request)))
        except Refused as refused:
            return error_answer(409, refused.code, "refused")

    return work


def _lock_json(lock: Lock) -> dict[str, Any]:
    return {
        "name": (lock.patient or {}).get("name", ""),
        "state": lock.state,
        "registration_no": lock.registration_no,
        "has_arrived": lock.has_arrived,
    }


def _day_or(text: str, otherwise: Any) -> Any:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=CITY).date()
    except ValueError:
        return otherwise
