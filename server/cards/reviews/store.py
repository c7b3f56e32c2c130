"""Claims that people look at: what the review desk reads and writes of `cards`."""

from datetime import datetime

from server.cards.model import Card, Review, Status
from server.cards.rows import CardRows
from server.core.mongo import Collection, Document
from server.core.secrets import Sealer


class ReviewStore:
    def __init__(self, cards: Collection, sealer: Sealer) -> None:
        self._collection = cards
        self._rows = CardRows(sealer)

    async def await_review(self, card: Card, review: Review) -> bool:
        """Pending for an outside source → pending for people: the worker leaves it alone from here on."""
        return await self._collection.update(
            {"_id": card.card_id, "status": Status.PENDING.value, "review": {"$exists": False}},
            {
                "$set": {
                    "review": {
                        "reasons": list(review.reasons),
                        "asked_at": review.asked_at,
                        "evidence": [dict(one) for one in review.evidence],
                    },
                    "waits_for_review": True,
                },
                "$unset": {"next_try_at": ""},
            },
        )

    async def list_waiting(self, cursor: str | None, limit: int) -> list[Card]:
        """The oldest first; `limit` + 1 of them, so that a page knows whether there is another."""
        wanted: Document = {"waits_for_review": True}
        if cursor is not None:
            wanted["_id"] = {"$gt": cursor}
        rows = await self._collection.find(wanted, limit=limit + 1, sort=[("_id", 1)])
        return [self._rows.card(row) for row in rows]

    def decision(self, card_id: str, decision: str, by: str, note: str, now: datetime) -> Document:
        """What a reviewer's decision adds to the change that carries it out."""
        return {
            "review.decision": decision,
            "review.decided_at": now,
            "review.decided_by": by,
            "review_note": self._rows.seal_note(card_id, note),
        }
