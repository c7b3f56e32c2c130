"""Reading the record of accesses and acts, for who is to watch over the others (audit.read).

Only reads.  Whether the record was altered is another question: `ehc audit verify` answers it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from server.core.audit import Actor, Audit
from server.core.clock import Clock
from server.core.ids import earliest_id
from server.core.mongo import Collection, Document
from server.core.pages import Page, page_of


@dataclass(frozen=True)
class AuditEntry:
    """One act: who, what, on what, how it ended.  Ids only, never a name or a number of a person."""

    entry_id: str
    at: datetime
    action: str
    actor: Actor
    object_kind: str
    object_id: str
    outcome: str
    request_id: str | None
    detail: dict[str, Any]


@dataclass(frozen=True)
class AuditFilter:
    """What must hold of an entry; `since` and `until` bound the time, the second excluded."""

    actor_id: str | None = None
    object_id: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditLog:
    """The collection `audit`, newest first."""

    def __init__(self, collection: Collection, audit: Audit, clock: Clock) -> None:
        self._collection = collection
        self._audit = audit
        self._clock = clock

    async def read(self, wanted: AuditFilter, by: Actor, cursor: str | None, limit: int) -> Page[AuditEntry]:
        """A page of entries.  That somebody looked, and for what, is on record before the answer."""
        asked = {name: value for name, value in vars(wanted).items() if value is not None}
        await self._audit.record("audit.read", by, "audit", "entries", asked=asked)
        rows = await self._collection.find(_query(wanted, cursor), limit=limit + 1, sort=[("_id", -1)])
        return page_of(rows, limit, lambda row: str(row["_id"])).map(_entry)


def _query(wanted: AuditFilter, cursor: str | None) -> Document:
    """Ids begin with their time, so a stretch of time is a stretch of ids."""
    query: Document = {}
    for name, field in (("actor_id", "actor.id"), ("object_id", "object.id"), ("action", "action")):
        value = getattr(wanted, name)
        if value is not None:
            query[field] = value
    ids: Document = {}
    if wanted.since is not None:
        ids["$gte"] = earliest_id(wanted.since)
    until = None if wanted.until is None else earliest_id(wanted.until)
    before = min((bound for bound in (cursor, until) if bound is not None), default=None)
    if before is not None:
        ids["$lt"] = before
    if ids:
        query["_id"] = ids
    return query


def _entry(row: Document) -> AuditEntry:
    return AuditEntry(
        entry_id=row["_id"],
        at=row["at"],
        action=row["action"],
        actor=Actor(row["actor"]["kind"], row["actor"]["id"]),
        object_kind=row["object"]["kind"],
        object_id=row["object"]["id"],
        outcome=row["outcome"],
        request_id=row["request_id"],
        detail=row["detail"],
    )
