"""A visit begins with its appointment, is checked in by its resident, and shows the way (M4, M5)."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from server.cards.service import CardService
from server.core.clock import Clock, iso
from server.core.errors import Conflict, NotFound
from server.core.ids import new_id
from server.core.keys import Seals
from server.core.mongo import Duplicate
from server.core.outbox import Event
from server.core.policies import Policies
from server.gateways.his.model import QueueTicket
from server.visits.arrival import Arrival, Geofence, Place, arrival
from server.visits.changing import Changing
from server.visits.desk_code import read_desk_text
from server.visits.model import State, Task, Visit, VisitPolicy, Word, meant_by_done, next_task
from server.visits.queues.asking import Heard, QueueAsking
from server.visits.queues.hospital import HospitalQueues
from server.visits.queues.model import Priority, Queue, QueuePolicy, Token, elderly
from server.visits.queues.service import Joiner, QueueService
from server.visits.store import VisitStore

LOOK_EVERY_S = 0.5
LONGEST_WAIT_S = 25


class Hospitals(Protocol):
    """What is known of an institution's own system; the noun that keeps it answers."""

    async def geofence(self, institution_id: str) -> Geofence | None: ...

    async def has_own_queue(self, institution_id: str) -> bool: ...

    async def check_in(self, institution_id: str, registration_no: str) -> QueueTicket | None:
        """A place in the hospital's own queue, the same one when asked twice; None when it gives none."""
        ...

    async def queue(self, institution_id: str, queue_id: str, token_no: str) -> QueueTicket | None:
        """How far a place in that queue is; None when the hospital does not know it."""
        ...


@dataclass(frozen=True)
class Shown:
    """A visit as its resident sees it now.  `heard`: when a hospital with a queue of its own last said so.
    `version` differs from one that was seen before when anything of this does, but for that moment."""

    visit: Visit
    token: Token | None
    ahead: int | None
    next: Task | None
    heard: Heard | None = None

    @property
    def version(self) -> str:
        token = "-" if self.token is None else f"{self.token.token_id[-6:]}{self.token.moves}"
        silent = ".S" if self.heard is not None and self.heard.is_silent else ""
        return f"{self.visit.moves}.{token}.{'-' if self.ahead is None else self.ahead}{silent}"


