"""How orders and plans are kept: `examination_orders`, `examination_plans`."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from server.appointments.examinations.knowledge import Preparation
from server.appointments.examinations.model import (
    ExaminationOrder,
    ExaminationPlan,
    OrderState,
    PlannedItem,
    PlanState,
)
from server.core.mongo import Collection, Document, Duplicate, index
from server.core.outbox import OUTBOX_INDEXES, adding, outbox

MAX_ORDERS = 100
PLANS_KEPT_S = 30 * 86_400


class OrderStore:
    # A city orders some ten million a year: unsharded, and what is done is archived with its visit.
    INDEXES = [
        index("card_id", ("_id", -1)),
        index("institution_id", "order_no", unique=True, where={"order_no": {"$exists": True}}),
        index("appointment_id", unique=True, where={"appointment_id": {"$exists": True}}),
        *OUTBOX_INDEXES,
    ]

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def put(self, order: ExaminationOrder, state: OrderState | None) -> ExaminationOrder | None:
        """There from now on, as the hospital has it; `state` where the hospital knows better than we do, None
        when it says that the order is open.  One that is booked here stays booked then; one that only the
        hospital has called booked is open again.  None when the number is another card's order."""
        row = _order_row(order)
        wanted = {name: row.pop(name) for name in ("institution_id", "order_no", "card_id")}
        first = {name: row.pop(name) for name in ("_id", "state", "ordered_at")}
        if state is not None:
            row["state"] = state.value
            first.pop("state")
        change: Document = {"$set": row, "$setOnInsert": first}
        try:
            found = await self._collection.find_and_update(wanted, change, upsert=True)
        except Duplicate:  # two told of it at once, or it is another card's
            found = await self._collection.find_and_update(wanted, {"$set": row})
        if found is not None and state is None and found["state"] == OrderState.BOOKED.value:
            found = await self._reopened(found)
        return None if found is None else _order(found)

    async def _reopened(self, row: Document) -> Document:
        """Open again, unless a booking of ours holds it."""
        booked_elsewhere = {
            "_id": row["_id"],
            "state": OrderState.BOOKED.value,
            "appointment_id": {"$exists": False},
        }
        change = {"$set": {"state": OrderState.OPEN.value}}
        return await self._collection.find_and_update(booked_elsewhere, change) or row

    async def insert_once(self, order: ExaminationOrder, *events: tuple[str, dict[str, Any]]) -> None:
        """An examination booked without an order; once for an appointment."""
        try:
            await self._collection.insert({**_order_row(order), "outbox": outbox(order.ordered_at, *events)})
        except Duplicate:
            return

    async def list_of_card(self, card_id: str) -> list[ExaminationOrder]:
        """The newest hundred."""
        rows = await self._collection.find({"card_id": card_id}, limit=MAX_ORDERS, sort=[("_id", -1)])
        return [_order(row) for row in rows]

    async def find(self, order_id: str) -> ExaminationOrder | None:
        row = await self._collection.find_one({"_id": order_id})
        return None if row is None else _order(row)

    async def find_of_appointment(self, appointment_id: str) -> ExaminationOrder | None:
        row = await self._collection.find_one({"appointment_id": appointment_id})
        return None if row is None else _order(row)

    async def book(
        self, order: ExaminationOrder, appointment_id: str, now: datetime, event: tuple[str, dict[str, Any]]
    ) -> bool:
        """Open → booked, with its event; False when it was not open any more."""
        due, events = adding(now, event)
        return await self._collection.update(
            {"_id": order.order_id, "state": OrderState.OPEN.value},
            {
                "$set": {"state": OrderState.BOOKED.value, "appointment_id": appointment_id, **due},
                "$push": events,
            },
        )

    async def tell_again(
        self, order: ExaminationOrder, now: datetime, event: tuple[str, dict[str, Any]]
    ) -> None:
        due, events = adding(now, event)
        await self._collection.update(
            {"_id": order.order_id, "appointment_id": order.appointment_id}, {"$set": due, "$push": events}
        )

    async def free(self, order: ExaminationOrder, state: OrderState) -> None:
        """Its booking is no more: the order is open again, or over.  What the hospital has called done or
        cancelled meanwhile stays so."""
        change: Document = {"$set": {"state": state.value}}
        if state is OrderState.OPEN:
            change["$unset"] = {"appointment_id": ""}
        booked = {"_id": order.order_id, "appointment_id": order.appointment_id}
        await self._collection.update({**booked, "state": OrderState.BOOKED.value}, change)


