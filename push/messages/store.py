"""How messages are kept: `messages`.  What tells of somebody's care is sealed."""

from collections.abc import Sequence
from datetime import datetime

from push.kinds import KINDS
from push.messages.model import Message
from server.core.grouping import attempt
from server.core.mongo import Collection, Document, Duplicate, Transaction, index
from server.core.pages import Page, page_of
from server.core.secrets import Sealer

# Two years: as long as the retention rule of medical service records asks for contact with patients.
KEPT_S = 2 * 365 * 86_400
SEALED = ("title", "text", "data")


class MessageStore:
    # Shard key: account_id, because a resident reads only their own.
    INDEXES = [index("account_id", ("_id", -1)), index("created_at", expire_after_s=KEPT_S)]

    def __init__(self, collection: Collection, sealer: Sealer) -> None:
        self._collection = collection
        self._sealer = sealer

    async def insert_each(self, messages: Sequence[Message]) -> list[bool]:
        """For each whether it is new: whoever tells of an event may tell of it twice."""
        if len(messages) == 1:
            try:
                await self._collection.insert(self._row(messages[0]))
                return [True]
            except Duplicate:
                return [False]
        kept_out = await self._collection.insert_each([self._row(message) for message in messages])
        return [duplicate is None for duplicate in kept_out]

    async def insert_all(self, messages: Sequence[Message], within: Transaction) -> None:
        """All of them or none, with what else the transaction does; Duplicate when one is there."""
        outcome = await within.of(self._collection).insert_each([self._row(message) for message in messages])
        for duplicate in outcome:
            if duplicate is not None:
                raise duplicate

    async def list_of_account(self, account_id: str, cursor: str | None, limit: int) -> Page[Message]:
        """Newest first."""
        wanted: Document = {"account_id": account_id}
        if cursor is not None:
            wanted["_id"] = {"$lt": cursor}
        rows = await self._collection.find(wanted, limit=limit + 1, sort=[("_id", -1)])
        return page_of([self._message(row) for row in rows], limit, lambda message: message.message_id)

    async def find(self, account_id: str, message_id: str) -> Message | None:
        row = await self._collection.find_one({"_id": message_id, "account_id": account_id})
        return None if row is None else self._message(row)

    async def find_many(self, message_ids: Sequence[str]) -> dict[str, Message | BaseException]:
        """By their ids, for who brings them out of the house; for one that cannot be opened, why."""
        rows = await self._collection.find(
            {"_id": {"$in": list(message_ids)}}, limit=max(1, len(message_ids))
        )
        return {row["_id"]: attempt(self._message, dict(row)) for row in rows}

    async def mark_read(self, account_id: str, message_id: str, now: datetime) -> bool:
        """False when the account has no such message; reading twice keeps the first time."""
        return await self._collection.update(
            {"_id": message_id, "account_id": account_id},
            [{"$set": {"read_at": {"$ifNull": ["$read_at", now]}}}],
        )

    def _row(self, message: Message) -> Document:
        row: Document = dict(message.__dict__)
        row["_id"] = message_id = row.pop("message_id")
        if KINDS[message.kind].is_private:
            content = {name: row.pop(name) for name in SEALED}
            row["content"] = self._sealer.seal_json("messages", message_id, "content", content)
        return row

    def _message(self, row: Document) -> Message:
        if "content" in row:
            row |= self._sealer.unseal_json("messages", row["_id"], "content", row.pop("content"))
        return Message(message_id=row.pop("_id"), **row)
