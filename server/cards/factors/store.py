"""How factors are kept: the PIN in its card's row, the codes that were sent in `factor_codes`."""

from datetime import datetime
from typing import Any

from server.cards.factors.pins import LOCKS_S, TRIES
from server.cards.model import Card
from server.core.mongo import Collection, Document, index
from server.core.outbox import adding
from server.core.secrets import Sealer


class FactorStore:
    # Lives five minutes; unsharded.
    INDEXES = [index("expires_at", expire_after_s=0)]

    def __init__(self, cards: Collection, codes: Collection, sealer: Sealer) -> None:
        self._cards = cards
        self._codes = codes
        self._sealer = sealer

    # -- the PIN
    async def set_pin(self, card: Card, digest: str, now: datetime) -> None:
        """A new PIN, with no try used and no lock, and its event."""
        sealed = self._sealer.seal("cards", card.card_id, "pin", digest)
        pin = {"digest": sealed, "set_at": now, "wrong": 0, "locks": 0, "locked_until": None}
        due, events = adding(now, ("card.pin_changed", {"card_id": card.card_id, "is_set": True}))
        await self._cards.update(
            {"_id": card.card_id, "is_live": True}, {"$set": {"pin": pin, **due}, "$push": events}
        )

    async def remove_pin(self, card: Card, now: datetime) -> None:
        """What stood on the PIN goes with it."""
        due, events = adding(now, ("card.pin_changed", {"card_id": card.card_id, "is_set": False}))
        stood_on_it = {"preferences.static_needs_pin": False} if card.preferences.static_needs_pin else {}
        await self._cards.update(
            {"_id": card.card_id, "pin": {"$exists": True}},
            {"$set": {**due, **stood_on_it}, "$unset": {"pin": ""}, "$push": events},
        )

    async def take_try(self, card_id: str, now: datetime) -> Document | None:
        """The PIN's row (its digest opened) with one try taken out of it; None when there is no PIN or it is
        locked.  The fifth try locks as it is taken, before anybody knows whether it is right: tries made at
        the same moment cannot outrun it, and a crash leaves nothing open."""
        is_over = {"$ne": ["$pin.locked_until", None]}
        wrong: dict[str, Any] = {"$cond": [is_over, 1, {"$add": ["$pin.wrong", 1]}]}
        longest = len(LOCKS_S) - 1
        lock_ms = {
            "$arrayElemAt": [[s * 1000 for s in LOCKS_S], {"$min": ["$pin.locks", longest]}],
        }
        is_last = {"$gte": ["$pin.wrong", TRIES]}
        row = await self._cards.find_and_update(
            {
                "_id": card_id,
                "pin": {"$exists": True},
                "$or": [{"pin.locked_until": None}, {"pin.locked_until": {"$lte": now}}],
            },
            [
                {"$set": {"pin.wrong": wrong, "pin.locked_until": None}},
                {"$set": {"pin.locked_until": {"$cond": [is_last, {"$add": [now, lock_ms]}, None]}}},
                {"$set": {"pin.locks": {"$add": ["$pin.locks", {"$cond": [is_last, 1, 0]}]}}},
            ],
        )
        if row is None:
            return None
        pin: Document = row["pin"]
        return {**pin, "digest": self._sealer.unseal("cards", card_id, "pin", pin["digest"])}

    async def locked_until(self, card_id: str) -> datetime | None:
        row = await self._cards.find_one({"_id": card_id}, {"pin.locked_until": 1})
        found: datetime | None = (row or {}).get("pin", {}).get("locked_until")
        return found

    async def forgive(self, card_id: str, set_at: datetime) -> None:
        """It was right: no try is used and the next lock is short again."""
        await self._cards.update(
            {"_id": card_id, "pin.set_at": set_at},
            {"$set": {"pin.wrong": 0, "pin.locks": 0, "pin.locked_until": None}},
        )

    async def tell_locked(self, card_id: str, locked_until: datetime, now: datetime) -> None:
        due, events = adding(now, ("card.pin_locked", {"card_id": card_id}))
        await self._cards.update(
            {"_id": card_id, "pin.locked_until": locked_until}, {"$set": due, "$push": events}
        )

    # -- codes sent to the card's phone
    async def insert_code(
        self, request_id: str, card_id: str, digest: str, tries: int, expires_at: datetime
    ) -> None:
        await self._codes.insert(
            {
                "_id": request_id,
                "card_id": card_id,
                "digest": digest,
                "tries_left": tries,
                "expires_at": expires_at,
            }
        )

    async def guess_code(self, request_id: str, card_id: str, now: datetime) -> Document | None:
        """The live code with one guess taken from it; None when there is none or it is guessed out."""
        return await self._codes.find_and_update(
            {"_id": request_id, "card_id": card_id, "expires_at": {"$gt": now}, "tries_left": {"$gt": 0}},
            {"$inc": {"tries_left": -1}},
        )

    async def burn_code(self, request_id: str) -> bool:
        """True for the one caller that used it."""
        return await self._codes.delete({"_id": request_id}) == 1
