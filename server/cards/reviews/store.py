"""Claims that people look at: what the review desk reads and writes of `cards`."""

from datetime import datetime
from typing import Any

from server.cards.model import Card, Review, Status
from server.cards.proof import evidence_rows
from server.cards.rows import CardRows
from server.core.mongo import Collection, Document
from server.core.secrets import Sealer
from server.identity.model import Evidence


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

    async def await_person(
        self,
        card: Card,
        person_review_id: str,
        now: datetime,
        evidence: tuple[Evidence, ...],
        **more: Any,
    ) -> None:
        """Pending until staff have decided who the holder is; the worker and the review desk leave it alone.
        `more` is what the desk has decided about the claim itself."""
        review: Document = {"review.evidence": evidence_rows(evidence), **more}
        if card.review is None:
            review |= {"review.reasons": ["person"], "review.asked_at": now}
        await self._collection.update(
            {"_id": card.card_id, "status": Status.PENDING.value},
            {
                "$set": {"person_review_id": person_review_id, **review},
                "$unset": {"next_try_at": "", "waits_for_review": ""},
            },
        )

    async def find_awaiting_person(self, person_review_id: str) -> Card | None:
        row = await self._collection.find_one(
            {"person_review_id": person_review_id, "status": Status.PENDING.value}
        )
        return None if row is None else self._rows.card(row)

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
