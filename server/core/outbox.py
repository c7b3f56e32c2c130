"""Events that cannot be lost: they are written inside the document whose change they tell of.

One write stores the change and its events, so there is no transaction and no second collection to fall out
of step.  A relay in `ehc worker` finds documents with undelivered events, claims them for a while, hands the
events in order to the reactions of `server/subscriptions.py`, and takes them out.  Delivery is at least once;
order holds for each document, and several documents are delivered at once.  An event that keeps failing parks
its document with the reason, and the rest go on.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from server.core.clock import Clock
from server.core.due import work_off
from server.core.errors import EhcError
from server.core.ids import new_id
from server.core.mongo import Collection, Document, index

LEASE = timedelta(seconds=30)
MAX_ATTEMPTS = 8
AT_ONCE = 8
BATCH = 100

log = structlog.get_logger()


@dataclass(frozen=True)
class Event:
    """`name` is "noun.happened"; `data` is plain and holds ids, never personal fields."""

    event_id: str
    name: str
    happened_at: datetime
    data: dict[str, Any]


def outbox(at: datetime, *events: tuple[str, dict[str, Any]]) -> Document:
    """The `outbox` sub-document of a new document, with its first events."""
    return {"due_at": at, "attempts": 0, "events": _rows(at, events)}


def adding(at: datetime, *events: tuple[str, dict[str, Any]]) -> tuple[Document, Document]:
    """What a change adds to its `$set` and its `$push`: the events join those that still wait."""
    return {"outbox.due_at": at, "outbox.attempts": 0}, {"outbox.events": {"$each": _rows(at, events)}}


def _rows(at: datetime, events: Sequence[tuple[str, dict[str, Any]]]) -> list[Document]:
    return [{"id": new_id(at), "name": name, "at": at, "data": data} for name, data in events]


OUTBOX_INDEXES = [
    index("outbox.due_at", where={"outbox.due_at": {"$exists": True}}),
    index("outbox.parked_at", where={"outbox.parked_at": {"$exists": True}}),
]

React = Callable[[Event], Awaitable[None]]


class Relay:
    """Delivers the events waiting in some collections; any number of relays may run."""

    def __init__(self, sources: Sequence[Collection], react: React, clock: Clock) -> None:
        self._sources = sources
        self._react = react
        self._clock = clock

    async def deliver_due(self) -> int:
        """Delivers what is due now; returns the number of documents emptied."""
        return sum([await self._deliver_from(source) for source in self._sources])

    async def _deliver_from(self, source: Collection) -> int:
        emptied = 0

        async def claim() -> Document | None:
            now = self._clock.now()
            return await source.find_and_update(
                {"outbox.due_at": {"$lte": now}},
                {"$set": {"outbox.due_at": now + LEASE}, "$inc": {"outbox.attempts": 1}},
                sort=[("outbox.due_at", 1)],
            )

        async def deliver(row: Document) -> None:
            nonlocal emptied
            is_emptied = await self._deliver(source, row)
            emptied += is_emptied  # not `+= await`: that reads the sum before it waits

        await work_off(claim, deliver, at_once=AT_ONCE, most=BATCH)
        return emptied

    async def _deliver(self, source: Collection, row: Document) -> bool:
        mine = {"_id": row["_id"], "outbox.due_at": row["outbox"]["due_at"]}
        for event in row["outbox"]["events"]:
            try:
                await self._react(Event(event["id"], event["name"], event["at"], event["data"]))
            except Exception as failure:  # whatever a reaction does, the relay and other rows go on
                await self._postpone(source, mine, row, event["name"], failure)
                return False
        # An event added meanwhile has moved `due_at`: then nothing is taken out, and all of it comes again.
        return await source.update(mine, {"$unset": {"outbox": ""}})

    async def _postpone(
        self, source: Collection, mine: Document, row: Document, name: str, failure: Exception
    ) -> None:
        attempts = row["outbox"]["attempts"]
        reason = failure.code if isinstance(failure, EhcError) else type(failure).__name__
        log.warning("outbox.failed", source=source.name, event_name=name, attempts=attempts, reason=reason)
        if attempts >= MAX_ATTEMPTS:
            parked = {"outbox.parked_because": reason, "outbox.parked_at": self._clock.now()}
            await source.update(mine, {"$set": parked, "$unset": {"outbox.due_at": ""}})
        else:
            due_at = self._clock.now() + timedelta(seconds=2**attempts)
            await source.update(mine, {"$set": {"outbox.due_at": due_at}})

    async def backlog(self) -> tuple[int, int]:
        """How many documents wait, and how many are parked."""
        waiting = sum([await source.count({"outbox.due_at": {"$exists": True}}) for source in self._sources])
        parked = sum(
            [await source.count({"outbox.parked_at": {"$exists": True}}) for source in self._sources]
        )
        return waiting, parked
