"""Changing a visit: read, apply the rules, write if nobody else has, else again."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from server.core.clock import Clock
from server.core.errors import NotFound, Unavailable
from server.core.policies import Policies
from server.visits.guidance import GuidancePolicy
from server.visits.model import State, Task, Visit, Word, after, first_task
from server.visits.store import VisitStore

MAX_TRIES = 20


class Changing:
    def __init__(self, store: VisitStore, policies: Policies, clock: Clock) -> None:
        self._store = store
        self._policies = policies
        self._clock = clock

    async def begin(self, visit: Visit) -> Visit:
        """The new visit with its first task, as it is inserted."""
        policy = await self._policies.get(GuidancePolicy)
        begun = after(visit, Word("booked", visit.created_at), policy)
        await self._store.insert(begun, *_told(visit, begun))
        return begun

    async def happen(self, visit: Visit, word: Word, seen: str | None = None) -> Visit:
        """The visit once `word` has happened to it; told again under the same key, nothing happens twice."""
        policy = await self._policies.get(GuidancePolicy)
        for _ in range(MAX_TRIES):
            if seen is not None and await self._store.was_told(visit.visit_id, seen):
                return visit
            changed = after(visit, word, policy)
            if await self._store.change(visit, changed, self._clock.now(), *_told(visit, changed), seen=seen):
                return replace(changed, moves=visit.moves + 1)
            visit = await self._again(visit)
        raise _busy()

    async def check_in(self, visit: Visit, by: str, at: datetime) -> Visit:
        """Expected → checked in, once: whoever comes second finds it done."""
        policy = await self._policies.get(GuidancePolicy)
        for _ in range(MAX_TRIES):
            if visit.state is not State.EXPECTED:
                return visit
            changed = replace(
                after(visit, Word("checked_in", at), policy), checked_in_at=at, checked_in_by=by
            )
            event = ("visit.checked_in", {**visit.about, "by": by})
            if await self._store.change(visit, changed, at, event, *_told(visit, changed)):
                return replace(changed, moves=visit.moves + 1)
            visit = await self._again(visit)
        raise _busy()

    async def put(self, visit: Visit, **fields: Any) -> Visit:
        """An expected visit with other fields (its appointment moved, or is no more)."""
        for _ in range(MAX_TRIES):
            if visit.state is not State.EXPECTED:
                return visit
            if await self._store.change(visit, replace(visit, **fields), self._clock.now()):
                return replace(visit, **fields, moves=visit.moves + 1)
            visit = await self._again(visit)
        raise _busy()

    async def _again(self, visit: Visit) -> Visit:
        found = await self._store.find(visit.visit_id)
        if found is None:
            raise NotFound("visit.not_found", "there is no such visit")
        return found


def _told(before: Visit, changed: Visit) -> list[tuple[str, dict[str, Any]]]:
    """The events of a change: the next task, when one reads another than before, and the end."""
    events: list[tuple[str, dict[str, Any]]] = []
    first, known = first_task(changed), first_task(before)
    if first is not None and (known is None or _read(first) != _read(known)):
        events.append(("visit.next", {**changed.about, **_read(first)}))
    if changed.state is State.FINISHED and before.state is not State.FINISHED:
        events.append(("visit.finished", changed.about))
    return events


def _read(task: Task) -> dict[str, str | None]:
    return {"what": task.what, "title": task.title, "place": task.place}


def _busy() -> Unavailable:
    return Unavailable("visit.busy", "too much happens to this visit at once", retry_after_s=1)
