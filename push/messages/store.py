"""How messages are kept: `messages`."""

from datetime import datetime

from push.messages.model import Message
from server.core.mongo import Collection, Document, Duplicate, index
from server.core.pages import Page, page_of

# Two years: as long as the retention rule of medical service records asks for contact with patients.
KEPT_S = 2 * 365 * 86_400


class MessageStore:
    # Shard key: account_id, because a resident reads only their own.
    INDEXES = [index("account_id", ("_id", -1)), index("created_at", expire_after_s=KEPT_S)]

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def insert_once(self, message: Message) -> bool:
        """False when this message was stored before: whoever tells of an event may tell of it twice."""
        row: Document = dict(message.__dict__)
        row["_id"] = row.pop("message_id")
        try:
            await self._collection.insert(row)
            return True
        except Duplicate:
            return False

    async def list_of_account(self, account_id: str, cursor: str | None, limit: int) -> Page[Message]:
        """Newest first."""
        wanted: Document = {"account_id": account_id}
        if cursor is not None:
            wanted["_id"] = {"$lt": cursor}
        rows = await self._collection.find(wanted, limit=limit + 1, sort=[("_id", -1)])
        return page_of([_message(row) for row in rows], limit, lambda message: message.message_id)

    async def find(self, account_id: str, message_id: str) -> Message | None:
        row = await self._collection.find_one({"_id": message_id, "account_id": account_id})
        return None if row is None else _message(row)

    async def mark_read(self, account_id: str, message_id: str, now: datetime) -> bool:
        """False when the account has no such message; reading twice keeps the first time."""
        return await self._collection.update(
            {"_id": message_id, "account_id": account_id},
            [{"$set": {"read_at": {"$ifNull": ["$read_at", now]}}}],
        )


def _message(row: Document) -> Message:
    return Message(message_id=row.pop("_id"), **row)
