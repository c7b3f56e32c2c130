"""How reported uses are kept: in `usages`, beside those the platform saw itself."""

from collections.abc import Iterable, Sequence

from server.core.mongo import Collection, Document
from server.usage.journal import UsageJournal
from server.usage.model import UsedCard

WHOSE = {"person_id": 1, "ehealth_card_id": 1, "retired_ids": 1}


class ReportedUsageStore:
    """The indexes of `usages` are those of `verification.store`."""

    def __init__(self, usages: Collection, cards: Collection, journal: UsageJournal) -> None:
        self._usages = usages
        self._cards = cards
        self._journal = journal

    async def append(self, usage: Document) -> None:
        """Duplicate when the event was stored before."""
        await self._journal.append(usage)

    async def list_by_use(self, keys: Sequence[str]) -> dict[str, Document]:
        """use_key → row, of those that are stored."""
        if not keys:
            return {}
        rows = await self._usages.find({"use_key": {"$in": list(keys)}}, limit=len(keys))
        return {row["use_key"]: row for row in rows}

    # -- whose cards
    async def list_cards(self, card_ids: Iterable[str]) -> dict[str, UsedCard]:
        """card_id → card, of those that are somebody's."""
        return {row["_id"]: _card(row) for row in await self._find("_id", card_ids)}

    async def list_cards_of_persons(self, person_ids: Iterable[str]) -> dict[str, UsedCard]:
        """person_id → the live card."""
        rows = await self._find("person_id", person_ids, is_live=True)
        return {row["person_id"]: _card(row) for row in rows}

    async def list_cards_of_codes(self, ehealth_card_ids: Iterable[str]) -> dict[str, UsedCard]:
        """ehealth_card_id → card, also by the ids a card had before it was reissued."""
        wanted = set(ehealth_card_ids)
        found = {row["ehealth_card_id"]: _card(row) for row in await self._find("ehealth_card_id", wanted)}
        for row in await self._find("retired_ids", wanted - found.keys()):
            found |= dict.fromkeys(wanted.intersection(row["retired_ids"]), _card(row))
        return found

    async def _find(self, field: str, values: Iterable[str], **more: bool) -> list[Document]:
        wanted = sorted(set(values))
        if not wanted:
            return []
        rows = await self._cards.find({field: {"$in": wanted}, **more}, limit=len(wanted), projection=WHOSE)
        return [row for row in rows if row.get("person_id") is not None]


def _card(row: Document) -> UsedCard:
    return UsedCard(row["_id"], row["person_id"])
