"""How merges are kept: `merges`, one row for each, with every step anybody took; reasons sealed."""

from typing import Any

from server.core.audit import Actor
from server.core.mongo import Collection, Document, Transaction, index
from server.core.pages import Page, page_of
from server.core.secrets import Sealer
from server.identity.merges.model import OPEN, PERSON_IS_MERGED, Merge, MergeState, Step

MAX_INTO = 100


class MergeStore:
    INDEXES = [
        # A person is absorbed by one other at most, and by one proposal at a time.
        index("absorbed_id", unique=True, where={"is_open": True}),
        index("survivor_id"),
        index("state", ("_id", -1)),
    ]

    def __init__(self, collection: Collection, sealer: Sealer) -> None:
        self._collection = collection
        self._sealer = sealer

    async def insert(self, merge: Merge, within: Transaction | None = None) -> None:
        """Duplicate when an open merge absorbs the same person."""
        kept = self._collection if within is None else within.of(self._collection)
        await kept.insert(
            {
                "_id": merge.merge_id,
                "absorbed_id": merge.absorbed_id,
                "survivor_id": merge.survivor_id,
                "state": merge.state.value,
                "is_open": merge.state in OPEN,
                "steps": [self._step_row(merge.merge_id, step) for step in merge.steps],
                "because": merge.because,
            }
        )

    async def move(self, merge: Merge, to: MergeState, step: Step, within: Transaction | None = None) -> bool:
        """From the state it was read in to another, with the step that did it; False when it has moved."""
        kept = self._collection if within is None else within.of(self._collection)
        return await kept.update(
            {"_id": merge.merge_id, "state": merge.state.value},
            {
                "$set": {"state": to.value, "is_open": to in OPEN},
                "$push": {"steps": self._step_row(merge.merge_id, step)},
            },
        )

    async def find(self, merge_id: str) -> Merge | None:
        row = await self._collection.find_one({"_id": merge_id})
        return None if row is None else self._merge(row)

    async def find_open(self, absorbed_id: str) -> Merge | None:
        row = await self._collection.find_one({"absorbed_id": absorbed_id, "is_open": True})
        return None if row is None else self._merge(row)

    async def list_into(self, survivor_id: str) -> list[Merge]:
        """The merges by which others are this person now, in their order."""
        filter = {"survivor_id": survivor_id, "state": {"$in": sorted(PERSON_IS_MERGED)}}
        rows = await self._collection.find(filter, limit=MAX_INTO, sort=[("_id", 1)])
        return [self._merge(row) for row in rows]

    async def list_in(self, state: MergeState, cursor: str | None, limit: int) -> Page[Merge]:
        """Newest first."""
        filter: Document = {"state": state.value}
        if cursor is not None:
            filter["_id"] = {"$lt": cursor}
        rows = await self._collection.find(filter, limit=limit + 1, sort=[("_id", -1)])
        return page_of(rows, limit, lambda row: str(row["_id"])).map(self._merge)

    def _step_row(self, merge_id: str, step: Step) -> dict[str, Any]:
        reason = self._sealer.seal("merges", merge_id, "reason", step.reason)
        return {"what": step.what, "by": dict(step.by.__dict__), "at": step.at, "reason": reason}

    def _merge(self, row: Document) -> Merge:
        return Merge(
            merge_id=row["_id"],
            absorbed_id=row["absorbed_id"],
            survivor_id=row["survivor_id"],
            state=MergeState(row["state"]),
            steps=tuple(self._step(row["_id"], step) for step in row["steps"]),
            because=row["because"],
        )

    def _step(self, merge_id: str, row: dict[str, Any]) -> Step:
        reason = self._sealer.unseal("merges", merge_id, "reason", row["reason"])
        return Step(row["what"], Actor(**row["by"]), row["at"], reason)
