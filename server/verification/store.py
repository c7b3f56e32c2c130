"""How uses of a card are kept: `usages`, one row for each, which is burnt code, usage event and audit entry.

A row is stored by one grouped insert; the unique `use_key` makes a dynamic code single for ever.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from server.cards.model import Holder
from server.core.audit import IN_CHAIN
from server.core.grouping import Group, attempt
from server.core.mongo import Collection, Document, index
from server.core.outbox import OUTBOX_INDEXES
from server.core.secrets import Sealer
from server.usage.journal import UsageJournal
from server.usage.keys import made_after, made_of
from server.verification.model import CardSeen

SEEN = {
    "ehealth_card_id": 1,
    "status": 1,
    "person_id": 1,
    "holder": 1,
    "preferences.static_allowed": 1,
    "preferences.static_needs_pin": 1,
    "pin.set_at": 1,
}
MAX_NEWER = 1000
Look = tuple[str, int | None]
"""The id of a code's card; for a dynamic one also when it was made."""


class UsageStore:
    # The shard key is `use_key` itself: it begins with 256 bits of chance, so uses spread over the shards,
    # and the unique index contains it.  Its order (card, time made) answers "the newest accepted code" too.
    INDEXES = [index("use_key", unique=True), IN_CHAIN, *OUTBOX_INDEXES]

    def __init__(self, usages: Collection, cards: Collection, journal: UsageJournal, sealer: Sealer) -> None:
        self._usages = usages
        self._cards = cards
        self._journal = journal
        self._sealer = sealer
        self._seen: Group[Look, CardSeen | None] = Group(self._see, lanes=2)

    async def see(self, ehealth_card_id: str, made_at_s: int | None = None) -> CardSeen | None:
        """The card as a scan needs it, and whether a dynamic code of it that was made after `made_at_s` has
        been accepted; scans that ask at the same time share two commands.

        Only for a code that is live: what may have been accepted since is little then."""
        return await self._seen.ask((ehealth_card_id, made_at_s))

    async def _see(self, looks: list[Look]) -> list[CardSeen | BaseException | None]:
        rows, newest = await asyncio.gather(
            self._cards.find(
                {"ehealth_card_id": {"$in": list({card for card, _ in looks})}},
                limit=len(looks),
                projection=SEEN,
            ),
            self._newest([(card, made_at_s) for card, made_at_s in looks if made_at_s is not None]),
        )
        found = {row["ehealth_card_id"]: row for row in rows}

        def seen(look: Look) -> CardSeen | None:
            card, made_at_s = look
            if card not in found:
                return None
            return self._card(found[card], is_superseded=made_at_s is not None and newest[card] > made_at_s)

        return [attempt(seen, look) for look in looks]

    async def _newest(self, codes: Sequence[tuple[str, int]]) -> dict[str, int]:
        """For each card when the newest accepted code was made, or a time no later than those asked about.

        One range of the unique index for each card.  A lookup joined to the cards would be one command less
        and costs the database six times as much."""
        newest: dict[str, int] = {}
        for card, made_at_s in codes:
            newest[card] = min(made_at_s, newest.get(card, made_at_s))
        if not newest:
            return newest
        ranges = [made_after(card, made_at_s) for card, made_at_s in newest.items()]
        one = len(ranges) == 1  # the last of its keys is enough
        rows = await self._usages.find(
            {"$or": [{"use_key": {"$gte": start, "$lt": end}} for start, end in ranges]},
            limit=1 if one else MAX_NEWER,
            sort=[("use_key", -1)] if one else [],
            projection={"use_key": 1, "_id": 0},
            hint="use_key_1",
        )
        if len(rows) == MAX_NEWER:  # cut off: each card by itself
            apart = await asyncio.gather(*(self._newest([code]) for code in newest.items()))
            return {card: made_at_s for each in apart for card, made_at_s in each.items()}
        for row in rows:
            card, made_at_s = made_of(row["use_key"])
            newest[card] = max(made_at_s, newest[card])
        return newest

    async def see_retired(self, ehealth_card_id: str) -> CardSeen | None:
        """The card that had this id before it was reissued; asked only when no card has it now."""
        row = await self._cards.find_one({"retired_ids": ehealth_card_id}, SEEN)
        return None if row is None else replace(self._card(row), is_retired=True)

    def _card(self, row: Mapping[str, Any], *, is_superseded: bool = False) -> CardSeen:
        preferences = row.get("preferences", {})
        return CardSeen(
            card_id=row["_id"],
            ehealth_card_id=row["ehealth_card_id"],
            status=row["status"],
            person_id=row.get("person_id"),
            holder=Holder.from_plain(self._sealer.unseal_json("cards", row["_id"], "holder", row["holder"])),
            is_superseded=is_superseded,
            has_pin="pin" in row,
            static_allowed=preferences.get("static_allowed", True),
            static_needs_pin=preferences.get("static_needs_pin", False),
        )

    async def insert(self, usage: Document) -> None:
        """Duplicate when this code was used before."""
        await self._journal.append(usage)

    async def was_used_at(self, institution_id: str, ehealth_card_id: str, since: datetime) -> bool:
        """Whether the institution, one of our own, has had a code of the card accepted since then."""
        # Between "!" and ";" lie its uses: static, approved (*) and dynamic ones, and nothing else.
        wanted: Document = {
            "use_key": {"$gte": f"{ehealth_card_id}!", "$lt": f"{ehealth_card_id};"},
            "institution_id": institution_id,
            "via": None,  # another centre's institution may have the same id
            "at": {"$gte": since},
        }
        return await self._usages.find_one(wanted, {"_id": 1}) is not None

    async def find_by_use(self, key: str) -> Document | None:
        return await self._usages.find_one({"use_key": key})

    async def find(self, verification_id: str) -> Document | None:
        return await self._usages.find_one({"_id": verification_id})
