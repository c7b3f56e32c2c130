"""Security events: opened by the platform, looked at and closed by people."""

from collections.abc import Mapping
from typing import Any

from server.core.audit import Actor, Audit
from server.core.clock import Clock
from server.core.errors import Conflict, NotFound
from server.core.pages import Page
from server.security.model import SecurityEvent
from server.security.store import SecurityStore


class SecurityService:
    def __init__(self, store: SecurityStore, audit: Audit, clock: Clock) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock

    async def open(
        self, event_id: str, kind: str, card_id: str, by: Actor, detail: Mapping[str, Any]
    ) -> SecurityEvent:
        """The event, made now or before: the id is its cause's, so one cause opens one event."""
        found = await self._store.find(event_id)
        if found is not None:
            return found
        event = SecurityEvent(event_id, kind, card_id, self._clock.now(), detail)
        await self._audit.record("security.open", by, "security_event", event_id, kind=kind, card_id=card_id)
        await self._store.insert_once(event)
        return await self._get(event_id)

    async def mark_acted(self, event_id: str) -> None:
        """What the platform does by itself is done."""
        await self._store.mark_acted(event_id, self._clock.now())

    async def list(
        self, by: Actor, is_open: bool | None, cursor: str | None, limit: int
    ) -> Page[SecurityEvent]:
        """Newest first; open ones, closed ones, or (None) all."""
        await self._audit.record("security.list", by, "security_event", "*")
        return await self._store.list(is_open, cursor, limit)

    async def close(self, event_id: str, by: Actor, note: str) -> SecurityEvent:
        """NotFound `security_event.not_found`; Conflict `security_event.closed`."""
        await self._get(event_id)
        await self._audit.record("security.close", by, "security_event", event_id)
        if not await self._store.close(event_id, by.id, note, self._clock.now()):
            raise Conflict("security_event.closed", "somebody was done with it before")
        return await self._get(event_id)

    async def _get(self, event_id: str) -> SecurityEvent:
        event = await self._store.find(event_id)
        if event is None:
            raise NotFound("security_event.not_found", "there is no such security event")
        return event
