"""Telling somebody something: into the inbox at once, and from there out of the house."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from push.deliveries.dispatcher import Deliveries
from push.kinds import ALWAYS_IN_INBOX, KINDS
from push.messages.model import Message
from push.messages.store import MessageStore
from push.preferences.service import PreferenceService
from push.templates import render
from server.core.ids import earliest_id
from server.core.mongo import Transaction


@dataclass(frozen=True)
class Told:
    """What is told.  `once` names it for ever: told again, the account reads it once."""

    kind: str
    once: str
    account_ids: Sequence[str]
    data: Mapping[str, Any]
    at: datetime


class Teller:
    def __init__(self, store: MessageStore, deliveries: Deliveries, preferences: PreferenceService) -> None:
        self._store = store
        self._deliveries = deliveries
        self._preferences = preferences

    async def tell(self, *told: Told) -> int:
        """How many messages there are now, from this time or from before; safe to repeat."""
        messages = await self.written(told)
        if messages:
            await self._store.insert_each(messages)
            await self._deliveries.begin(messages)
        return len(messages)

    async def tell_within(self, messages: Sequence[Message], within: Transaction) -> None:
        """Messages that `written` has made, all or none, with what else the transaction does.  Duplicate when
        one is there already."""
        if messages:
            await self._store.insert_all(messages, within)
            await self._deliveries.begin(messages, within)

    async def written(self, told: Sequence[Told]) -> list[Message]:
        """The messages, for everybody who has not said that they want to hear nothing of the kind."""
        optional = {one for each in told for one in each.account_ids if _is_optional(each.kind)}
        chosen = await self._preferences.list_of_accounts(sorted(optional))
        messages = []
        for each in told:
            title, text = render(each.kind, each.data)
            group = KINDS[each.kind].group
            messages += [
                Message(_message_id(each, one), one, each.kind, title, text, dict(each.data), each.at)
                for one in each.account_ids
                if not _is_optional(each.kind) or chosen[one].where_of(group) != "nowhere"
            ]
        return messages


def _is_optional(kind: str) -> bool:
    return KINDS[kind].group not in ALWAYS_IN_INBOX


def _message_id(told: Told, account_id: str) -> str:
    """The same for the same news and account, so telling twice stores once; sorts by its time."""
    tail = hashlib.sha256(f"{told.once}|{account_id}".encode()).digest()
    letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    return earliest_id(told.at)[:10] + "".join(letters[byte & 31] for byte in tail[:16])
