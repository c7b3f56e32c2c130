from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from handlers.authentication import StaffHandler
from handlers.requests import Id, Model, Ok, Time, operation
from server.core.errors import Conflict
from server.core.pages import MAX_PAGE
from server.security.model import SecurityEvent


class SecurityEventView(Model):
    event_id: str
    kind: str
    card_id: str
    opened_at: Time
    detail: dict[str, Any]
    acted_at: Time | None
    closed_at: Time | None
    closed_by: str | None
    note: str | None

    @classmethod
    def of(cls, event: SecurityEvent) -> "SecurityEventView":
        return cls(**{**event.__dict__, "detail": dict(event.detail)})


class SecurityEventQuery(Model):
    state: Literal["open", "closed"] | None = None
    cursor: Id | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 20


class SecurityEventList(Model):
    events: list[SecurityEventView]
    next_cursor: str | None


class Closure(Model):
    note: Annotated[str, StringConstraints(min_length=1, max_length=500)]


class SecurityEvents(StaffHandler):
    @operation(
        "What holders objected to, newest first",
        query=SecurityEventQuery,
        reply=SecurityEventList,
        permission="security.events",
    )
    async def get(self, query: SecurityEventQuery) -> Ok:
        is_open = None if query.state is None else query.state == "open"
        page = await self.services.security.list(self.actor, is_open, query.cursor, query.limit)
        shown = [SecurityEventView.of(event) for event in page.items]
        return Ok(SecurityEventList(events=shown, next_cursor=page.next_cursor))


class SecurityEventClosure(StaffHandler):
    @operation(
        "Be done with a security event, and say what was found",
        body=Closure,
        reply=SecurityEventView,
        refuses=(Conflict,),
        permission="security.events",
        idempotent=True,
    )
    async def post(self, event_id: Id, body: Closure) -> Ok:
        event = await self.services.security.close(event_id, self.actor, body.note)
        return Ok(SecurityEventView.of(event))


ROUTES = [
    ("/staff/v1/security-events", SecurityEvents),
    ("/staff/v1/security-events/{event_id}/closure", SecurityEventClosure),
]
