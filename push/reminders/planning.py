"""Reactions to events: plan reminders, move them, end them.  Each may be called twice for one event."""

from collections.abc import Sequence

from push.reminders import rules
from push.reminders.model import Reminder, ReminderPolicy
from push.reminders.store import ReminderStore
from server.core.outbox import Event
from server.core.policies import Policies


class ReminderPlanner:
    def __init__(self, store: ReminderStore, policies: Policies) -> None:
        self._store = store
        self._policies = policies

    async def follow_held(self, event: Event) -> None:
        await self._plan(event.data["appointment_id"], event, rules.of_hold(event, await self._policy()))

    async def follow_booked(self, event: Event) -> None:
        """Confirmed or moved: what was planned before is for another state or another time.  One that moves
        while it is held goes back as before when nobody confirms it."""
        is_held = event.data.get("hold_expires_at") is not None
        wanted = (rules.of_hold if is_held else rules.of_visit)(event, await self._policy())
        await self._plan(event.data["appointment_id"], event, wanted)

    async def follow_over(self, event: Event) -> None:
        """Cancelled, released, checked in, missed, completed: nothing is left to remind of."""
        await self._plan(event.data["appointment_id"], event, [])

    async def follow_examination(self, event: Event) -> None:
        """Booked, or moved to another time: what is to be prepared is told when it is time for it."""
        await self._plan(rules.preparation_of(event), event, rules.of_examination(event))

    async def follow_medication(self, event: Event) -> None:
        """Planned, changed or ended."""
        await self._plan(event.data["plan_id"], event, rules.of_plan(event, await self._policy()))

    async def _policy(self) -> ReminderPolicy:
        return await self._policies.get(ReminderPolicy)

    async def _plan(self, subject: str, event: Event, reminders: Sequence[Reminder]) -> None:
        await self._store.end_before(subject, event)
        if reminders:
            await self._store.insert_each(reminders)
