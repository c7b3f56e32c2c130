"""How pools are kept: `slot_pools`, one row for each schedule with its slots.

Who is booked stands in `appointments`; here is only how many may be.
"""

from collections.abc import Sequence
from datetime import date, datetime

from server.appointments.slots.model import Pool, PoolSlot, pool_key
from server.core.grouping import Group, attempt
from server.core.mongo import Collection, Document, index
from server.core.outbox import OUTBOX_INDEXES, adding
from server.gateways.his.model import Kind

MAX_SCHEDULES = 2000


class PoolStore:
    # Found by `_id` (institution and schedule), which is its shard key; listed by institution and day.
    INDEXES = [index("institution_id", "on", "department_id"), *OUTBOX_INDEXES]

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._by_key: Group[str, Pool | None] = Group(self._find_many)

    async def put(self, pool: Pool, now: datetime) -> None:
        """Replaces the schedule as a whole, with the event that makes bookings follow."""
        told = {"institution_id": pool.institution_id, "schedule_id": pool.schedule_id}
        due, events = adding(now, ("slot_pool.changed", told))
        row = _row(pool)
        await self._collection.update(
            {"_id": row.pop("_id")}, {"$set": {**row, **due}, "$push": events}, upsert=True
        )

    async def find(self, institution_id: str, schedule_id: str) -> Pool | None:
        """Requests that ask at the same time share one query."""
        return await self._by_key.ask(pool_key(institution_id, schedule_id))

    async def _find_many(self, keys: list[str]) -> Sequence[Pool | BaseException | None]:
        rows = await self._collection.find({"_id": {"$in": list(set(keys))}}, limit=len(keys))
        found = {row["_id"]: attempt(_pool, row) for row in rows}
        return [found.get(key) for key in keys]

    async def list(
        self,
        institution_id: str,
        from_on: date,
        to_on: date,
        department_id: str | None = None,
        kind: Kind | None = None,
    ) -> list[Pool]:
        """By day, then department."""
        wanted: Document = {
            "institution_id": institution_id,
            "on": {"$gte": from_on.isoformat(), "$lte": to_on.isoformat()},
        }
        if department_id is not None:
            wanted["department_id"] = department_id
        if kind is not None:
            wanted["kind"] = kind
        rows = await self._collection.find(wanted, limit=MAX_SCHEDULES, sort=[("on", 1)])
        return [_pool(row) for row in rows]


def _row(pool: Pool) -> Document:
    told = {name: value for name, value in pool.__dict__.items() if name != "schedule_id"}
    return {
        "_id": pool.key,
        **told,
        "on": pool.on.isoformat(),
        "slots": [dict(slot.__dict__) for slot in pool.slots],
    }


def _pool(row: Document) -> Pool:
    told = {name: value for name, value in row.items() if name not in ("_id", "outbox")}
    slots = tuple(PoolSlot(**slot) for slot in row["slots"])
    schedule_id = row["_id"].removeprefix(f"{row['institution_id']}|")
    return Pool(schedule_id=schedule_id, **{**told, "on": date.fromisoformat(row["on"]), "slots": slots})
