"""How credits are kept: `message_credits`, one row for an account and a template.

`held` names the messages for which one was taken and whose outcome is not known yet, so that a try that is
repeated takes no second one, whoever died in between.
"""

from collections.abc import Sequence
from datetime import datetime

from push.credits.model import MAX_LEFT, Platform
from server.core.mongo import Collection, Document

MAX_HELD = 100


class CreditStore:
    # Read and written by its id, which begins with the account: that is the shard key.
    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def add(self, account_id: str, platform: Platform, template_id: str, now: datetime) -> int:
        """One more, up to the maximum; how many there are."""
        row = await self._collection.find_and_update(
            {"_id": _id(account_id, platform, template_id)},
            [
                {
                    "$set": {
                        "left": {"$min": [MAX_LEFT, {"$add": [{"$ifNull": ["$left", 0]}, 1]}]},
                        "held": {"$ifNull": ["$held", []]},
                        "changed_at": now,
                    }
                }
            ],
            upsert=True,
        )
        assert row is not None, "an upsert always gives a row"
        return int(row["left"])

    async def list_left(
        self, account_id: str, platform: Platform, template_ids: Sequence[str]
    ) -> dict[str, int]:
        ids = {_id(account_id, platform, template_id): template_id for template_id in template_ids}
        rows = await self._collection.find({"_id": {"$in": list(ids)}}, limit=max(1, len(ids)))
        return {ids[row["_id"]]: row["left"] for row in rows}

    async def take(self, account_id: str, platform: Platform, template_id: str, message_id: str) -> bool:
        """True when one is held for this message, from now or from before; False when none is left."""
        row_id = _id(account_id, platform, template_id)
        free: Document = {"_id": row_id, "left": {"$gt": 0}, "held": {"$ne": message_id}}
        held = {"$each": [message_id], "$slice": -MAX_HELD}
        if await self._collection.update(free, {"$inc": {"left": -1}, "$push": {"held": held}}):
            return True
        return bool(await self._collection.find_one({"_id": row_id, "held": message_id}, {"_id": 1}))

    async def settle(
        self, account_id: str, platform: Platform, template_id: str, message_id: str, *, gives_back: int
    ) -> None:
        """What became of it is known; nothing happens the second time."""
        await self._collection.update(
            {"_id": _id(account_id, platform, template_id), "held": message_id},
            {"$pull": {"held": message_id}, "$inc": {"left": gives_back}},
        )

    async def clear(self, account_id: str, platform: Platform, template_id: str, message_id: str) -> None:
        """The platform says there is none: it knows better."""
        await self._collection.update(
            {"_id": _id(account_id, platform, template_id)},
            {"$pull": {"held": message_id}, "$set": {"left": 0}},
        )


def _id(account_id: str, platform: str, template_id: str) -> str:
    return f"{account_id}|{platform}|{template_id}"
