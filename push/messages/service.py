"""Telling residents something, and the inbox they read it in (N3)."""

from collections.abc import Mapping, Sequence
from typing import Any

from push.messages.model import Message
from push.messages.store import MessageStore
from push.messages.telling import Teller, Told
from push.templates import MOVED_BY, SCENE_NAMES
from server.cards.service import CardService
from server.core.clock import Clock
from server.core.errors import NotFound
from server.core.outbox import Event
from server.core.pages import Page


class MessageService:
    def __init__(self, store: MessageStore, teller: Teller, cards: CardService, clock: Clock) -> None:
        self._store = store
        self._teller = teller
        self._cards = cards
        self._clock = clock

    async def list_of_account(self, account_id: str, cursor: str | None, limit: int) -> Page[Message]:
        return await self._store.list_of_account(account_id, cursor, limit)

    async def mark_read(self, account_id: str, message_id: str) -> None:
        if not await self._store.mark_read(account_id, message_id, self._clock.now()):
            raise NotFound("message.not_found", "there is no such message")

    # -- reactions to events; each may be called twice for one event
    async def tell_card_used(self, event: Event) -> None:
        """The receipt of a scan (V8): which terminal read the code, where, when, for what."""
        scene_name = SCENE_NAMES.get(event.data["scene"], event.data["scene"])
        data = {**event.data, "scene_name": scene_name, "verified_at": event.happened_at}
        await self._tell_holders(event, "card_used", data)

    async def tell_card_ready(self, event: Event) -> None:
        if event.data["was_pending"]:
            await self._tell_holders(event, "card_ready", event.data)

    async def tell_card_refused(self, event: Event) -> None:
        if event.data["was_pending"]:
            kinds = {"review": "card_refused_review", "held": "card_refused_held"}
            kind = kinds.get(event.data.get("reason", ""), "card_refused")
            await self._tell_holders(event, kind, event.data)

    async def tell_card_joined(self, event: Event) -> None:
        """A guardian's papers were found right: the guardian hears it, and so does whoever had the card."""
        guardian, joined_id = event.data["account_id"], event.data["joined_id"]
        data = {"card_id": joined_id}
        others = [one for one in await self._cards.list_accounts_of(joined_id) if one != guardian]
        await self._tell(event, "card_joined", data, [guardian])
        await self._tell(event, "card_shared", data, others)

    async def tell_card_consented(self, event: Event) -> None:
        await self._tell_holders(event, "card_consented", event.data)

    async def tell_card_reprinted(self, event: Event) -> None:
        """To whoever has the card: a print of its code is out, at this place."""
        await self._tell_holders(event, "card_reprinted", event.data)

    async def tell_card_taken_over(self, event: Event) -> None:
        """To the accounts that had the card of a child who now has it in an account of their own."""
        data = {"card_id": event.data["card_id"]}
        await self._tell(event, "card_taken_over", data, event.data["account_ids"])

    async def tell_card_moved(self, event: Event) -> None:
        """Frozen, lost, active again, reissued, cancelled; its PIN changed or locked: whoever has the card
        hears of it, so that nobody else does it unnoticed."""
        kind = event.name.replace("card.pin_", "pin_").replace(".", "_")
        who = MOVED_BY[event.data.get("by", "holder")]
        await self._tell_holders(event, kind, {**event.data, "who": who})

    async def _tell_holders(self, event: Event, kind: str, data: Mapping[str, Any]) -> None:
        await self._tell(event, kind, data, await self._cards.list_accounts_of(event.data["card_id"]))

    async def _tell(
        self, event: Event, kind: str, data: Mapping[str, Any], account_ids: Sequence[str]
    ) -> None:
        await self._teller.tell(Told(kind, event.event_id, account_ids, data, event.happened_at))
