"""Saying of a receipt "this was not me" (V8): the card is frozen, a security event is opened."""

from dataclasses import dataclass

from push.messages.store import MessageStore
from server.cards.lifecycle.service import LifecycleService
from server.cards.lifecycle.transitions import Action
from server.cards.service import CardService
from server.core.audit import Actor
from server.core.clock import iso
from server.core.errors import Conflict, NotFound
from server.security.service import SecurityService


@dataclass(frozen=True)
class Objection:
    event_id: str
    card_id: str
    card_status: str


class ObjectionService:
    def __init__(
        self,
        store: MessageStore,
        cards: CardService,
        lifecycle: LifecycleService,
        security: SecurityService,
    ) -> None:
        self._store = store
        self._cards = cards
        self._lifecycle = lifecycle
        self._security = security

    async def object(self, account_id: str, message_id: str) -> Objection:
        """The security event, and what the card is now.  Asked again, nothing is done twice: a card that was
        reactivated since stays so.

        NotFound `message.not_found`, `card.not_found`; Conflict `message.not_a_receipt`.
        """
        message = await self._store.find(account_id, message_id)
        if message is None:
            raise NotFound("message.not_found", "there is no such message")
        if message.kind != "card_used":
            raise Conflict("message.not_a_receipt", "one can object to a receipt only")
        data = message.data
        card = await self._cards.get(account_id, data["card_id"])
        detail = {name: data[name] for name in ("institution", "place", "terminal_id", "scene")}
        event = await self._security.open(
            data["verification_id"],
            "objection",
            card.card_id,
            Actor("account", account_id),
            {**detail, "account_id": account_id, "verified_at": iso(data["verified_at"])},
        )
        if event.acted_at is None:
            try:
                card = await self._lifecycle.move(account_id, card.card_id, Action.FREEZE)
            except Conflict:
                card = await self._cards.get(account_id, card.card_id)  # it is stopped already
            await self._security.mark_acted(event.event_id)
        return Objection(event.event_id, card.card_id, card.status.value)
