"""How it is kept what a hospital has sent: `hospital_messages`, without a word of what was said; and who was
the first to tell what two may tell."""

from dataclasses import dataclass
from datetime import datetime

from server.core.mongo import Collection, Duplicate, index

KEPT_S = 90 * 86_400


@dataclass(frozen=True)
class Noted:
    message_id: str
    at: datetime


class HospitalMessageStore:
    # Shard key: the id; rows are read by it alone.
    INDEXES = [index("at", expire_after_s=KEPT_S)]

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def note(self, message_id: str, app_id: str, kind: str, card_id: str, now: datetime) -> Noted:
        """The sending, with the time it had the first time: what is told of it bears the same ids then."""
        row = {"_id": message_id, "app_id": app_id, "kind": kind, "card_id": card_id, "at": now}
        try:
            await self._collection.insert(row)
            return Noted(message_id, now)
        except Duplicate:
            found = await self._collection.find_one({"_id": message_id}, {"at": 1})
        return Noted(message_id, now if found is None else found["at"])

    async def is_first(self, news: str, teller: str, now: datetime) -> bool:
        """Whether `teller` is the one who tells this news: the first who asks, and the same one again."""
        try:
            await self._collection.insert({"_id": f"news|{news}", "teller": teller, "at": now})
            return True
        except Duplicate:
            found = await self._collection.find_one({"_id": f"news|{news}", "teller": teller}, {"_id": 1})
        return found is not None
