"""How papers are kept: `attachments`, each picture sealed, with the day it goes."""

import base64
from collections.abc import Sequence
from datetime import datetime

from server.cards.attachments.model import Attachment
from server.cards.attachments.pictures import Picture
from server.core.mongo import Collection, Document, index
from server.core.secrets import Sealer

SHOWN = {"picture": 0}


class AttachmentStore:
    # Shard key: the id.  Rows live weeks; nobody lists those of an account.
    INDEXES = [index("delete_at"), index("card_id", where={"card_id": {"$exists": True}})]

    def __init__(self, collection: Collection, sealer: Sealer) -> None:
        self._collection = collection
        self._sealer = sealer

    def sealed(self, attachment_id: str, picture: Picture) -> bytes:
        """Milliseconds of work for a large one: call it in a thread."""
        text = base64.b64encode(picture.content).decode()
        return self._sealer.seal("attachments", attachment_id, "picture", text)

    async def insert(self, attachment: Attachment, sealed: bytes, delete_at: datetime) -> None:
        await self._collection.insert(
            {
                "_id": attachment.attachment_id,
                "account_id": attachment.account_id,
                "media_type": attachment.media_type,
                "bytes": attachment.size_bytes,
                "picture": sealed,
                "delete_at": delete_at,
            }
        )

    async def find(self, attachment_id: str) -> tuple[Attachment, bytes] | None:
        """The attachment and its sealed picture."""
        row = await self._collection.find_one({"_id": attachment_id})
        return None if row is None else (_attachment(row), row["picture"])

    def opened(self, attachment_id: str, sealed: bytes) -> bytes:
        return base64.b64decode(self._sealer.unseal("attachments", attachment_id, "picture", sealed))

    async def attach(self, attachment_id: str, account_id: str, card_id: str, delete_at: datetime) -> bool:
        """False when it is not the account's, or goes with another claim already."""
        return await self._collection.update(
            {"_id": attachment_id, "account_id": account_id, "card_id": {"$in": [None, card_id]}},
            {"$set": {"card_id": card_id, "delete_at": delete_at}},
        )

    async def delete_later(self, card_id: str, delete_at: datetime) -> None:
        """Those of a decided claim go then, or earlier."""
        await self._collection.update_all({"card_id": card_id}, {"$min": {"delete_at": delete_at}})

    async def list_due(self, now: datetime, limit: int) -> Sequence[Attachment]:
        rows = await self._collection.find(
            {"delete_at": {"$lte": now}}, limit=limit, sort=[("delete_at", 1)], projection=SHOWN
        )
        return [_attachment(row) for row in rows]

    async def delete(self, attachment_id: str, now: datetime) -> None:
        await self._collection.delete({"_id": attachment_id, "delete_at": {"$lte": now}})


def _attachment(row: Document) -> Attachment:
    return Attachment(row["_id"], row["account_id"], row["media_type"], row["bytes"], row.get("card_id"))
