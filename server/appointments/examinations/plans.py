"""A plan over several orders: proposed, then booked as a whole or not at all (M3).

Each booking is made under a key of its own (plan and order), so it can be asked for again and is made once.
The plan's row says who works at it, until when, and as which holder (`fence`).  Whoever is refused one gives
back the others; whoever dies is followed by a worker that does so, and looks a second time, for a holder that
slept may have taken one more place after the first look.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from typing import Any

from server.appointments.booking.asked import SlotRef, place_of
from server.appointments.booking.model import Appointment
from server.appointments.booking.service import AppointmentService
from server.appointments.booking.store import AppointmentStore
from server.appointments.examinations import planning
from server.appointments.examinations.compatibility import Compatibility
from server.appointments.examinations.conflicts import Clash, Placed, conflicts
from server.appointments.examinations.knowledge import ExaminationPolicy
from server.appointments.examinations.model import (
    ExaminationOrder,
    ExaminationPlan,
    PlannedItem,
    PlanState,
    Proposal,
    plain,
)
from server.appointments.examinations.orders import OrderService
from server.appointments.examinations.store import PlanStore
from server.appointments.fairness.service import Booker
from server.appointments.hospitals.directory import Directory
from server.appointments.hospitals.openings import Opening
from server.appointments.hospitals.service import Hospitals
from server.cards.service import CardService
from server.core.clock import Clock, city_day
from server.core.errors import Conflict, EhcError, NotFound, TooMany, Unavailable
from server.core.ids import new_id
from server.core.outbox import Event
from server.core.policies import Policies
from server.core.threads import run_in

LEASE = timedelta(seconds=30)
LOOK_AGAIN = timedelta(seconds=180)
BATCH = 50


class PlanService:
    def __init__(
        self,
        store: PlanStore,
        orders: OrderService,
        appointments: AppointmentService,
        bookings: AppointmentStore,
        compatibility: Compatibility,
        hospitals: Hospitals,
        directory: Directory,
        cards: CardService,
        policies: Policies,
        clock: Clock,
        threads: ThreadPoolExecutor,
    ) -> None:
        self._store = store
        self._orders = orders
        self._appointments = appointments
        self._bookings = bookings
        self._compatibility = compatibility
        self._hospitals = hospitals
        self._directory = directory
        self._cards = cards
        self._policies = policies
        self._clock = clock
        self._threads = threads

    # -- proposing
    async def propose(
        self, account_id: str, card_id: str, institution_id: str, order_ids: list[str], from_on: date | None
    ) -> Proposal:
        """The plan with the fewest visits from that day on, within what can be booked; or why there is none.

        NotFound `card.not_found`, `institution.not_found`, `examination_order.not_found`; Conflict
        `card.not_active`, `examination_order.not_open`; Unavailable `hospital.unavailable`.
        """
        card = await self._cards.get(account_id, card_id)
        card.require_active()
        assert card.person_id is not None, "an active card is somebody's"
        orders = await self._orders.get_open(card.card_id, institution_id, order_ids)
        known = await self._policies.get(ExaminationPolicy)
        times = {order.order_id: await self._times(order, from_on) for order in orders}
        booked = await self._compatibility.booked(card.card_id)
        wanted = [
            planning.Wanted(order.order_id, order.item, tuple(times[order.order_id])) for order in orders
        ]
        found = await run_in(self._threads, partial(planning.plan, wanted, booked, known))
        if isinstance(found, planning.NoPlan):
            return Proposal(None, tuple(_why(found, wanted, booked, known)), found.is_proven)
        hospital = await self._hospitals.get(institution_id)
        items = []
        for order in orders:
            opening = times[order.order_id][found.places[order.order_id]]
            place = place_of(hospital, opening)
            items.append(
                PlannedItem(
                    order_id=order.order_id,
                    item=order.item,
                    name=order.name,
                    slot_id=str(SlotRef.of(opening)),
                    slot_key=place.slot_key,
                    place=place.place,
                    starts_at=place.starts_at,
                    ends_at=place.ends_at,
                    preparation=known.item(order.item).preparation,
                )
            )
        now = self._clock.now()
        plan = ExaminationPlan(
            plan_id=new_id(now),
            account_id=account_id,
            card_id=card.card_id,
            person_id=card.person_id,
            institution_id=institution_id,
            state=PlanState.PROPOSED,
            items=tuple(items),
            is_exact=found.is_exact,
            created_at=now,
        )
        await self._store.insert(plan)
        return Proposal(plan)

    async def say(self, proposal: Proposal) -> list[dict[str, Any]]:
        """The conflicts of a proposal as plain values, with the names of the items."""
        known = await self._policies.get(ExaminationPolicy)
        return [plain(clash, known) for clash in proposal.conflicts]

    async def _times(self, order: ExaminationOrder, from_on: date | None) -> dict[Placed, Opening]:
        """When the order could be examined, in the order of time: places that can be booked now."""
        now = self._clock.now()
        found = await self._directory.openings(order.institution_id, "examination", order.department_id)
        free = [
            one
            for one in found.value
            if one.schedule.item == order.item and one.slot.free > 0 and one.is_released(now)
            if from_on is None or city_day(one.slot.starts_at) >= from_on
        ]
        return {Placed(order.order_id, order.item, one.slot.starts_at, one.slot.ends_at): one for one in free}

    # -- booking
    async def book(self, booker: Booker, plan_id: str) -> list[Appointment]:
        """All of the plan's appointments; asked again, the same ones.

        NotFound `examination_plan.not_found`; Conflict `examination_plan.given_back`,
        `examination_plan.not_bookable` (detail.order_id, detail.reason: the code that one was refused with;
        nothing stays booked); Unavailable, among them `examination_plan.in_progress`: ask again, same key.
        """
        plan = await self._store.find(plan_id)
        if plan is None or plan.account_id != booker.account_id:
            raise NotFound("examination_plan.not_found", "there is no such plan")
        if plan.state is PlanState.BOOKED:
            return await self._booked(plan)
        now = self._clock.now()
        held = await self._store.take(plan, now, now + LEASE)
        if held is None:
            raise await self._lost(plan)
        taken: dict[str, str] = {}
        found = []
        for item in held.items:
            try:
                one = await self._book_item(booker, held, item)
            except Unavailable:
                await self._store.hold(held, self._clock.now())  # whoever asks again goes on at once
                raise
            except (Conflict, NotFound, TooMany) as refusal:
                await self._refused(held, item, refusal)
                raise
            taken[item.order_id] = one.appointment_id
            found.append(one)
        if not await self._store.finish(held, taken):
            raise await self._lost(held)
        return found

    async def _book_item(self, booker: Booker, held: ExaminationPlan, item: PlannedItem) -> Appointment:
        if not await self._store.hold(held, self._clock.now() + LEASE):
            raise await self._lost(held)
        return await self._appointments.book(
            booker, held.card_id, held.institution_id, item.slot_id, held.request_of(item)
        )

    async def _refused(self, held: ExaminationPlan, item: PlannedItem, refusal: EhcError) -> None:
        """Gives back what was taken, and says which one could not be; raises nothing of its own when the plan
        is somebody else's by now."""
        if refusal.code.startswith("examination_plan."):
            return
        giving = await self._store.begin_giving_back(held, self._clock.now() + LEASE)
        if giving is not None:
            await self._give_back(giving)
        raise Conflict(
            "examination_plan.not_bookable",
            "one of the examinations cannot be booked: nothing stays booked",
            order_id=item.order_id,
            reason=refusal.code,
        ) from refusal

    async def _lost(self, plan: ExaminationPlan) -> Conflict | Unavailable:
        """Why this caller does not work at the plan.  In progress is no answer to keep: another follows."""
        now = await self._store.find(plan.plan_id)
        if now is not None and now.state in (PlanState.GIVING_BACK, PlanState.GIVEN_BACK):
            return Conflict("examination_plan.given_back", "the plan was given back: ask for another")
        return Unavailable("examination_plan.in_progress", "the plan is being booked")

    async def _booked(self, plan: ExaminationPlan) -> list[Appointment]:
        found = [await self._bookings.find(one) for one in (plan.taken or {}).values()]
        return [one for one in found if one is not None]

    async def _give_back(self, plan: ExaminationPlan) -> None:
        """Every live booking made for the plan, whoever heard of it."""
        for item in plan.items:
            found = await self._bookings.find_live(item.slot_key, plan.person_id)
            if found is not None and found[1] == plan.request_of(item):
                await self._appointments.withdraw(found[0].appointment_id, "plan_failed")
        is_second = plan.state is PlanState.GIVEN_BACK
        await self._store.given_back(plan, None if is_second else self._clock.now() + LOOK_AGAIN)

    # -- a reaction, and the worker
    async def keep_apart(self, event: Event) -> None:
        """Two examinations that were booked at once and do not go together: the later gives way, also when
        whoever booked it died before looking.  May be called twice."""
        one = await self._appointments.find(event.data["appointment_id"])
        if one is not None:
            try:
                await self._compatibility.require_first(one)
            except Conflict:
                await self._appointments.withdraw(one.appointment_id, "conflict")

    async def give_back_due(self) -> int:
        """Gives back plans whose booking died half-way; returns how many were looked at."""
        for number in range(BATCH):
            now = self._clock.now()
            plan = await self._store.claim_due(now, now + LEASE)
            if plan is None:
                return number
            if plan.state is PlanState.BOOKING:
                giving = await self._store.begin_giving_back(plan, now + LEASE)
                if giving is None:
                    continue
                plan = giving
            await self._give_back(plan)
        return BATCH


def _why(
    found: planning.NoPlan,
    wanted: Sequence[planning.Wanted],
    booked: Sequence[Placed],
    known: ExaminationPolicy,
) -> list[Clash]:
    """Of each that has no time: what stands in its way, each reason once."""
    why: list[Clash] = []
    for one in wanted:
        if one.ref not in found.without:
            continue
        reasons: dict[tuple[str, str | None], Clash] = {}
        for opening in one.openings[: planning.MAX_OPENINGS]:
            for clash in conflicts([opening], booked, known):
                reasons.setdefault((clash.reason, clash.other_ref), clash)
        why += reasons.values() or [Clash("no_time", one.ref, one.item)]
    return why or [Clash("no_plan", one.ref, one.item) for one in wanted]
