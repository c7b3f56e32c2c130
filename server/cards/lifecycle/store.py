"""How a card's life is kept: in its own row in `cards`, each change one conditional update with its event."""

from datetime import datetime

from server.cards.lifecycle.transitions import Outcome
from server.cards.model import LIVE, Card, Holder, Status, Tie
from server.cards.preferences import Preferences
from server.cards.rows import CardRows, seat_of
from server.core.mongo import Collection, Document
from server.core.outbox import adding
from server.core.secrets import Sealer


class LifecycleStore:
    def __init__(self, cards: Collection, sealer: Sealer) -> None:
        self._collection = cards
        self._rows = CardRows(sealer)

    async def move(
        self,
        card: Card,
        outcome: Outcome,
        now: datetime,
        *,
        data: Document,
        request: str | None,
        new_id: str | None,
    ) -> bool:
        """The transition with its event; False when the card has moved on since `card` was read.  With
        `new_id` its code is another one, and the old one is known as retired."""
        change: Document = {
            "$set": {
                "status": outcome.state.status.value,
                "holds": sorted(outcome.state.holds),
                "is_live": outcome.state.status in LIVE,
                "moved_at": now,
                "last_request": request,
            },
            "$inc": {"moves": 1},
        }
        if outcome.event is not None:
            due, events = adding(now, (outcome.event, {"card_id": card.card_id, **data}))
            change["$set"] |= due
            change["$push"] = events
        if new_id is not None:
            change["$set"]["ehealth_card_id"] = new_id
            change.setdefault("$push", {})["retired_ids"] = card.ehealth_card_id
        if outcome.state.status is Status.CANCELLED:
            change["$set"] |= {"cancelled_at": now, "is_masked": False}
            change["$unset"] = {"pin": "", "preferences": ""}
        return await self._collection.update(_unmoved(card), change)

    async def set_preferences(self, card: Card, preferences: Preferences) -> bool:
        """False when the card has moved on, or lost the PIN the preferences stand on."""
        wanted = _unmoved(card)
        if preferences.static_needs_pin:
            wanted["pin"] = {"$exists": True}
        return await self._collection.update(wanted, {"$set": {"preferences": preferences.as_plain()}})

    async def untie(self, card: Card, tie: Tie) -> None:
        """Shows the card in the account no more, and frees the account's seat."""
        seat = {} if tie.seat is None else {"seats": seat_of(tie)}
        await self._collection.update(
            {"_id": card.card_id, "ties.account_id": tie.account_id},
            {"$pull": {"ties": {"account_id": tie.account_id}, **seat}},
        )

    async def list_cancelled(self, before: datetime, limit: int) -> list[Card]:
        """Cancelled before then, and not masked yet; the oldest first."""
        rows = await self._collection.find(
            {"is_masked": False, "cancelled_at": {"$lte": before}}, limit=limit, sort=[("cancelled_at", 1)]
        )
        return [self._rows.card(row) for row in rows]

    async def mask(self, card: Card, holder: Holder) -> None:
        """Keeps `holder` instead of what was kept; the card is found by its document no more."""
        sealed = self._rows.seal_holder(card.card_id, holder)
        await self._collection.update(
            {"_id": card.card_id, "is_masked": False},
            {"$set": {"holder": sealed, "is_masked": True}, "$unset": {"document_key": ""}},
        )


def _unmoved(card: Card) -> Document:
    """Matches the card as long as nobody has moved it since it was read."""
    return {"_id": card.card_id, "status": card.status.value, "moves": card.moves or None}
