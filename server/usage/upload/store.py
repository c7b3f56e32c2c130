"""What waits for the next level, a mark in the row of the use; whose turn it is to send: `usage_uploads`."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from server.core.ids import earliest_id
from server.core.mongo import Collection, Document, Duplicate, index

UPPER = "upper_centre"
DUE: Document = {"upload.due": True}
CHUNK = 1000


class UploadStore:
    # Empty but for what waits: the mark goes when the use was taken.
    USAGE_INDEXES = [
        index("upload.due", "_id", where=DUE),
        index("upload.refused", where={"upload.refused": {"$exists": True}}),
    ]

    def __init__(self, usages: Collection, uploads: Collection) -> None:
        self._usages = usages
        self._uploads = uploads

    # -- whose turn it is
    async def claim(self, now: datetime, until: datetime) -> int | None:
        """The fence of this turn, greater than of any before; None while it is another's turn."""
        try:
            row = await self._uploads.find_and_update(
                {"_id": UPPER, "lease_until": {"$lte": now}},
                {"$set": {"lease_until": until}, "$inc": {"fence": 1}},
                upsert=True,
            )
        except Duplicate:
            return None
        return None if row is None else int(row["fence"])

    async def hold(self, fence: int, until: datetime, sent: int, last_id: str, at: datetime) -> bool:
        """The turn goes on, `last_id` is the last use that was taken; False when it was another's before."""
        taken = {"lease_until": until, "failures": 0, "last_id": last_id, "sent_at": at}
        return await self._uploads.update(
            {"_id": UPPER, "fence": fence}, {"$set": taken, "$inc": {"sent": sent}}
        )

    async def release(self, fence: int, now: datetime) -> None:
        await self._uploads.update({"_id": UPPER, "fence": fence}, {"$set": {"lease_until": now}})

    async def fail(self, fence: int, reason: str, at: datetime) -> int:
        """How often in a row it failed."""
        last = {"failed_at": at, "failed_because": reason}
        row = await self._uploads.find_and_update(
            {"_id": UPPER, "fence": fence}, {"$inc": {"failures": 1}, "$set": last}
        )
        return 0 if row is None else int(row["failures"])

    async def progress(self) -> Document:
        """The row of who sends; empty before the first turn."""
        return await self._uploads.find_one({"_id": UPPER}) or {}

    # -- what waits
    async def list_due(self, limit: int) -> list[Document]:
        """The oldest uses that wait."""
        return await self._usages.find(DUE, limit=limit, sort=[("_id", 1)])

    async def settle(self, rows: Sequence[Document], refused: Mapping[str, str]) -> None:
        """All but the refused were taken; those stay, with the reason."""
        taken = [row["use_key"] for row in rows if row["_id"] not in refused]
        if taken:
            await self._usages.update_all({"use_key": {"$in": taken}}, {"$unset": {"upload": ""}})
        for row in rows:
            if row["_id"] in refused:
                reason = {"upload": {"refused": refused[row["_id"]]}}
                await self._usages.update({"use_key": row["use_key"]}, {"$set": reason})

    async def mark_since(self, since: datetime) -> int:
        """Lets every use of an institution that was stored since then wait again; how many there are."""
        after, marked = earliest_id(since), 0
        while True:
            rows = await self._usages.find(
                {"_id": {"$gt": after}, "institution_id": {"$ne": None}},
                limit=CHUNK,
                sort=[("_id", 1)],
                projection={"use_key": 1},
            )
            if not rows:
                return marked
            keys = [row["use_key"] for row in rows]
            await self._usages.update_all({"use_key": {"$in": keys}}, {"$set": {"upload": {"due": True}}})
            marked, after = marked + len(rows), rows[-1]["_id"]

    async def backlog(self) -> tuple[int, int]:
        """How many uses wait, and how many the next level will not take."""
        return (
            await self._usages.count(DUE),
            await self._usages.count({"upload.refused": {"$exists": True}}),
        )
