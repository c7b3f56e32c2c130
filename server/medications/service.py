"""Plans from prescriptions, their times, and what was taken (N4, B4.1.21)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from server.cards.patients import Patients, Whom
from server.cards.service import CardService
from server.core.audit import Actor, Audit
from server.core.clock import Clock, city_day, today
from server.core.errors import Conflict, InvalidInput, NotFound
from server.core.ids import new_id
from server.core.mongo import Duplicate
from server.medications.model import Item, Meals, Plan, TickState, require_bearable
from server.medications.store import MedicationStore
from server.partners.model import Caller

TRIES = 3
FIRST_WITHIN = timedelta(days=90)


class MedicationService:
    def __init__(
        self, store: MedicationStore, cards: CardService, patients: Patients, audit: Audit, clock: Clock
    ) -> None:
        self._store = store
        self._cards = cards
        self._patients = patients
        self._audit = audit
        self._clock = clock

    # -- what hospitals say
    async def plan(
        self, caller: Caller, whom: Whom, prescription_no: str, first_on: date | None, items: Sequence[Item]
    ) -> tuple[Plan, bool]:
        """The plan of a prescription, and whether it is new; its times follow the meals this person named
        last.  Safe to repeat by the prescription's number.

        NotFound `patient.not_found`; InvalidInput `medication.too_many_doses`, `medication.too_late`,
        `medication.first_on_wrong`;
        Conflict `medication.planned_for_another`.
        """
        institution = caller.app.institution
        card = await self._patients.get_card(institution.institution_id, whom)
        require_bearable(items)
        now = self._clock.now()
        first_on = first_on or today(self._clock)
        if abs(first_on - today(self._clock)) > FIRST_WITHIN:
            raise InvalidInput("medication.first_on_wrong", "the first day is about now")
        before = await self._store.list_of_card(card.card_id)
        meals = before[0].meals if before else Meals()
        plan = Plan(
            new_id(now),
            card.card_id,
            card.person_id,
            institution.institution_id,
            institution.name,
            prescription_no,
            first_on,
            tuple(items),
            meals,
            now,
        )
        if not plan.doses():
            raise InvalidInput("medication.too_late", "every dose of the prescription lies in the past")
        actor = Actor("app", caller.app.app_id)
        await self._audit.record("medications.plan", actor, "card", card.card_id, plan_id=plan.plan_id)
        try:
            await self._store.insert(plan)
            return plan, True
        except Duplicate:
            found = await self._store.find_by_prescription(institution.institution_id, prescription_no)
        if found is None or found.card_id != card.card_id:
            raise Conflict("medication.planned_for_another", "this prescription is another patient's")
        return found, False

    # -- what residents do
    async def list_of_card(self, account_id: str, card_id: str) -> list[Plan]:
        """NotFound `card.not_found`."""
        await self._cards.get(account_id, card_id)
        return await self._store.list_of_card(card_id)

    async def get(self, account_id: str, plan_id: str) -> Plan:
        """NotFound `medication.not_found`, also for a plan of a card that is not in this account."""
        plan = await self._store.find(plan_id)
        if plan is None or account_id not in await self._cards.list_accounts_of(plan.card_id):
            raise NotFound("medication.not_found", "there is no such plan")
        return plan

    async def change(self, account_id: str, plan_id: str, meals: Meals, *, is_active: bool) -> Plan:
        """Other meal times, or no reminders any more, or again.  NotFound `medication.not_found`;
        InvalidInput `medication.meals_unordered`; Conflict `medication.changed`."""
        meals.require_ordered()
        for _ in range(TRIES):
            plan = await self.get(account_id, plan_id)
            if (plan.meals, plan.is_active) == (meals, is_active):
                return plan
            changed = replace(plan, meals=meals, is_active=is_active, version=plan.version + 1)
            event = "medication.changed" if is_active else "medication.ended"
            if await self._store.change(changed, event, self._clock.now()):
                return changed
        raise Conflict("medication.changed", "somebody changes this plan just now")

    async def tick(
        self, account_id: str, plan_id: str, at: datetime, item_nos: Sequence[int], state: TickState | None
    ) -> Plan:
        """Says of these drugs, or of all that are due at this moment, that they were taken or skipped.
        NotFound `medication.not_found`; InvalidInput `medication.no_such_dose`, `medication.too_early`."""
        plan = await self.get(account_id, plan_id)
        due = {item.item_no: key for item, key in plan.takings_at(at)}
        chosen = list(item_nos) or list(due)
        if not chosen or not set(chosen) <= due.keys():
            raise InvalidInput("medication.no_such_dose", "no such drug is due at this time")
        if city_day(at) > today(self._clock):
            raise InvalidInput("medication.too_early", "a dose of another day cannot be taken yet")
        await self._store.tick(plan_id, [due[item_no] for item_no in chosen], state)
        return await self.get(account_id, plan_id)

    def now(self) -> datetime:
        """The moment adherence is counted to."""
        return self._clock.now()

    # -- what reminders ask
    async def drugs_due(self, plan_id: str, at: datetime) -> list[Item]:
        """What is to be taken at this moment and was not ticked yet; empty when the plan is over."""
        plan = await self._store.find(plan_id)
        if plan is None or not plan.is_active:
            return []
        return [item for item, key in plan.takings_at(at) if key not in plan.ticks]
