"""What waits for the next level, and what it has: marks in the row of the use.  Whose turn it is to send, and
how many uses the next level has: `usage_uploads`."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from server.core.ids import earliest_id
from server.core.mongo import Collection, Document, Duplicate, Transaction, index

UPPER = "upper_centre"
DUE: Document = {"upload.due": True}
CHUNK = 1000


class UploadStore:
    # Empty but for what waits: `upload.due` goes when the use was taken.
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

    async def settle(
        self,
        fence: int,
        rows: Sequence[Document],
        refused: Mapping[str, str],
        until: datetime,
        at: datetime,
        within: Transaction,
    ) -> bool:
        """The next level has these rows, but for the refused, which stay with the reason; the turn goes on
        until then.  False when it was another's before.

        A use is counted when it is taken for the first time.  The count is another document than the rows, so
        both move together: whoever died in between would count it twice, or never.
        """
        usages, uploads = within.of(self._usages), within.of(self._uploads)
        taken = [row for row in rows if row["_id"] not in refused]
        new = sum(1 for row in taken if "sent" not in row["upload"])
        turn = {"lease_until": until, "failures": 0, "last_id": rows[-1]["_id"], "sent_at": at}
        change = {"$set": turn, "$inc": {"sent": new}}
        if not await uploads.update({"_id": UPPER, "fence": fence}, change):
            return False
        if taken:
            keys = [row["use_key"] for row in taken]
            await usages.update_all({"use_key": {"$in": keys}}, {"$set": {"upload": {"sent": True}}})
        for row in rows:
            if row["_id"] in refused:
                reason = {"$set": {"upload.refused": refused[row["_id"]]}, "$unset": {"upload.due": ""}}
                await usages.update({"use_key": row["use_key"]}, reason)
        return True

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
            again = {"$set": {"upload.due": True}, "$unset": {"upload.refused": ""}}
            await self._usages.update_all({"use_key": {"$in": keys}}, again)
            marked, after = marked + len(rows), rows[-1]["_id"]

    async def backlog(self) -> tuple[int, int]:
        """How many uses wait, and how many the next level will not take."""
        return (
            await self._usages.count(DUE),
            await self._usages.count({"upload.refused": {"$exists": True}}),
        )
