"""How security events are kept: `security_events`."""

from datetime import datetime

from server.core.mongo import Collection, Document, Duplicate, index
from server.core.pages import Page, page_of
from server.core.secrets import Sealer
from server.security.model import SecurityEvent


class SecurityStore:
    # Some a day: unsharded.
    INDEXES = [index("is_open", ("_id", -1))]

    def __init__(self, collection: Collection, sealer: Sealer) -> None:
        self._collection = collection
        self._sealer = sealer

    async def insert_once(self, event: SecurityEvent) -> None:
        row: Document = {
            "_id": event.event_id,
            "kind": event.kind,
            "card_id": event.card_id,
            "opened_at": event.opened_at,
            "detail": dict(event.detail),
            "is_open": True,
        }
        try:
            await self._collection.insert(row)
        except Duplicate:
            return

    async def find(self, event_id: str) -> SecurityEvent | None:
        row = await self._collection.find_one({"_id": event_id})
        return None if row is None else self._event(row)

    async def mark_acted(self, event_id: str, now: datetime) -> None:
        await self._collection.update({"_id": event_id}, {"$set": {"acted_at": now}})

    async def close(self, event_id: str, by: str, note: str, now: datetime) -> bool:
        """False when it is not there or was closed before."""
        sealed = self._sealer.seal("security_events", event_id, "note", note)
        return await self._collection.update(
            {"_id": event_id, "is_open": True},
            {"$set": {"is_open": False, "closed_at": now, "closed_by": by, "note": sealed}},
        )

    async def list(self, is_open: bool | None, cursor: str | None, limit: int) -> Page[SecurityEvent]:
        """Newest first."""
        wanted: Document = {} if is_open is None else {"is_open": is_open}
        if cursor is not None:
            wanted["_id"] = {"$lt": cursor}
        rows = await self._collection.find(wanted, limit=limit + 1, sort=[("_id", -1)])
        return page_of([self._event(row) for row in rows], limit, lambda event: event.event_id)

    def _event(self, row: Document) -> SecurityEvent:
        note = row.get("note")
        return SecurityEvent(
            event_id=row["_id"],
            kind=row["kind"],
            card_id=row["card_id"],
            opened_at=row["opened_at"],
            detail=row["detail"],
            acted_at=row.get("acted_at"),
            closed_at=row.get("closed_at"),
            closed_by=row.get("closed_by"),
            note=None if note is None else self._sealer.unseal("security_events", row["_id"], "note", note),
        )
