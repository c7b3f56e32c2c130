"""A clinic that is stopped is told of once: in the hospital's words, or because the booking has ended.

Both come by themselves, in any order and perhaps twice: whoever is first tells, the other is silent.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

from push.messages.hospital_store import HospitalMessageStore
from server.core.clock import Clock

# What tells that there is no place any more, each in its own words.
BY_HOSPITAL = frozenset({"clinic_stopped"})
BY_BOOKING = frozenset({"visit_stopped", "visit_refused"})

FindBooking = Callable[[str, str, str | None, datetime], Awaitable[str | None]]
"""Institution, card, the hospital's number if it gave one, and when it begins → the booking that is meant."""


class Stops:
    def __init__(self, store: HospitalMessageStore, find_booking: FindBooking, clock: Clock) -> None:
        self._store = store
        self._find_booking = find_booking
        self._clock = clock

    async def is_news(self, appointment_id: str, teller: str) -> bool:
        """Whether `teller` is who tells that this booking is no more; asked again, the same answer."""
        return await self._store.is_first(f"stopped|{appointment_id}", teller, self._clock.now())

    async def is_news_by_hospital(
        self,
        teller: str,
        institution_id: str,
        card_id: str,
        registration_no: str | None,
        starts_at: datetime,
    ) -> bool:
        """The same of what a hospital says; always of what nobody has booked here."""
        found = await self._find_booking(institution_id, card_id, registration_no, starts_at)
        return found is None or await self.is_news(found, teller)
