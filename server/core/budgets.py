"""Budgets: how often something may be done by one subject in one window of time.

Counted in the database, so that any number of processes share one budget; a row dies with its window.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from server.core.clock import Clock
from server.core.errors import TooMany
from server.core.grouping import Group
from server.core.mongo import Collection, Duplicate, index

LOOK_EVERY_S = 0.05
LOOKS = 100
UNDECIDED_RETRY_S = 60


@dataclass(frozen=True)
class Budget:
    """`ahead_s`: how far the clock that starts the windows is ahead of UTC; a day may be the city's."""

    name: str
    limit: int
    window_s: int
    ahead_s: int = 0


class Budgets:
    """The collection `budgets`."""

    INDEXES = [index("expires_at", expire_after_s=0)]

    def __init__(self, collection: Collection, clock: Clock) -> None:
        self._collection = collection
        self._clock = clock
        self._looks: Group[str, int] = Group(self._look)

    async def spend(self, budget: Budget, subject: str) -> str:
        """Takes one out and returns the receipt for it; TooMany (`<name>.too_many`) when the window's budget
        is spent.

        `subject` must not be personal data: pass a keyed index or an id.
        """
        row_id, ends_at = self._window(budget, subject)
        row = await self._collection.find_and_update(
            {"_id": row_id},
            {"$inc": {"spent": 1}, "$setOnInsert": {"expires_at": ends_at + timedelta(minutes=1)}},
            upsert=True,
        )
        if row is not None and row["spent"] > budget.limit:
            raise self._spent(budget, ends_at)
        return row_id

    async def spend_once(self, budget: Budget, subject: str, thing: str) -> None:
        """As `spend`, but once in a window for the same `thing`, however often it comes; nor may that be
        personal data.  Whoever dies in between leaves one that is not counted."""
        row_id, ends_at = self._window(budget, subject)
        row = {"_id": f"{row_id}|{thing}", "expires_at": ends_at + timedelta(minutes=1)}
        try:
            await self._collection.insert(row)
        except Duplicate:
            return
        await self.spend(budget, subject)

    async def refund(self, receipt: str) -> None:
        """Gives back the one that was taken out for this receipt."""
        await self._collection.update({"_id": receipt, "spent": {"$gt": 0}}, {"$inc": {"spent": -1}})

    async def require_left(self, asked: Sequence[tuple[Budget, str]]) -> None:
        """TooMany when one of these budgets is spent; takes nothing out.  Requests that ask at the same time
        share one query."""
        windows = [(budget, *self._window(budget, subject)) for budget, subject in asked]
        spent = await asyncio.gather(*(self._looks.ask(row_id) for _, row_id, _ in windows))
        for (budget, _, ends_at), number in zip(windows, spent, strict=True):
            if number >= budget.limit:
                raise self._spent(budget, ends_at)

    async def _look(self, row_ids: list[str]) -> list[int]:
        rows = await self._collection.find({"_id": {"$in": list(set(row_ids))}}, limit=len(row_ids))
        spent = {row["_id"]: int(row.get("spent", 0)) for row in rows}
        return [spent.get(row_id, 0) for row_id in row_ids]

    async def hold(self, budget: Budget, subject: str, attempt: str) -> None:
        """Makes room for an attempt before anybody knows whether it will cost one; `settle` says so later.

        What is spent and what is held never exceed the limit together, so attempts made at the same moment
        cannot outrun it.  An attempt made many times at once is held once: name it by what it tries.  Waits a
        few seconds for others to be settled; TooMany when the budget is spent or stays taken.
        """
        row_id, ends_at = self._window(budget, subject)
        named = {"$literal": attempt}
        has_room = {"$lt": [{"$add": ["$spent", {"$size": "$held"}]}, budget.limit]}
        held = {
            "$cond": [
                {"$or": [{"$in": [named, "$held"]}, has_room]},
                {"$setUnion": ["$held", [named]]},
                "$held",
            ]
        }
        start = {"spent": {"$ifNull": ["$spent", 0]}, "held": {"$ifNull": ["$held", []]}}
        change: list[dict[str, Any]] = [
            {"$set": {**start, "expires_at": ends_at + timedelta(minutes=1)}},
            {"$set": {"held": held}},
        ]
        for _ in range(LOOKS):
            row = await self._collection.find_and_update({"_id": row_id}, change, upsert=True)
            if row is not None and attempt in row["held"]:
                return
            if row is not None and row["spent"] >= budget.limit:
                raise self._spent(budget, ends_at)
            await asyncio.sleep(LOOK_EVERY_S)
        raise self._too_many(budget, UNDECIDED_RETRY_S)

    async def settle(self, budget: Budget, subject: str, attempt: str, *, costs: bool) -> None:
        """What became of a held attempt: one is spent for it, or none.  Nothing happens the second time."""
        row_id, _ = self._window(budget, subject)
        await self._collection.update(
            {"_id": row_id, "held": attempt},
            {"$pull": {"held": attempt}, "$inc": {"spent": int(costs)}},
        )

    def _window(self, budget: Budget, subject: str) -> tuple[str, datetime]:
        window = (int(self._clock.now().timestamp()) + budget.ahead_s) // budget.window_s
        ends_at = datetime.fromtimestamp((window + 1) * budget.window_s - budget.ahead_s, UTC)
        return f"{budget.name}|{subject}|{window}", ends_at

    def _spent(self, budget: Budget, ends_at: datetime) -> TooMany:
        wait_s = int((ends_at - self._clock.now()).total_seconds()) + 1
        return self._too_many(budget, wait_s)

    @staticmethod
    def _too_many(budget: Budget, wait_s: int) -> TooMany:
        return TooMany(f"{budget.name}.too_many", "too many tries; wait before the next one", wait_s)