class VisitService:
    def __init__(
        self,
        store: VisitStore,
        changing: Changing,
        queues: QueueService,
        hospital_queues: HospitalQueues,
        cards: CardService,
        hospitals: Hospitals,
        policies: Policies,
        seals: Seals,
        clock: Clock,
    ) -> None:
        self._store = store
        self._changing = changing
        self._queues = queues
        self._hospital_queues = hospital_queues
        self._cards = cards
        self._hospitals = hospitals
        self._policies = policies
        self._seals = seals
        self._clock = clock
        self._asking = QueueAsking(hospital_queues, hospitals, clock)

    # -- reactions to the appointment; each may be called twice for one event
    async def begin(self, event: Event, registration_no: str | None) -> None:
        """A visit for a confirmed appointment, with the hospital's number of it; one each."""
        data = event.data
        now = self._clock.now()
        visit = Visit(
            visit_id=new_id(now),
            card_id=data["card_id"],
            person_id=data.get("person_id"),
            institution_id=data["institution_id"],
            institution=data["institution"],
            state=State.EXPECTED,
            created_at=now,
            kind=data["kind"],
            appointment_id=data["appointment_id"],
            registration_no=registration_no,
            **_booked(data),
        )
        try:
            await self._changing.begin(visit)
        except Duplicate:
            found = await self._store.find_of_appointment(data["appointment_id"])
            if found is None:  # the hospital's number is another visit's: ours goes on without
                await self._changing.begin(replace(visit, registration_no=None))

    async def follow_move(self, event: Event) -> None:
        """The appointment has another time, place or doctor.  One that is only held has no visit yet."""
        visit = await self._store.find_of_appointment(event.data["appointment_id"])
        if visit is not None:
            await self._changing.put(visit, **_booked(event.data))

    async def follow_end(self, event: Event) -> None:
        """The appointment was cancelled, released, or nobody came."""
        visit = await self._store.find_of_appointment(event.data["appointment_id"])
        if visit is not None:
            await self._changing.put(visit, state=State.CANCELLED, tasks=())

    async def follow_check_in(self, event: Event) -> None:
        """Whoever has checked in by phone has a place in a queue: the hospital's own, or one of ours.  Whom
        the hospital has checked in is where it knows."""
        if event.data["by"] not in ("place", "scan"):
            return
        visit = await self._store.find(event.data["visit_id"])
        if visit is None or visit.state is not State.CHECKED_IN:
            return
        if not await self._hospitals.has_own_queue(visit.institution_id):
            await self.join(visit)
        elif visit.registration_no is not None:
            ticket = await self._hospitals.check_in(visit.institution_id, visit.registration_no)
            if ticket is not None:
                await self._hospital_queues.take(visit, ticket)

    async def follow_done(self, event: Event) -> None:
        """One of our queues is done with somebody: in the department they had booked they were seen there.
        A hospital with a queue of its own says itself what has happened."""
        visit = await self._store.find(event.data["visit_id"])
        door = await self._queues.door_of(event.data["token_id"])
        if visit is None or door is None:
            return
        happened = meant_by_done(visit, *door)
        if happened is not None:
            await self._changing.happen(visit, Word(happened, event.happened_at), event.event_id)

    async def follow_examination(self, event: Event, ordered_in: str | None) -> None:
        """An examination that was ordered in the visit of that registration is booked: that is one thing
        less to do in it."""
        if ordered_in is None:
            return
        visit = await self._store.find_registered(event.data["institution_id"], ordered_in)
        if visit is not None and not visit.is_over:
            about, place = event.data.get("order_no"), event.data["place"]
            word = Word("examination_booked", event.happened_at, place, about=about)
            await self._changing.happen(visit, word, event.event_id)

    # -- the resident
    async def list_of_card(self, account_id: str, card_id: str) -> list[Shown]:
        """The newest fifty; NotFound `card.not_found`."""
        card = await self._cards.get(account_id, card_id)
        return await self._all_shown(await self._store.list_of_card(card.card_id))

    async def get(self, account_id: str, visit_id: str, since: str | None = None, wait_s: int = 0) -> Shown:
        """The visit now; with `since`, held back up to `wait_s` seconds until it is another version.

        NotFound `visit.not_found`, also for a visit of a card that is not in this account.
        """
        shown = await self._asked(await self._shown(await self._own(account_id, visit_id)))
        for _ in range(int(min(wait_s, LONGEST_WAIT_S) / LOOK_EVERY_S)):
            if shown.version != since:
                break
            await asyncio.sleep(LOOK_EVERY_S)
            visit = await self._store.find(visit_id)
            assert visit is not None, "a visit is never deleted"
            shown = await self._asked(await self._shown(visit))
        return shown

    async def check_in(self, account_id: str, visit_id: str, how: Place | str) -> Shown:
        """By the phone's place, or by the text of the code at the desk; twice is once.

        Conflict `visit.over`, `check_in.too_early` and `.too_late` (detail has the moment),
        `check_in.outside`, `check_in.uncertain` (scan the code instead), `check_in.elsewhere`,
        `check_in.other_department`; InvalidInput `desk_code.*`.
        """
        visit = await self._own(account_id, visit_id)
        if visit.is_over:
            raise Conflict("visit.over", "this visit is over")
        if visit.state is State.EXPECTED:
            policy = await self._policies.get(VisitPolicy)
            self._require_window(visit, policy)
            if isinstance(how, Place):
                await self._require_inside(visit, how, policy)
            else:
                self._require_desk(visit, how)
            by = "place" if isinstance(how, Place) else "scan"
            visit = await self._changing.check_in(visit, by, self._clock.now())
        if not await self._hospitals.has_own_queue(visit.institution_id):
            await self.join(visit)
        return await self._shown(visit)

    def _require_window(self, visit: Visit, policy: VisitPolicy) -> None:
        window, now = visit.window(policy), self._clock.now()
        if window is None:
            return
        opens_at, closes_at = window
        if now < opens_at:
            raise Conflict("check_in.too_early", "check-in has not begun", opens_at=iso(opens_at))
        if now > closes_at:
            raise Conflict(
                "check_in.too_late", "check-in has ended: ask at the desk", closed_at=iso(closes_at)
            )

    async def _require_inside(self, visit: Visit, place: Place, policy: VisitPolicy) -> None:
        fence = await self._hospitals.geofence(visit.institution_id)
        where = Arrival.UNCERTAIN if fence is None else arrival(place, fence, policy.worst_accuracy_m)
        if where is Arrival.OUTSIDE:
            raise Conflict("check_in.outside", "the phone is not at the hospital")
        if where is Arrival.UNCERTAIN:
            raise Conflict(
                "check_in.uncertain", "it cannot be told where the phone is: scan the code at the desk"
            )

    def _require_desk(self, visit: Visit, text: str) -> None:
        desk = read_desk_text(text, self._seals)
        if desk.institution_id != visit.institution_id:
            raise Conflict("check_in.elsewhere", "this desk is another institution's")
        if desk.department_id is not None and desk.department_id != visit.department_id:
            raise Conflict(
                "check_in.other_department", "this desk is another department's", place=visit.place
            )

    # -- the queue
    async def join(
        self, visit: Visit, queue: Queue | None = None, priority: Priority | None = None
    ) -> Token | None:
        """The visit's place in `queue`, or in its doctor's or department's; None without a department."""
        if queue is None:
            if visit.department_id is None:
                return None
            queue = await self._queues.queue_for(
                visit.institution_id,
                visit.department_id,
                visit.doctor_id,
                visit.department,
                visit.place or visit.department,
            )
        policy = await self._policies.get(QueuePolicy)
        if priority is None and await self._is_elderly(visit.card_id, policy):
            priority = "elderly"
        arrived_at = visit.checked_in_at or self._clock.now()
        # What was booked ranks in the queue it was booked for, and not at the pharmacy after it.
        booked_for = visit.starts_at if queue.department_id == visit.department_id else None
        return await self._queues.join(
            queue, Joiner(visit.visit_id, arrived_at, booked_for, priority, visit.about)
        )

    async def _is_elderly(self, card_id: str, policy: QueuePolicy) -> bool:
        born_on = await self._cards.birthday_of(card_id)
        return born_on is not None and elderly(born_on, self._clock.now(), policy)

    async def _own(self, account_id: str, visit_id: str) -> Visit:
        visit = await self._store.find(visit_id)
        if visit is None:
            raise _no_visit()
        try:
            await self._cards.get(account_id, visit.card_id)
        except NotFound:
            raise _no_visit() from None
        return visit

    async def _asked(self, shown: Shown) -> Shown:
        """With what a hospital with a queue of its own says when it is asked."""
        if shown.token is None or shown.token.rank is not None:
            return shown
        token, heard = await self._asking.look(shown.visit, shown.token)
        ahead = await self._queues.ahead_of(token)
        return Shown(shown.visit, token, ahead, next_task(shown.visit, token), heard)

    async def _shown(self, visit: Visit) -> Shown:
        return (await self._all_shown([visit]))[0]

    async def _all_shown(self, visits: list[Visit]) -> list[Shown]:
        """One look for where all of them wait, and one for each that does."""
        came = [visit.visit_id for visit in visits if visit.state is not State.EXPECTED]
        tokens = await self._queues.current_of(came) if came else {}
        found = []
        for visit in visits:
            token = tokens.get(visit.visit_id)
            ahead = None if token is None else await self._queues.ahead_of(token)
            found.append(Shown(visit, token, ahead, next_task(visit, token)))
        return found


def _booked(data: Mapping[str, Any]) -> dict[str, Any]:
    """What a visit has from the place that was booked for it."""
    return {
        "department": data.get("department") or "",
        **{name: data.get(name) for name in ("department_id", "doctor", "doctor_id", "place")},
        **{name: datetime.fromisoformat(data[name]) for name in ("starts_at", "ends_at")},
    }


def _no_visit() -> NotFound:
    return NotFound("visit.not_found", "there is no such visit")
