"""Budgets: how often something may be done by one subject in one window of time.

Counted in the database, so that any number of processes share one budget; a row dies with its window.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from server.core.clock import Clock
from server.core.errors import TooMany
from server.core.mongo import Collection, index


@dataclass(frozen=True)
class Budget:
    name: str
    limit: int
    window_s: int


class Budgets:
    """The collection `budgets`."""

    INDEXES = [index("expires_at", expire_after_s=0)]

    def __init__(self, collection: Collection, clock: Clock) -> None:
        self._collection = collection
        self._clock = clock

    async def spend(self, budget: Budget, subject: str) -> None:
        """Takes one out; TooMany (`<name>.too_many`) when the window's budget is spent.

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

    async def require(self, budget: Budget, subject: str) -> None:
        """TooMany when nothing is left; takes nothing out."""
        row_id, ends_at = self._window(budget, subject)
        row = await self._collection.find_one({"_id": row_id})
        if row is not None and row["spent"] >= budget.limit:
            raise self._spent(budget, ends_at)

    def _window(self, budget: Budget, subject: str) -> tuple[str, datetime]:
        window = int(self._clock.now().timestamp()) // budget.window_s
        ends_at = datetime.fromtimestamp((window + 1) * budget.window_s, UTC)
        return f"{budget.name}|{subject}|{window}", ends_at

    def _spent(self, budget: Budget, ends_at: datetime) -> TooMany:
        wait_s = int((ends_at - self._clock.now()).total_seconds()) + 1
        return TooMany(f"{budget.name}.too_many", "too many tries; wait before the next one", wait_s)
