"""What happens in the sandbox hospital after a patient arrived: queues, the doctor's orders, bills, reports.

In memory, like the desk.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.his_desk import Desk, HospitalClock, Lock, Refused
from sandbox.his_directory import ITEMS, Schedule, iso

DRUGS = (
    {"drug": "氨氯地平片", "dose": "5", "unit": "mg", "times_a_day": 1, "meal": "none", "days": 14},
    {"drug": "二甲双胍片", "dose": "0.5", "unit": "g", "times_a_day": 2, "meal": "after", "days": 14},
)
VISIT_ITEM, VISIT_FEN, DRUGS_FEN = "诊查费", 2_000, 4_860
PHARMACY, CASHIER = "门诊楼 1 层 药房", "门诊楼 1 层 收费处"


@dataclass
class Ticket:
    token_no: str
    lock: Lock
    schedule: Schedule
    joined_at: datetime
    state: str = "waiting"

    @property
    def registration_no(self) -> str:
        return self.lock.registration_no or ""

    @property
    def order(self) -> tuple[datetime, datetime]:
        """By the hour they were given, then by who came first."""
        return (self.lock.slot.starts_at if self.lock.slot else self.joined_at, self.joined_at)


@dataclass
class Chart:
    """What a visit has left behind."""

    orders: list[dict[str, Any]] = field(default_factory=list)
    bills: list[dict[str, Any]] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)
    prescription: dict[str, Any] | None = None


class Floor:
    def __init__(self, desk: Desk, clock: HospitalClock) -> None:
        self._desk = desk
        self._clock = clock
        self._queues: dict[str, list[Ticket]] = {}
        self._charts: dict[str, Chart] = {}

    # -- the queue
    def check_in(self, registration_no: str) -> tuple[Ticket, bool]:
        """The ticket, and whether it is new."""
        lock = self._desk.arrive(registration_no)
        assert lock.schedule is not None, "a confirmed lock has a schedule"
        queue = self._queues.setdefault(lock.schedule.schedule_id, [])
        for ticket in queue:
            if ticket.registration_no == registration_no:
                return ticket, False
        number = f"{lock.schedule.department.letter}{len(queue) + 1:03d}"
        ticket = Ticket(number, lock, lock.schedule, self._clock.now())
        queue.append(ticket)
        return ticket, True

    def ticket(self, queue_id: str, token_no: str) -> Ticket:
        for ticket in self._queues.get(queue_id, []):
            if ticket.token_no == token_no:
                return ticket
        raise Refused("ticket.unknown")

    def waiting(self, queue_id: str) -> list[Ticket]:
        found = [one for one in self._queues.get(queue_id, []) if one.state == "waiting"]
        return sorted(found, key=lambda one: one.order)

    def queue(self, queue_id: str) -> list[Ticket]:
        return self._queues.get(queue_id, [])

    def ticket_json(self, ticket: Ticket) -> dict[str, Any]:
        ahead = self.waiting(ticket.schedule.schedule_id).index(ticket) if ticket.state == "waiting" else 0
        return {
            "queue_id": ticket.schedule.schedule_id,
            "token_no": ticket.token_no,
            "state": ticket.state,
            "position": ahead + 1 if ticket.state == "waiting" else 0,
            "ahead": ahead,
            "place": ticket.schedule.place,
        }

    def call_next(self, queue_id: str) -> Ticket | None:
        """Who is called now, or None when nobody waits."""
        waiting = self.waiting(queue_id)
        if not waiting:
            return None
        waiting[0].state = "called"
        return waiting[0]

    def move(self, ticket: Ticket, state: str) -> None:
        """A missed call, a return, the end."""
        before = {"missed": ("called",), "waiting": ("missed",), "done": ("called",)}
        if ticket.state not in before[state]:
            raise Refused("request.refused")
        ticket.state = state

    # -- what the doctor does
    def chart(self, registration_no: str) -> Chart:
        self._desk.registration(registration_no)
        return self._charts.setdefault(registration_no, Chart())

    def charts(self, registration_nos: Iterable[str]) -> list[Chart]:
        return [self.chart(number) for number in registration_nos]

    def order(self, registration_no: str, items: Iterable[str]) -> list[dict[str, Any]]:
        """Orders examinations and writes their bill; returns the new orders."""
        chart = self.chart(registration_no)
        wanted = [row for code in items for row in ITEMS if row[1] == code]
        made = []
        for department_id, code, name, fee_fen in wanted:
            made.append(
                {
                    "order_id": f"{registration_no}-O{len(chart.orders) + 1}",
                    "registration_no": registration_no,
                    "item": code,
                    "name": name,
                    "department_id": department_id,
                    "state": "open",
                    "ordered_at": iso(self._clock.now()),
                    "fee_fen": fee_fen,
                }
            )
            chart.orders.append(made[-1])
        if made:
            self._bill(registration_no, [(name, fee_fen) for _, _, name, fee_fen in wanted])
        return made

    def prescribe(self, registration_no: str) -> dict[str, Any]:
        chart = self.chart(registration_no)
        if chart.prescription is None:
            chart.prescription = {"prescription_no": f"{registration_no}-X1", "items": list(DRUGS)}
            self._bill(registration_no, [(VISIT_ITEM, VISIT_FEN), ("西药费", DRUGS_FEN)])
        return chart.prescription

    def report(self, registration_no: str, order_id: str) -> dict[str, Any]:
        """The examination is done and its report is ready; the same report when asked twice."""
        chart = self.chart(registration_no)
        order = next((one for one in chart.orders if one["order_id"] == order_id), None)
        if order is None:
            raise Refused("request.refused")
        for known in chart.reports:
            if known["order_id"] == order_id:
                return known
        order["state"] = "done"
        report = {
            "report_id": f"{order_id}-P",
            "registration_no": registration_no,
            "order_id": order_id,
            "kind": "laboratory" if order["department_id"] == "D-LA" else "imaging",
            "title": f"{order['name']}报告",
            "reported_at": iso(self._clock.now()),
        }
        chart.reports.append(report)
        return report

    def _bill(self, registration_no: str, items: list[tuple[str, int]]) -> None:
        chart = self.chart(registration_no)
        chart.bills.append(
            {
                "bill_id": f"{registration_no}-B{len(chart.bills) + 1}",
                "registration_no": registration_no,
                "state": "due",
                "issued_at": iso(self._clock.now()),
                "total_fen": sum(amount for _, amount in items),
                "items": [{"name": name, "quantity": 1, "amount_fen": amount} for name, amount in items],
            }
        )
