from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal

from pydantic import Field

from handlers.authentication import ResidentHandler
from handlers.requests import Id, Model, Ok, Time, operation
from handlers.resident.message_preferences import ClockTime
from server.core.clock import city_day
from server.core.errors import Conflict, InvalidInput, NotFound
from server.medications.model import MAX_ITEMS, Meals, Plan

ItemNo = Annotated[int, Field(ge=1, le=MAX_ITEMS)]


class MealsShape(Model):
    """On the city's wall clock."""

    breakfast: ClockTime
    lunch: ClockTime
    dinner: ClockTime
    bedtime: ClockTime

    def meals(self) -> Meals:
        return Meals(**{name: time.fromisoformat(at) for name, at in self.model_dump().items()})

    @classmethod
    def of(cls, meals: Meals) -> "MealsShape":
        return cls(**{name: f"{at:%H:%M}" for name, at in vars(meals).items()})


class ItemView(Model):
    """`times`: of a day, on the city's wall clock."""

    item_no: int
    drug: str
    dose: str
    unit: str
    times_a_day: int
    meal: Literal["before", "after", "with", "none"]
    days: int
    note: str | None
    times: list[ClockTime]


class DoseView(Model):
    item_no: int
    at: Time
    state: Literal["taken", "skipped"] | None


class PlanView(Model):
    """`doses`: of the days asked for; `taken` of `due` are all that were due until now."""

    plan_id: str
    card_id: str
    institution: str
    first_on: date
    ends_at: Time
    is_active: bool
    items: list[ItemView]
    meals: MealsShape
    doses: list[DoseView]
    taken: int
    due: int

    @classmethod
    def of(cls, plan: Plan, now: datetime) -> "PlanView":
        shown = {city_day(now), city_day(now) + timedelta(days=1)}
        taken, due = plan.adherence(now)
        doses = [dose for dose in plan.doses() if city_day(dose.at) in shown]
        items = [
            ItemView(
                **vars(item),
                times=[f"{at:%H:%M}" for at in plan.meals.times_of(item.times_a_day, item.meal)],
            )
            for item in plan.items
        ]
        return cls(
            plan_id=plan.plan_id,
            card_id=plan.card_id,
            institution=plan.institution,
            first_on=plan.first_on,
            ends_at=plan.ends_at(),
            is_active=plan.is_active,
            items=items,
            meals=MealsShape.of(plan.meals),
            doses=[DoseView(item_no=dose.item_no, at=dose.at, state=dose.state) for dose in doses],
            taken=taken,
            due=due,
        )


class PlansQuery(Model):
    card_id: Id


class PlanList(Model):
    plans: list[PlanView]


class PlanChange(Model):
    """`is_active` false: no reminders of this plan any more."""

    meals: MealsShape
    is_active: bool = True


class TickRequest(Model):
    """`at` is a dose's own time; without `item_nos` everything that is due then.  A null state takes back
    what was said."""

    at: Time
    item_nos: Annotated[list[ItemNo], Field(max_length=MAX_ITEMS)] = []
    state: Literal["taken", "skipped"] | None


class MedicationPlans(ResidentHandler):
    @operation(
        "The medication plans of a card, newest first, with the doses of today and tomorrow",
        query=PlansQuery,
        reply=PlanList,
        refuses=(NotFound,),
    )
    async def get(self, query: PlansQuery) -> Ok:
        plans = await self.services.medications.list_of_card(self.session.account.account_id, query.card_id)
        now = self.services.medications.now()
        return Ok(PlanList(plans=[PlanView.of(plan, now) for plan in plans]))


class MedicationPlan(ResidentHandler):
    @operation("A medication plan", reply=PlanView, refuses=(NotFound,))
    async def get(self, plan_id: Id) -> Ok:
        plan = await self.services.medications.get(self.session.account.account_id, plan_id)
        return Ok(PlanView.of(plan, self.services.medications.now()))

    @operation(
        "Set the meal times a plan goes by, or stop and resume its reminders",
        body=PlanChange,
        reply=PlanView,
        refuses=(NotFound, InvalidInput, Conflict),
        idempotent=True,
    )
    async def put(self, plan_id: Id, body: PlanChange) -> Ok:
        plan = await self.services.medications.change(
            self.session.account.account_id, plan_id, body.meals.meals(), is_active=body.is_active
        )
        return Ok(PlanView.of(plan, self.services.medications.now()))


class MedicationTicks(ResidentHandler):
    @operation(
        "Say of a dose that it was taken or skipped",
        body=TickRequest,
        reply=PlanView,
        refuses=(NotFound, InvalidInput),
        idempotent=True,
    )
    async def post(self, plan_id: Id, body: TickRequest) -> Ok:
        plan = await self.services.medications.tick(
            self.session.account.account_id, plan_id, body.at, body.item_nos, body.state
        )
        return Ok(PlanView.of(plan, self.services.medications.now()))


ROUTES = [
    ("/api/v1/medication-plans", MedicationPlans),
    ("/api/v1/medication-plans/{plan_id}", MedicationPlan),
    ("/api/v1/medication-plans/{plan_id}/ticks", MedicationTicks),
]
