"""What an examination order is, and a plan over several of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from server.appointments.examinations.conflicts import Clash
from server.appointments.examinations.knowledge import ExaminationPolicy, Preparation
from server.core.clock import city_day


class OrderState(StrEnum):
    """open ⇄ booked → done; open → cancelled."""

    OPEN = "open"
    BOOKED = "booked"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class ExaminationOrder:
    """What a doctor ordered.  `order_no` is the hospital's number of it; None for an examination that was
    booked without an order."""

    order_id: str
    card_id: str
    institution_id: str
    institution: str
    item: str
    name: str
    department_id: str
    state: OrderState
    ordered_at: datetime
    person_id: str | None = None
    order_no: str | None = None
    registration_no: str | None = None
    fee_fen: int = 0
    appointment_id: str | None = None


class PlanState(StrEnum):
    """proposed → booking → booked | giving_back → given_back."""

    PROPOSED = "proposed"
    BOOKING = "booking"
    BOOKED = "booked"
    GIVING_BACK = "giving_back"
    GIVEN_BACK = "given_back"


@dataclass(frozen=True)
class PlannedItem:
    """An order at a time.  `slot_id` is what a resident books by, `slot_key` what a booking of it is found
    by."""

    order_id: str
    item: str
    name: str
    slot_id: str
    slot_key: str
    place: str
    starts_at: datetime
    ends_at: datetime
    preparation: tuple[Preparation, ...] = ()


@dataclass(frozen=True)
class ExaminationPlan:
    """`fence`: how often it was taken over; who holds an older one has lost it.  `taken`: the bookings, by
    order."""

    plan_id: str
    account_id: str
    card_id: str
    person_id: str
    institution_id: str
    state: PlanState
    items: tuple[PlannedItem, ...]
    is_exact: bool
    created_at: datetime
    fence: int = 0
    taken: Mapping[str, str] | None = None

    def request_of(self, item: PlannedItem) -> str:
        """The repeatable request that books the item: however often it is asked, there is one booking."""
        return f"{self.plan_id}|{item.order_id}"

    @property
    def visits(self) -> list[tuple[date, list[PlannedItem]]]:
        """By day, in the order of time."""
        return by_day(self.items)


@dataclass(frozen=True)
class Proposal:
    """A plan, or why there is none.  `is_proven`: no other combination would do."""

    plan: ExaminationPlan | None
    conflicts: tuple[Clash, ...] = ()
    is_proven: bool = True


def by_day(items: Iterable[PlannedItem]) -> list[tuple[date, list[PlannedItem]]]:
    found: dict[date, list[PlannedItem]] = {}
    for item in sorted(items, key=lambda one: (one.starts_at, one.order_id)):
        found.setdefault(city_day(item.starts_at), []).append(item)
    return list(found.items())


def plain(clash: Clash, known: ExaminationPolicy) -> dict[str, Any]:
    """A clash as a caller reads it: items with their names, as data has them."""

    def name(code: str | None) -> str | None:
        return None if code is None else known.item(code).name

    return {
        "reason": clash.reason,
        "ref": clash.ref,
        "item": clash.item,
        "name": name(clash.item),
        "other_ref": clash.other_ref,
        "other_item": clash.other_item,
        "other_name": name(clash.other_item),
        "parameters": clash.parameters,
    }
