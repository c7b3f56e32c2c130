"""Taking a place: whoever asks while a batch is under way joins the next one.

A batch is one look at the taken seats and one insert of all rows.  The unique indexes decide: who is kept out
of a seat tries another one, until the slot is full.  A row is there or not, so a kill at any moment leaves no
half a booking.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from server.appointments.booking.model import Appointment, State
from server.appointments.booking.seats import free_seat, is_anybody_waiting, waiting_seat
from server.appointments.booking.store import LIMIT, SEAT, AppointmentStore, NewBooking
from server.appointments.fairness.model import Limit, take
from server.core.clock import Clock
from server.core.errors import Conflict, EhcError, Unavailable
from server.core.grouping import Group
from server.core.mongo import Duplicate

MAX_ROUNDS = 50


@dataclass
class Ask:
    """A booking that wants a seat.  `due_at`: when a worker goes on with it; `draw_at`: it waits for a draw
    then, and `wait_until`: what it does when others wait already."""

    wanted: Appointment
    capacity: int
    limits: Sequence[Limit]
    request: str | None
    due_at: datetime | None
    draw_at: datetime | None
    wait_until: datetime
    taken_places: set[str] = field(default_factory=set)
    answer: "Appointment | EhcError | None" = None

    @property
    def key(self) -> str:
        return self.wanted.at.slot_key


class Taking:
    def __init__(self, store: AppointmentStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._asks: Group[Ask, Appointment] = Group(self._take_all)

    async def take(self, ask: Ask) -> Appointment:
        """The booking, with its seat, stored; the one there is already when it answered the same request.

        Conflict `slot.full`, `appointment.exists` (detail.appointment_id), `booking.limit_reached`
        (detail.limit, detail.allowed).
        """
        return await self._asks.ask(ask)

    async def _take_all(self, asks: list[Ask]) -> Sequence[Appointment | BaseException]:
        for _ in range(MAX_ROUNDS):
            waiting = [ask for ask in asks if ask.answer is None]
            if not waiting:
                break
            await self._round(waiting)
        busy = Unavailable("server.busy", "too many want this slot at once", retry_after_s=1)
        return [busy if ask.answer is None else ask.answer for ask in asks]

    async def _round(self, asks: list[Ask]) -> None:
        taken = await self._store.taken_seats({ask.key for ask in asks})
        news: list[tuple[Ask, NewBooking]] = []
        kept: list[tuple[Ask, Conflict]] = []
        for ask in asks:
            new = self._choose(ask, taken.setdefault(ask.key, set()))
            if isinstance(new, Conflict):
                kept.append((ask, new))
            else:
                taken[ask.key].add(new.appointment.seat)
                news.append((ask, new))
        duplicates = await self._store.insert_each([new for _, new in news], self._clock.now())
        unsold: set[str] = set()
        refused: list[tuple[Ask, Duplicate | Conflict]] = []
        for (ask, new), duplicate in zip(news, duplicates, strict=True):
            if duplicate is None:
                ask.answer = new.appointment
            else:
                unsold.add(ask.key)
                refused.append((ask, duplicate))
        # A seat chosen for somebody who may not have it is free again: nobody is told "full" because of it.
        refused += [(ask, why) for ask, why in kept if why.code != "slot.full" or ask.key not in unsold]
        await asyncio.gather(*(self._consider(ask, why) for ask, why in refused))

    def _choose(self, ask: Ask, taken: set[int]) -> NewBooking | Conflict:
        """Its seat and its places of limits; or why there is none."""
        places = take(ask.limits, ask.taken_places)
        if isinstance(places, Limit):
            return Conflict(
                "booking.limit_reached",
                "as many bookings as the rules allow",
                limit=places.what,
                allowed=places.allowed,
            )
        draw_at = ask.draw_at or (ask.wait_until if is_anybody_waiting(taken) else None)
        if draw_at is not None:
            wanted = replace(ask.wanted, seat=waiting_seat(), state=State.HOLDING)
            return NewBooking(wanted, places, ask.request, draw_at)
        seat = free_seat(ask.capacity, taken)
        if seat is None:
            return Conflict("slot.full", "every place of the slot is taken")
        return NewBooking(replace(ask.wanted, seat=seat), places, ask.request, ask.due_at)

    async def _consider(self, ask: Ask, why: Duplicate | Conflict) -> None:
        """Another round for who was kept out, or the answer.  Who has a place here already may be the one who
        took the last: a request that is repeated after a crash gets the booking it made."""
        if isinstance(why, Duplicate) and why.key == SEAT:
            return
        if isinstance(why, Duplicate) and why.key == LIMIT:
            every = [place for limit in ask.limits for place in limit.places()]
            ask.taken_places = await self._store.taken_places(every)
            return
        found = await self._store.find_live(ask.key, ask.wanted.person_id)
        if found is None:
            ask.answer = why if isinstance(why, Conflict) else None  # None: it has just ended
        elif ask.request is not None and found[1] == ask.request:
            ask.answer = found[0]
        else:
            ask.answer = Conflict(
                "appointment.exists",
                "this person has a place in this slot",
                appointment_id=found[0].appointment_id,
            )
