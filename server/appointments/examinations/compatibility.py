"""Whether an examination goes with what its person has booked, asked by every way to book one."""

from datetime import timedelta

from server.appointments.booking.model import Appointment, Place, State
from server.appointments.booking.store import AppointmentStore
from server.appointments.examinations.conflicts import Clash, Placed, conflicts
from server.appointments.examinations.knowledge import ExaminationPolicy
from server.appointments.examinations.model import plain
from server.core.clock import Clock
from server.core.errors import Conflict
from server.core.policies import Policies

MAX_BOOKED = 100
LOOKS_BACK = timedelta(days=90)
"""The longest interval of a rule."""
OVER = (State.RELEASED, State.CANCELLED, State.NO_SHOW)


class Compatibility:
    def __init__(self, store: AppointmentStore, policies: Policies, clock: Clock) -> None:
        self._store = store
        self._policies = policies
        self._clock = clock

    async def booked(self, card_id: str) -> list[Placed]:
        """The card's examinations, booked or done in the last ninety days."""
        now = self._clock.now()
        coming = await self._store.list_of_cards([card_id], now, is_past=False, limit=MAX_BOOKED)
        past = await self._store.list_of_cards([card_id], now, is_past=True, limit=MAX_BOOKED)
        return [
            placed(one.appointment_id, one.at)
            for one in (*coming, *past)
            if one.at.kind == "examination" and one.at.item is not None
            if one.state not in OVER and one.at.ends_at > now - LOOKS_BACK
        ]

    async def require_free(self, card_id: str, place: Place) -> None:
        """Conflict `examination.conflict` (detail.conflicts) when it does not go with what is booked."""
        if place.kind == "examination" and place.item is not None:
            await self._require_none(placed("new", place), await self.booked(card_id))

    async def require_first(self, one: Appointment) -> None:
        """Of two that were booked at once and do not go together the later made gives way; as above.

        Both were looked at before either was there.  Each looks again once it is there, so at least one of
        them sees the other, and by their ids they agree on who stays.
        """
        if one.at.kind == "examination" and one.at.item is not None and one.is_live:
            others = await self.booked(one.card_id)
            before = [other for other in others if other.ref < one.appointment_id]
            await self._require_none(placed(one.appointment_id, one.at), before)

    async def _require_none(self, new: Placed, booked: list[Placed]) -> None:
        known = await self._policies.get(ExaminationPolicy)
        found = [
            clash for clash in conflicts([new], booked, known) if _same_slot(clash, new, booked) is False
        ]
        if found:
            raise Conflict(
                "examination.conflict",
                "the examination does not go with others",
                conflicts=[plain(clash, known) for clash in found],
            )


def _same_slot(clash: Clash, new: Placed, booked: list[Placed]) -> bool:
    """Whether it is the very same examination at the very same time: a repeated request, not a clash."""
    return any(
        other.ref == clash.other_ref and (other.item, other.starts_at) == (new.item, new.starts_at)
        for other in booked
    )


def placed(ref: str, at: Place) -> Placed:
    assert at.item is not None, "an examination says what it is of"
    return Placed(ref, at.item, at.starts_at, at.ends_at)
