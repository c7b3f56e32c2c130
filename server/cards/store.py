"""How cards are kept: `cards`, the holder sealed, at most one live card for a document and for a person."""

from datetime import datetime
from typing import Any

from server.cards.family.store import MAX_CARDS_OF_ACCOUNT
from server.cards.model import LIVE, Card, Holder, Issue, Status
from server.cards.proof import evidence_rows
from server.cards.rows import CardRows, issue_row
from server.core.grouping import Group, attempt
from server.core.mongo import Collection, index
from server.core.outbox import OUTBOX_INDEXES, adding
from server.core.secrets import Sealer

# A card reprinted for years keeps the newest of who gave it out.
MAX_ISSUES = 20


class CardStore:
    # A city has millions of cards: unsharded, so several unique keys are possible.  Scans find a card by
    # `ehealth_card_id`, residents by the account.
    INDEXES = [
        index("ehealth_card_id", unique=True),
        index("document_key", unique=True, where={"is_live": True}),
        index("person_id", unique=True, where={"is_live": True, "person_id": {"$exists": True}}),
        # An account's places for family cards: whoever takes one that is taken takes another.
        index("seats", unique=True, where={"is_live": True, "seats.0": {"$exists": True}}),
        index("ties.account_id"),
        index("next_try_at", where={"status": Status.PENDING.value}),
        index("waits_for_review", "_id", where={"waits_for_review": True}),
        index("retired_ids", where={"retired_ids": {"$exists": True}}),
        index("cancelled_at", where={"is_masked": False}),
        index("moved_by", where={"moved_by.0": {"$exists": True}}),
        index("person_review_id", where={"person_review_id": {"$exists": True}}),
        *OUTBOX_INDEXES,
    ]

    def __init__(self, collection: Collection, sealer: Sealer) -> None:
        self._collection = collection
        self._rows = CardRows(sealer)
        self._by_id: Group[str, Card | None] = Group(self._find_many)

    async def insert(self, card: Card, document_key: str, next_try_at: datetime) -> None:
        """Duplicate when the document has a live card (key `document_key`) or the seat is taken (`seats`)."""
        row = {**self._rows.row(card), "document_key": document_key, "next_try_at": next_try_at}
        await self._collection.insert(row)

    async def find_live(self, document_key: str) -> Card | None:
        """The live card of the document, or the live claim of that key (`join_key`)."""
        row = await self._collection.find_one({"document_key": document_key, "is_live": True})
        return None if row is None else self._rows.card(row)

    async def find_live_of_person(self, person_id: str) -> Card | None:
        row = await self._collection.find_one({"person_id": person_id, "is_live": True})
        return None if row is None else self._rows.card(row)

    async def find_by_code(self, ehealth_card_id: str) -> Card | None:
        """By the id that its codes carry now."""
        row = await self._collection.find_one({"ehealth_card_id": ehealth_card_id})
        return None if row is None else self._rows.card(row)

    async def find(self, card_id: str) -> Card | None:
        """By id; requests that ask at the same time share one query."""
        return await self._by_id.ask(card_id)

    async def _find_many(self, card_ids: list[str]) -> list[Card | BaseException | None]:
        rows = await self._collection.find({"_id": {"$in": list(set(card_ids))}}, limit=len(card_ids))
        found = {row["_id"]: attempt(self._rows.card, row) for row in rows}
        return [found.get(card_id) for card_id in card_ids]

    async def list_of_account(self, account_id: str) -> list[Card]:
        """Without the claims that became one of the others."""
        rows = await self._collection.find(
            {"ties.account_id": account_id, "status": {"$ne": Status.JOINED.value}},
            limit=MAX_CARDS_OF_ACCOUNT,
            sort=[("_id", 1)],
        )
        return [self._rows.card(row) for row in rows]

    async def upgrade(self, card: Card, holder: Holder, document_key: str) -> bool:
        """Another document on the same card (a birth certificate's place is taken by the ID number)."""
        return await self._collection.update(
            {"_id": card.card_id, "is_live": True},
            {
                "$set": {
                    "document_key": document_key,
                    "holder": self._rows.seal_holder(card.card_id, holder),
                }
            },
        )

    async def note_issue(self, card_id: str, issue: Issue, institution: str, now: datetime) -> None:
        """An institution has given the card out once more, with the event that tells its holders."""
        data = {"card_id": card_id, "institution": institution, "place": issue.place}
        due, events = adding(now, ("card.reprinted", data))
        issues = {"$each": [issue_row(issue)], "$slice": -MAX_ISSUES}
        await self._collection.update({"_id": card_id}, {"$push": {"issues": issues, **events}, "$set": due})

    async def activate(self, card: Card, person_id: str, now: datetime, **more: Any) -> bool:
        """Pending → active, with its event; False when it was not pending any more.  Duplicate when the
        person has a live card."""
        return await self._decide(card, Status.ACTIVE, now, "card.activated", person_id=person_id, **more)

    async def refuse(self, card: Card, now: datetime, **more: Any) -> bool:
        """Pending → refused: the document is free for another claim."""
        return await self._decide(card, Status.REFUSED, now, "card.refused", **more)

    async def _decide(self, card: Card, status: Status, now: datetime, event: str, **more: Any) -> bool:
        data = {"card_id": card.card_id, "was_pending": card.attempts > 0 or card.review is not None}
        if status is Status.REFUSED:
            by_people = "review" if "review.decision" in more else "mismatch"
            data["reason"] = more.get("refused_because", by_people)
        due, events = adding(now, (event, data))
        return await self._collection.update(
            {"_id": card.card_id, "status": Status.PENDING.value},
            {
                "$set": {
                    "status": status.value,
                    "is_live": status in LIVE,
                    "decided_at": now,
                    **due,
                    **more,
                },
                "$push": events,
                "$unset": {"next_try_at": "", "waits_for_review": "", "proof_numbers": ""},
            },
        )

    async def claim_due(self, now: datetime, next_try_at: datetime) -> Card | None:
        """A pending card whose next try is due, taken for this caller until `next_try_at`."""
        row = await self._collection.find_and_update(
            {"status": Status.PENDING.value, "next_try_at": {"$lte": now}},
            {"$set": {"next_try_at": next_try_at}, "$inc": {"attempts": 1}},
            sort=[("next_try_at", 1)],
        )
        return None if row is None else self._rows.card(row)

    async def postpone(self, card: Card, until: datetime) -> None:
        """Pending, and the holder was told so: the worker goes on from here, with the evidence there is."""
        await self._collection.update(
            {"_id": card.card_id, "status": Status.PENDING.value},
            {
                "$set": {"next_try_at": until},
                "$max": {"attempts": 1},
                "$addToSet": {"proof.evidence": {"$each": evidence_rows(card.proof.evidence)}},
            },
        )

    async def count_for(self, card: Card, subjects: tuple[str, ...]) -> None:
        """While the card is pending, it counts among the tries of these too."""
        await self._collection.update(
            {"_id": card.card_id, "status": Status.PENDING.value},
            {"$addToSet": {"proof.subjects": {"$each": list(subjects)}}},
        )
