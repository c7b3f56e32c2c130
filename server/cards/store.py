"""How cards are kept: `cards`, the holder sealed, at most one live card for a document and for a person."""

from datetime import datetime

from server.cards.model import LIVE, Card, Holder, Status, Tie
from server.core.grouping import Group, attempt
from server.core.mongo import Collection, Document, index
from server.core.outbox import OUTBOX_INDEXES, adding
from server.core.secrets import Sealer

MAX_CARDS_OF_ACCOUNT = 50


class CardStore:
    # A city has millions of cards: unsharded, so several unique keys are possible.  Scans find a card by
    # `ehealth_card_id`, residents by the account.
    INDEXES = [
        index("ehealth_card_id", unique=True),
        index("document_key", unique=True, where={"is_live": True}),
        index("person_id", unique=True, where={"is_live": True, "person_id": {"$exists": True}}),
        index("ties.account_id"),
        index("next_try_at", where={"status": Status.PENDING.value}),
        *OUTBOX_INDEXES,
    ]

    def __init__(self, collection: Collection, sealer: Sealer) -> None:
        self._collection = collection
        self._sealer = sealer
        self._by_id: Group[str, Card | None] = Group(self._find_many)

    async def insert(self, card: Card, document_key: str, next_try_at: datetime) -> None:
        """Duplicate when the document has a live card."""
        row: Document = {
            "_id": card.card_id,
            "ehealth_card_id": card.ehealth_card_id,
            "status": card.status.value,
            "is_live": card.status in LIVE,
            "document_key": document_key,
            "holder": self._sealer.seal_json("cards", card.card_id, "holder", card.holder.as_plain()),
            "ties": [_tie_row(tie) for tie in card.ties],
            "claimed_at": card.claimed_at,
            "attempts": 0,
            "next_try_at": next_try_at,
        }
        await self._collection.insert(row)

    async def find_live(self, document_key: str) -> Card | None:
        row = await self._collection.find_one({"document_key": document_key, "is_live": True})
        return None if row is None else self._card(row)

    async def find(self, card_id: str) -> Card | None:
        """By id; requests that ask at the same time share one query."""
        return await self._by_id.ask(card_id)

    async def _find_many(self, card_ids: list[str]) -> list[Card | BaseException | None]:
        rows = await self._collection.find({"_id": {"$in": list(set(card_ids))}}, limit=len(card_ids))
        found = {row["_id"]: attempt(self._card, row) for row in rows}
        return [found.get(card_id) for card_id in card_ids]

    async def list_of_account(self, account_id: str) -> list[Card]:
        rows = await self._collection.find(
            {"ties.account_id": account_id}, limit=MAX_CARDS_OF_ACCOUNT, sort=[("_id", 1)]
        )
        return [self._card(row) for row in rows]

    async def tie(self, card_id: str, tie: Tie) -> None:
        """Shows the card in one more account; nothing happens when it is there already."""
        await self._collection.update(
            {"_id": card_id, "ties.account_id": {"$ne": tie.account_id}},
            {"$push": {"ties": _tie_row(tie)}},
        )

    async def activate(self, card: Card, person_id: str, now: datetime) -> bool:
        """Pending → active, with its event; False when it was not pending any more."""
        return await self._decide(card, Status.ACTIVE, now, "card.activated", person_id=person_id)

    async def refuse(self, card: Card, now: datetime) -> bool:
        """Pending → refused: the document is free for another claim."""
        return await self._decide(card, Status.REFUSED, now, "card.refused")

    async def _decide(self, card: Card, status: Status, now: datetime, event: str, **more: str) -> bool:
        data = {"card_id": card.card_id, "was_pending": card.attempts > 0}
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
                "$unset": {"next_try_at": ""},
            },
        )

    async def claim_due(self, now: datetime, next_try_at: datetime) -> Card | None:
        """A pending card whose next try is due, taken for this caller until `next_try_at`."""
        row = await self._collection.find_and_update(
            {"status": Status.PENDING.value, "next_try_at": {"$lte": now}},
            {"$set": {"next_try_at": next_try_at}, "$inc": {"attempts": 1}},
            sort=[("next_try_at", 1)],
        )
        return None if row is None else self._card(row)

    async def postpone(self, card: Card, until: datetime) -> None:
        """Pending, and the holder was told so: the worker goes on from here."""
        await self._collection.update(
            {"_id": card.card_id, "status": Status.PENDING.value},
            {"$set": {"next_try_at": until}, "$max": {"attempts": 1}},
        )

    def _card(self, row: Document) -> Card:
        holder = self._sealer.unseal_json("cards", row["_id"], "holder", row["holder"])
        return Card(
            card_id=row["_id"],
            ehealth_card_id=row["ehealth_card_id"],
            status=Status(row["status"]),
            holder=Holder.from_plain(holder),
            person_id=row.get("person_id"),
            ties=tuple(Tie(**tie) for tie in row["ties"]),
            claimed_at=row["claimed_at"],
            attempts=row["attempts"],
        )


def _tie_row(tie: Tie) -> Document:
    return dict(tie.__dict__)
