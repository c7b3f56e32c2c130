"""Merging and un-merging persons: nothing is lost, and two members of staff must agree (B1.6(1)).

The absorbed person keeps everything that is his and points to the survivor; whoever asks for him is led
there.  Un-merging takes the pointer away.  Both documents and the merge itself move in one transaction, so
there is no half-merged person, and of A→B and B→A at once one gives way.
"""

from typing import Any

from server.core.audit import Actor, Audit
from server.core.clock import Clock
from server.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from server.core.ids import new_id
from server.core.mongo import Duplicate, Transact, Transaction
from server.core.pages import Page
from server.identity.merges.model import PERSON_IS_MERGED, Merge, MergeState, Step
from server.identity.merges.store import MergeStore
from server.identity.store import PersonStore


class MergeService:
    def __init__(
        self, store: MergeStore, persons: PersonStore, transact: Transact, audit: Audit, clock: Clock
    ) -> None:
        self._store = store
        self._persons = persons
        self._transact = transact
        self._audit = audit
        self._clock = clock

    # -- by rule
    async def merge_by_rule(self, absorbed_id: str, survivor_id: str, because: dict[str, Any]) -> bool:
        """Two indexes that the matching rules take for one human being.  False when one of them is not live
        any more, or somebody has proposed otherwise: nothing happens then."""
        by = Actor("system", "matching")
        merge = self._merge(absorbed_id, survivor_id, MergeState.DONE, "approved", by, "", because)
        await self._audit.record(
            "persons.merge", by, "person", absorbed_id, survivor_id=survivor_id, because=because
        )

        async def work(within: Transaction) -> None:
            await self._store.insert(merge, within)
            await self._absorb(within, merge)

        try:
            await self._transact(work)
        except (Duplicate, Conflict):
            return False
        return True

    # -- by staff
    async def propose(
        self,
        absorbed_id: str,
        survivor_id: str,
        by: Actor,
        reason: str,
        because: dict[str, Any] | None = None,
    ) -> Merge:
        """Waits for the approval of somebody else.  NotFound `person.not_found`; InvalidInput
        `merge.same_person`; Conflict `merge.not_live`, `merge.open`."""
        if absorbed_id == survivor_id:
            raise InvalidInput("merge.same_person", "a person cannot be merged into himself")
        for person_id in (absorbed_id, survivor_id):
            person = await self._persons.find(person_id)
            if person is None:
                raise NotFound("person.not_found", "there is no such person")
            if not person.is_live:
                raise _not_live()
        merge = self._merge(
            absorbed_id, survivor_id, MergeState.PROPOSED, "proposed", by, reason, because or {}
        )
        await self._audit.record("merges.propose", by, "merge", merge.merge_id, **merge.event)
        try:
            await self._store.insert(merge)
        except Duplicate:
            raise Conflict("merge.open", "this person is being merged, or merged already") from None
        return merge

    async def approve(self, merge_id: str, by: Actor) -> Merge:
        """The merge is done.  Forbidden `merge.needs_another` for the one who proposed it; Conflict
        `merge.not_waiting`, `merge.not_live`."""
        merge = await self._waiting(merge_id, MergeState.PROPOSED)
        _require_another(merge.made_by("proposed"), by)
        await self._audit.record("merges.approve", by, "merge", merge_id, **merge.event)

        async def work(within: Transaction) -> None:
            await self._move(merge, MergeState.DONE, "approved", by, "", within)
            await self._absorb(within, merge)

        await self._transact(work)
        return await self.get(merge_id)

    async def refuse(self, merge_id: str, by: Actor, reason: str) -> Merge:
        """Nothing is merged.  He who proposed it may take it back so."""
        merge = await self._waiting(merge_id, MergeState.PROPOSED)
        await self._audit.record("merges.refuse", by, "merge", merge_id, **merge.event)
        await self._move(merge, MergeState.REFUSED, "refused", by, reason)
        return await self.get(merge_id)

    async def propose_reversal(self, merge_id: str, by: Actor, reason: str) -> Merge:
        """Conflict `merge.not_waiting` unless it is done."""
        merge = await self._waiting(merge_id, MergeState.DONE)
        await self._audit.record("merges.propose_reversal", by, "merge", merge_id, **merge.event)
        await self._move(merge, MergeState.REVERSAL_PROPOSED, "reversal_proposed", by, reason)
        return await self.get(merge_id)

    async def approve_reversal(self, merge_id: str, by: Actor) -> Merge:
        """The absorbed person is live again, with all that was his.  Forbidden `merge.needs_another`."""
        merge = await self._waiting(merge_id, MergeState.REVERSAL_PROPOSED)
        _require_another(merge.made_by("reversal_proposed"), by)
        await self._audit.record("merges.approve_reversal", by, "merge", merge_id, **merge.event)

        async def work(within: Transaction) -> None:
            await self._move(merge, MergeState.REVERSED, "reversal_approved", by, "", within)
            if not await self._persons.release(within, self._clock.now(), merge.absorbed_id, merge.event):
                raise _not_live()

        await self._transact(work)
        return await self.get(merge_id)

    async def refuse_reversal(self, merge_id: str, by: Actor, reason: str) -> Merge:
        """The merge stays done."""
        merge = await self._waiting(merge_id, MergeState.REVERSAL_PROPOSED)
        await self._audit.record("merges.refuse_reversal", by, "merge", merge_id, **merge.event)
        await self._move(merge, MergeState.DONE, "reversal_refused", by, reason)
        return await self.get(merge_id)

    # -- reading
    async def get(self, merge_id: str) -> Merge:
        """NotFound `merge.not_found`."""
        merge = await self._store.find(merge_id)
        if merge is None:
            raise NotFound("merge.not_found", "there is no such merge")
        return merge

    async def list_into(self, survivor_id: str) -> list[Merge]:
        """The merges by which others are this person now, in their order; the first 100."""
        return await self._store.list_into(survivor_id)

    async def find_done(self, absorbed_id: str) -> Merge | None:
        """The merge by which this person is another one now, if one is."""
        merge = await self._store.find_open(absorbed_id)
        return merge if merge is not None and merge.state in PERSON_IS_MERGED else None

    async def list_in(self, state: MergeState, cursor: str | None, limit: int) -> Page[Merge]:
        return await self._store.list_in(state, cursor, limit)

    # -- how
    def _merge(
        self,
        absorbed_id: str,
        survivor_id: str,
        state: MergeState,
        what: str,
        by: Actor,
        reason: str,
        because: dict[str, Any],
    ) -> Merge:
        now = self._clock.now()
        step = Step(what, by, now, reason)
        return Merge(new_id(now), absorbed_id, survivor_id, state, (step,), because)

    async def _waiting(self, merge_id: str, state: MergeState) -> Merge:
        merge = await self.get(merge_id)
        if merge.state is not state:
            raise _not_waiting(merge.state)
        return merge

    async def _move(
        self,
        merge: Merge,
        to: MergeState,
        what: str,
        by: Actor,
        reason: str,
        within: Transaction | None = None,
    ) -> None:
        step = Step(what, by, self._clock.now(), reason)
        if not await self._store.move(merge, to, step, within):
            raise _not_waiting(merge.state)

    async def _absorb(self, within: Transaction, merge: Merge) -> None:
        if not await self._persons.absorb(within, self._clock.now(), merge.absorbed_id, merge.event):
            raise _not_live()


def _require_another(maker: Actor | None, checker: Actor) -> None:
    """Two people: what one has proposed another decides."""
    if maker is None or maker.id == checker.id:
        raise Forbidden("merge.needs_another", "somebody else must approve what you have proposed")


def _not_live() -> Conflict:
    return Conflict("merge.not_live", "one of the two persons is merged already")


def _not_waiting(state: MergeState) -> Conflict:
    return Conflict("merge.not_waiting", "the merge is not in a state for this", state=state.value)
