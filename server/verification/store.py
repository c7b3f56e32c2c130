"""How uses of a card are kept: `usages`, one row for each, which is burnt code, usage event and audit entry.

A row is stored by one grouped insert; the unique `use_key` makes a dynamic code single for ever.
"""

from collections.abc import Mapping
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
from server.usage.keys import issued_at_of
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


class UsageStore:
    # The shard key is `use_key` itself: it begins with 256 bits of chance, so uses spread over the shards,
    # and the unique index contains it.  Its order (card, time made) answers "the newest accepted code" too.
    INDEXES = [index("use_key", unique=True), IN_CHAIN, *OUTBOX_INDEXES]

    def __init__(self, usages: Collection, cards: Collection, journal: UsageJournal, sealer: Sealer) -> None:
        self._usages = usages
        self._cards = cards
        self._journal = journal
        self._sealer = sealer
        self._seen: Group[str, CardSeen | None] = Group(self._see, lanes=2)

    async def see(self, ehealth_card_id: str) -> CardSeen | None:
        """The card as a scan needs it; scans that ask at the same time share one query."""
        return await self._seen.ask(ehealth_card_id)

    async def _see(self, ehealth_card_ids: list[str]) -> list[CardSeen | BaseException | None]:
        rows = await self._cards.aggregate(
            [
                {"$match": {"ehealth_card_id": {"$in": list(set(ehealth_card_ids))}}},
                {"$project": SEEN},
                {
                    "$lookup": {
                        "from": self._usages.name,
                        "let": {"c": "$ehealth_card_id"},
                        "pipeline": NEWEST,
                        "as": "newest",
                    }
                },
            ],
            limit=len(ehealth_card_ids),
        )
        found = {row["ehealth_card_id"]: attempt(self._card, row) for row in rows}
        return [found.get(ehealth_card_id) for ehealth_card_id in ehealth_card_ids]

    async def see_retired(self, ehealth_card_id: str) -> CardSeen | None:
        """The card that had this id before it was reissued; asked only when no card has it now."""
        row = await self._cards.find_one({"retired_ids": ehealth_card_id}, SEEN)
        return None if row is None else replace(self._card({**row, "newest": []}), is_retired=True)

    def _card(self, row: Mapping[str, Any]) -> CardSeen:
        newest, preferences = row["newest"], row.get("preferences", {})
        return CardSeen(
            card_id=row["_id"],
            ehealth_card_id=row["ehealth_card_id"],
            status=row["status"],
            person_id=row.get("person_id"),
            holder=Holder.from_plain(self._sealer.unseal_json("cards", row["_id"], "holder", row["holder"])),
            newest_issued_at_s=issued_at_of(newest[0]["use_key"]) if newest else None,
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


# Everything of the card between ":" and ";" (the next character) is a dynamic use of it.
NEWEST: list[Document] = [
    {
        "$match": {
            "$expr": {
                "$and": [
                    {"$gte": ["$use_key", {"$concat": ["$$c", ":"]}]},
                    {"$lt": ["$use_key", {"$concat": ["$$c", ";"]}]},
                ]
            }
        }
    },
    {"$sort": {"use_key": -1}},
    {"$limit": 1},
    {"$project": {"use_key": 1, "_id": 0}},
]
