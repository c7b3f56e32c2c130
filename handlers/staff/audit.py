from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from handlers.authentication import StaffHandler
from handlers.requests import Id, Model, Ok, Time, operation
from server.core.audit_log import AuditEntry, AuditFilter
from server.core.clock import iso
from server.core.pages import MAX_PAGE

Word = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.:-]+$")]


class AuditQuery(Model):
    actor_id: Word | None = None
    object_id: Word | None = None
    action: Word | None = None
    since: Time | None = None
    until: Time | None = None
    cursor: Id | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 50


class AuditEntryView(Model):
    entry_id: str
    at: Time
    action: str
    actor_kind: str
    actor_id: str
    object_kind: str
    object_id: str
    outcome: str
    request_id: str | None
    detail: dict[str, Any]

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditEntryView":
        return cls(
            entry_id=entry.entry_id,
            at=entry.at,
            action=entry.action,
            actor_kind=entry.actor.kind,
            actor_id=entry.actor.id,
            object_kind=entry.object_kind,
            object_id=entry.object_id,
            outcome=entry.outcome,
            request_id=entry.request_id,
            detail=_plain(entry.detail),
        )


class AuditPage(Model):
    entries: list[AuditEntryView]
    next_cursor: str | None


class AuditEntries(StaffHandler):
    @operation(
        "The record of accesses and acts, newest first",
        query=AuditQuery,
        reply=AuditPage,
        permission="audit.read",
    )
    async def get(self, query: AuditQuery) -> Ok:
        wanted = AuditFilter(query.actor_id, query.object_id, query.action, query.since, query.until)
        page = await self.services.audit_log.read(wanted, self.actor, query.cursor, query.limit)
        shown = [AuditEntryView.of(entry) for entry in page.items]
        return Ok(AuditPage(entries=shown, next_cursor=page.next_cursor))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return iso(value) if isinstance(value, datetime) else value


ROUTES = [("/staff/v1/audit", AuditEntries)]
