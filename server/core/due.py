"""Work that is due at a time, done by any number of workers, any of which may die at any moment.

What waits has `due_at`, and nothing else has.  A worker claims some rows for a while: their `due_at` moves to
the end of the lease, and `claim` names this very claim.  Whatever is done to a claimed row afterwards asks
for that name (the fence), so a worker that was paused beyond its lease changes nothing any more.  Who dies
leaves rows that are due again when the lease ends.

Time is the process's clock, as everywhere: a test can hold it.  A clock that is off moves what is due by that
much and breaks nothing else, because the fence is a name and no time.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from server.core.mongo import Collection, Document, Filter

Row = TypeVar("Row")
MAX_RACES = 5


async def claim_due(
    collection: Collection, wanted: Filter, now: datetime, lease: timedelta, limit: int
) -> list[Document]:
    """The rows now claimed by the caller, the most overdue first; one query when nothing is due."""
    if limit == 1:
        row = await claim_one(collection, wanted, now, lease)
        return [] if row is None else [row]
    ready = {**wanted, "due_at": {"$lte": now}}
    for _ in range(MAX_RACES):
        found = await collection.find(ready, limit=limit, sort=[("due_at", 1)], projection={"_id": 1})
        if not found:
            return []
        rows = await _claim(collection, ready, [row["_id"] for row in found], now + lease)
        if rows:
            return rows  # else another worker took every one of them in between
    return []


async def claim_one(
    collection: Collection, wanted: Filter, now: datetime, lease: timedelta
) -> Document | None:
    """The most overdue row, claimed in one command."""
    return await collection.find_and_update(
        {**wanted, "due_at": {"$lte": now}}, _change(_name(), now + lease), sort=[("due_at", 1)]
    )


async def _claim(
    collection: Collection, ready: Filter, ids: Sequence[str], until: datetime
) -> list[Document]:
    claim = _name()
    mine = {**ready, "_id": {"$in": list(ids)}}
    if not await collection.update_all(mine, _change(claim, until)):
        return []
    rows = await collection.find({"_id": {"$in": list(ids)}, "claim": claim}, limit=len(ids))
    return sorted(rows, key=lambda row: str(row["_id"]))


def _name() -> str:
    return secrets.token_hex(8)


def _change(claim: str, until: datetime) -> Document:
    return {"$set": {"due_at": until, "claim": claim}, "$inc": {"attempts": 1}}


def claimed(row_id: str, claim: str) -> Document:
    """The filter of a row that the caller still holds."""
    return {"_id": row_id, "claim": claim}


async def work_off(
    claim: Callable[[], Awaitable[Row | None]],
    do: Callable[[Row], Awaitable[object]],
    *,
    at_once: int,
    most: int,
) -> int:
    """Claims and does what is due, so many at once, until nothing is or `most` claims have been made: one
    that hangs holds up no other for long.  One claim when nothing is due; each that found something begins
    another beside it.  How many were done; raises the first failure when the others have ended."""
    left, idle, done = most, at_once - 1, 0
    failures: list[Exception] = []

    async def one_after_another() -> None:
        nonlocal left, idle, done
        try:
            while left > 0:
                left -= 1
                row = await claim()
                if row is None:
                    return
                if idle > 0:
                    idle -= 1
                    beside.create_task(one_after_another())
                await do(row)
                done += 1
        except Exception as failure:  # raised below: a group would cancel those beside it
            failures.append(failure)

    async with asyncio.TaskGroup() as beside:
        beside.create_task(one_after_another())
    if failures:
        raise failures[0]
    return done