class PlanStore:
    # Shard key: the id, for a plan is asked for by it alone.
    INDEXES = [
        index("due_at", where={"due_at": {"$exists": True}}),
        index("created_at", expire_after_s=PLANS_KEPT_S),
    ]

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def insert(self, plan: ExaminationPlan) -> None:
        row = asdict(plan)
        row["_id"], row["state"] = row.pop("plan_id"), plan.state.value
        row["items"] = [
            {**asdict(item), "preparation": [one.model_dump() for one in item.preparation]}
            for item in plan.items
        ]
        await self._collection.insert(row)

    async def find(self, plan_id: str) -> ExaminationPlan | None:
        row = await self._collection.find_one({"_id": plan_id})
        return None if row is None else _plan(row)

    async def take(self, plan: ExaminationPlan, now: datetime, until: datetime) -> ExaminationPlan | None:
        """For this caller until then, to be booked; None when it is another's, or over."""
        row = await self._collection.find_and_update(
            {
                "_id": plan.plan_id,
                "$or": [
                    {"state": PlanState.PROPOSED.value},
                    {"state": PlanState.BOOKING.value, "due_at": {"$lte": now}},
                ],
            },
            {"$set": {"state": PlanState.BOOKING.value, "due_at": until}, "$inc": {"fence": 1}},
        )
        return None if row is None else _plan(row)

    async def hold(self, plan: ExaminationPlan, until: datetime) -> bool:
        """Still this caller's, until then; False when somebody has taken it over."""
        return await self._collection.update(_held(plan), {"$set": {"due_at": until}})

    async def finish(self, plan: ExaminationPlan, taken: dict[str, str]) -> bool:
        """Booked; False when somebody has taken it over."""
        change = {"$set": {"state": PlanState.BOOKED.value, "taken": taken}, "$unset": {"due_at": ""}}
        return await self._collection.update({**_held(plan), "state": PlanState.BOOKING.value}, change)

    async def begin_giving_back(self, plan: ExaminationPlan, until: datetime) -> ExaminationPlan | None:
        """None when somebody has taken it over."""
        change = {"$set": {"state": PlanState.GIVING_BACK.value, "due_at": until}, "$inc": {"fence": 1}}
        row = await self._collection.find_and_update(_held(plan), change)
        return None if row is None else _plan(row)

    async def claim_due(self, now: datetime, until: datetime) -> ExaminationPlan | None:
        """One whose caller is gone, or that is to be looked at once more; taken until then."""
        row = await self._collection.find_and_update(
            {"due_at": {"$lte": now}},
            {"$set": {"due_at": until}, "$inc": {"fence": 1}},
            sort=[("due_at", 1)],
        )
        return None if row is None else _plan(row)

    async def given_back(self, plan: ExaminationPlan, look_again_at: datetime | None) -> None:
        change: Document = {"$set": {"state": PlanState.GIVEN_BACK.value}}
        if look_again_at is None:
            change["$unset"] = {"due_at": ""}
        else:
            change["$set"]["due_at"] = look_again_at
        await self._collection.update(_held(plan), change)


def _held(plan: ExaminationPlan) -> Document:
    return {"_id": plan.plan_id, "fence": plan.fence}


def _order_row(order: ExaminationOrder) -> Document:
    row = asdict(order)
    row["_id"], row["state"] = row.pop("order_id"), order.state.value
    return {key: value for key, value in row.items() if value is not None}


def _order(row: Document) -> ExaminationOrder:
    row.pop("outbox", None)
    return ExaminationOrder(order_id=row.pop("_id"), state=OrderState(row.pop("state")), **row)


def _plan(row: Document) -> ExaminationPlan:
    row.pop("due_at", None)
    items = tuple(
        PlannedItem(**{**item, "preparation": tuple(Preparation(**one) for one in item["preparation"])})
        for item in row.pop("items")
    )
    plan = ExaminationPlan(plan_id=row.pop("_id"), state=PlanState(row.pop("state")), items=items, **row)
    return replace(plan, taken=None if plan.taken is None else dict(plan.taken))
