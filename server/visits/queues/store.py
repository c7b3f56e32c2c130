"""How queues are kept: `queues`, one row for each door; `queue_tokens`, one for each person and day."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from server.core.ids import earliest_id
from server.core.mongo import Collection, Document, index
from server.core.outbox import OUTBOX_INDEXES, adding, outbox
from server.visits.queues.model import Queue, State, Token, Told

# A year and a bit: waiting times are compared with the year before.
KEPT_S = 400 * 86_400
MAX_QUEUES_OF_INSTITUTION = 500
MAX_CALL_KEYS = 20
MAX_TOKENS_OF_VISIT = 50


class QueueStore:
    # A hospital has some dozens of doors: unsharded.
    INDEXES = [index("institution_id", "department_id")]

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def put(self, queue: Queue) -> None:
        """There from now on, or described anew; its numbers go on."""
        row = asdict(queue)
        await self._collection.update({"_id": queue.key}, {"$set": row}, upsert=True)

    async def insert_once(self, queue: Queue) -> None:
        """There from now on; one that is there stays as it is."""
        await self._collection.update({"_id": queue.key}, {"$setOnInsert": asdict(queue)}, upsert=True)

    async def find(self, key: str) -> Queue | None:
        row = await self._collection.find_one({"_id": key})
        return None if row is None else _queue(row)

    async def list_of_department(self, institution_id: str, department_id: str) -> list[Queue]:
        wanted = {"institution_id": institution_id, "department_id": department_id}
        rows = await self._collection.find(wanted, limit=MAX_QUEUES_OF_INSTITUTION)
        return [_queue(row) for row in rows]

    async def take_turn(self, key: str, day: str) -> int:
        """The next number of this door on this day, from 1; a number that is taken and not used is a gap."""
        following = {"$cond": [{"$eq": ["$day", day]}, {"$add": ["$turns", 1]}, 1]}
        row = await self._collection.find_and_update(
            {"_id": key}, [{"$set": {"turns": following, "day": day}}]
        )
        assert row is not None, "a queue is never deleted"
        return int(row["turns"])


class TokenStore:
    # Shard key: line, for a desk and a phone ask about one queue of one day.
    INDEXES = [
        # The order of a line is total: no two who wait have one rank.
        index("line", "rank", unique=True, where={"state": State.WAITING.value, "rank": {"$exists": True}}),
        index("line", "state", "rank"),
        index("line", "visit_id", unique=True),
        index("visit_id", ("_id", -1)),
        index("call_keys", unique=True, where={"call_keys.0": {"$exists": True}}),
        index("joined_at", expire_after_s=KEPT_S),
        *OUTBOX_INDEXES,
    ]

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def insert(self, token: Token, *events: tuple[str, dict[str, Any]]) -> None:
        """Duplicate when the visit has a token of this line, or the rank is taken."""
        row = {**_row(token), "outbox": outbox(token.joined_at, *events)}
        await self._collection.insert(row)

    async def find(self, token_id: str) -> Token | None:
        row = await self._collection.find_one({"_id": token_id})
        return None if row is None else _token(row)

    async def find_in_line(self, line: str, visit_id: str) -> Token | None:
        row = await self._collection.find_one({"line": line, "visit_id": visit_id})
        return None if row is None else _token(row)

    async def find_called_by(self, call_key: str) -> Token | None:
        row = await self._collection.find_one({"call_keys": call_key})
        return None if row is None else _token(row)

    async def list_of_visits(self, visit_ids: Sequence[str], since: datetime) -> list[Token]:
        """Those of these visits that were made since then, newest first."""
        wanted = {"visit_id": {"$in": list(visit_ids)}, "_id": {"$gte": earliest_id(since)}}
        limit = max(1, MAX_TOKENS_OF_VISIT * len(visit_ids))
        rows = await self._collection.find(wanted, limit=limit, sort=[("_id", -1)])
        return [_token(row) for row in rows]

    async def list_of_line(self, line: str, state: State, limit: int) -> list[Token]:
        """By rank."""
        wanted = {"line": line, "state": state.value}
        rows = await self._collection.find(wanted, limit=limit, sort=[("rank", 1)])
        return [_token(row) for row in rows]

    async def ranks_waiting(self, line: str, limit: int) -> list[int]:
        """The first ranks, ascending."""
        rows = await self._collection.find(
            {"line": line, "state": State.WAITING.value},
            limit=limit,
            sort=[("rank", 1)],
            projection={"_id": 0, "rank": 1},
        )
        return [row["rank"] for row in rows]

    async def count_waiting(self, line: str, before: int | None = None) -> int:
        """How many wait in the line, before that rank."""
        wanted: Document = {"line": line, "state": State.WAITING.value}
        if before is not None:
            wanted["rank"] = {"$lt": before}
        return await self._collection.count(wanted)

    async def move(
        self,
        before: Token,
        after: Token,
        now: datetime,
        *events: tuple[str, Mapping[str, Any]],
        call_key: str | None = None,
    ) -> bool:
        """`before` becomes `after`, with its events; False when it has changed since it was read.

        Duplicate when the rank is taken, or another token was called under this key.
        """
        due, pushed = adding(now, *[(name, dict(data)) for name, data in events])
        push: Document = dict(pushed) if events else {}
        if call_key is not None:
            push["call_keys"] = {"$each": [call_key], "$slice": -MAX_CALL_KEYS}
        changed = {key: value for key, value in _row(after).items() if key not in ("_id", "line", "visit_id")}
        change: Document = {"$set": {**changed, "moves": before.moves + 1, **(due if events else {})}}
        if push:
            change["$push"] = push
        return await self._collection.update({"_id": before.token_id, "moves": before.moves}, change)


def _row(token: Token) -> Document:
    row = asdict(token)
    row["_id"], row["state"] = row.pop("token_id"), token.state.value
    return {key: value for key, value in row.items() if value is not None}


def _token(row: Document) -> Token:
    row.pop("outbox", None), row.pop("call_keys", None)
    told = row.pop("told", None)
    return Token(
        token_id=row.pop("_id"),
        state=State(row.pop("state")),
        told=None if told is None else Told(**told),
        **row,
    )


def _queue(row: Document) -> Queue:
    known: dict[str, Any] = {name: row.get(name) for name in Queue.__dataclass_fields__}
    return Queue(**known)
