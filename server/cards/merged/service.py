"""Cards follow their persons (B1.6(1)): for one person has one card.

The absorbed person's card moves to the survivor who has none; else it is held until the merge is undone, or
until another undone merge takes the survivor's away.  Each is called for an event, perhaps twice.
"""

from server.cards.lifecycle.service import LifecycleService
from server.cards.lifecycle.transitions import merges_of
from server.cards.merged.store import MergedCardStore
from server.cards.store import CardStore
from server.core.audit import Actor, Audit
from server.core.mongo import Duplicate
from server.core.outbox import Event
from server.identity.merges.model import Merge
from server.identity.merges.service import MergeService

MAX_DEPTH = 20
BY = Actor("system", "merging")


class MergedCards:
    def __init__(
        self,
        cards: CardStore,
        store: MergedCardStore,
        lifecycle: LifecycleService,
        merges: MergeService,
        audit: Audit,
    ) -> None:
        self._cards = cards
        self._store = store
        self._lifecycle = lifecycle
        self._merges = merges
        self._audit = audit

    async def follow_merge(self, event: Event) -> None:
        """The reaction to person.merged."""
        await self._follow(event.data["merge_id"], event.data["absorbed_id"], event.data["survivor_id"])

    async def follow_unmerge(self, event: Event) -> None:
        """The reaction to person.unmerged.  He who claimed another card after the merge keeps that one: the
        old one stays with the survivor."""
        merge_id, absorbed_id = event.data["merge_id"], event.data["absorbed_id"]
        await self._audit.record("cards.follow_unmerge", BY, "person", absorbed_id, merge_id=merge_id)
        try:
            await self._store.move_back(absorbed_id, merge_id)
        except Duplicate:
            return
        # Held for this merge; or for a later one of the survivor, while the card was with him.
        card = await self._cards.find_live_of_person(absorbed_id)
        for held_for in [] if card is None else merges_of(card.holds):
            await self._lifecycle.release_from_merge(absorbed_id, held_for, BY)
        await self._follow_again(event.data["survivor_id"])

    async def _follow(self, merge_id: str, absorbed_id: str, survivor_id: str) -> None:
        card = await self._cards.find_live_of_person(absorbed_id)
        if card is None:
            return
        await self._audit.record("cards.follow_merge", BY, "card", card.card_id, merge_id=merge_id)
        try:
            await self._store.move(card.card_id, absorbed_id, survivor_id, merge_id)
        except Duplicate:
            await self._lifecycle.hold_for_merge(absorbed_id, merge_id, BY)

    async def _follow_again(self, survivor_id: str) -> None:
        """A card has left the survivor: one that is held takes its place, with him or with whoever he is now.
        Only when all have found their places are those let go that have moved: no two are in use."""
        followed: list[tuple[Merge, list[str]]] = []
        for _ in range(MAX_DEPTH):
            for _, path in followed:
                path.append(survivor_id)
            for merge in await self._merges.list_into(survivor_id):
                await self._follow(merge.merge_id, merge.absorbed_id, survivor_id)
                followed.append((merge, [survivor_id]))
            above = await self._merges.find_done(survivor_id)
            if above is None:
                break
            survivor_id = above.survivor_id
        for merge, path in followed:
            for person_id in path:
                await self._lifecycle.release_from_merge(person_id, merge.merge_id, BY)
