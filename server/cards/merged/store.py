"""Whose a card is: what merges of persons change in `cards`."""

from server.core.mongo import Collection


class MergedCardStore:
    def __init__(self, cards: Collection) -> None:
        self._collection = cards

    async def move(self, card_id: str, person_id: str, to: str, merge_id: str) -> bool:
        """The live card is another person's from here on; Duplicate when that one has a live card."""
        return await self._collection.update(
            {"_id": card_id, "person_id": person_id, "is_live": True},
            {"$set": {"person_id": to}, "$push": {"moved_by": merge_id}},
        )

    async def move_back(self, person_id: str, merge_id: str) -> str | None:
        """The id of the card that this merge, perhaps the first of several, had taken from the person; None
        when it took none.  Duplicate when he has got a live card since."""
        row = await self._collection.find_and_update(
            {"moved_by": merge_id},
            [
                {
                    "$set": {
                        "person_id": person_id,
                        "moved_by": {"$slice": ["$moved_by", {"$indexOfArray": ["$moved_by", merge_id]}]},
                    }
                }
            ],
        )
        return None if row is None else str(row["_id"])
