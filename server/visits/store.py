"""How visits are kept: `visits`.  Ids, times and names of places; nothing of the person."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from server.core.mongo import Collection, Document, index
from server.core.outbox import OUTBOX_INDEXES, adding, outbox
from server.visits.model import MAX_SEEN, State, Step, Task, Visit

MAX_VISITS_SHOWN = 50


class VisitStore:
    # Shard key: card_id would scatter what a hospital asks by its number, so a city keeps them unsharded; a
    # larger one hashes institution_id, and asks all shards for a card's few visits.
    INDEXES = [
        index("card_id", ("_id", -1)),
        index("appointment_id", unique=True, where={"appointment_id": {"$exists": True}}),
        index(
            "institution_id",
            "registration_no",
            unique=True,
            where={"registration_no": {"$exists": True}},
        ),
        *OUTBOX_INDEXES,
    ]

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def insert(self, visit: Visit, *events: tuple[str, dict[str, Any]]) -> None:
        """Duplicate when the appointment has a visit, or the hospital's number is another visit's."""
        row = _row(visit)
        if events:
            row["outbox"] = outbox(visit.created_at, *events)
        await self._collection.insert(row)

    async def find(self, visit_id: str) -> Visit | None:
        return _found(await self._collection.find_one({"_id": visit_id}))

    async def find_of_appointment(self, appointment_id: str) -> Visit | None:
        return _found(await self._collection.find_one({"appointment_id": appointment_id}))

    async def find_registered(self, institution_id: str, registration_no: str) -> Visit | None:
        wanted = {"institution_id": institution_id, "registration_no": registration_no}
        return _found(await self._collection.find_one(wanted))

    async def list_of_card(self, card_id: str) -> list[Visit]:
        """The newest fifty."""
        rows = await self._collection.find({"card_id": card_id}, limit=MAX_VISITS_SHOWN, sort=[("_id", -1)])
        return [_visit(row) for row in rows]

    async def change(
        self,
        before: Visit,
        after: Visit,
        now: datetime,
        *events: tuple[str, dict[str, Any]],
        seen: str | None = None,
    ) -> bool:
        """`before` becomes `after`, with its events; False when it has changed since it was read, or was
        changed by `seen` before."""
        wanted: Document = {"_id": before.visit_id, "moves": before.moves}
        fixed = ("_id", "card_id", "institution_id", "created_at")
        changed = {key: value for key, value in _row(after).items() if key not in fixed}
        change: Document = {"$set": {**changed, "moves": before.moves + 1}}
        if gone := _row(before).keys() - _row(after).keys():
            change["$unset"] = dict.fromkeys(sorted(gone), "")
        if events:
            due, pushed = adding(now, *events)
            change["$set"].update(due)
            change["$push"] = dict(pushed)
        if seen is not None:
            wanted["seen"] = {"$ne": seen}
            change.setdefault("$push", {})["seen"] = {"$each": [seen], "$slice": -MAX_SEEN}
        return await self._collection.update(wanted, change)

    async def was_told(self, visit_id: str, seen: str) -> bool:
        return await self._collection.find_one({"_id": visit_id, "seen": seen}, {"_id": 1}) is not None


def _row(visit: Visit) -> Document:
    row = asdict(visit)
    row["_id"], row["state"] = row.pop("visit_id"), visit.state.value
    return {key: value for key, value in row.items() if value is not None}


def _found(row: Document | None) -> Visit | None:
    return None if row is None else _visit(row)


def _visit(row: Document) -> Visit:
    row.pop("outbox", None)
    row.pop("seen", None)
    return Visit(
        visit_id=row.pop("_id"),
        state=State(row.pop("state")),
        steps=tuple(Step(**step) for step in row.pop("steps", ())),
        tasks=tuple(Task(**task) for task in row.pop("tasks", ())),
        **{"person_id": None, **row},
    )
