"""Whether a reminder that is due is still wanted: asked of the noun it is about, in the moment it is sent."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from push.reminders.model import Reminder
from push.templates import drugs_shown
from server.appointments.booking.model import Appointment, State
from server.medications.model import Item

FindAppointment = Callable[[str], Awaitable[Appointment | None]]
DrugsDue = Callable[[str, datetime], Awaitable[list[Item]]]
Words = Mapping[str, Any]


class Wanted:
    def __init__(self, find_appointment: FindAppointment, drugs_due: DrugsDue) -> None:
        self._find_appointment = find_appointment
        self._drugs_due = drugs_due

    async def visit(self, one: Reminder) -> Words | None:
        """While the appointment stands, and at the time the reminder names."""
        return await self._stands(one, State.CONFIRMED)

    async def hold(self, one: Reminder) -> Words | None:
        """While nobody has confirmed it."""
        return await self._stands(one, State.HELD)

    async def examination(self, one: Reminder) -> Words | None:
        """While it is booked, and at that time."""
        return await self._stands(one, State.CONFIRMED)

    async def medication(self, one: Reminder) -> Words | None:
        """While something that is due then was not ticked."""
        items = await self._drugs_due(one.data["plan_id"], one.due_at)
        return (
            {"drugs": drugs_shown([(item.drug, item.dose, item.unit) for item in items])} if items else None
        )

    async def _stands(self, one: Reminder, state: State) -> Words | None:
        found = await self._find_appointment(one.data["appointment_id"])
        starts_at = datetime.fromisoformat(one.data["starts_at"])
        return {} if found is not None and (found.state, found.at.starts_at) == (state, starts_at) else None
