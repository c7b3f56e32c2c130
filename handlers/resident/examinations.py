from datetime import date
from typing import Annotated

from pydantic import Field

from handlers.authentication import ResidentHandler
from handlers.requests import Created, Id, Model, Ok, Time, operation
from handlers.resident.appointments import AppointmentView, OfAccount
from handlers.resident.institutions import OurId
from server.appointments.examinations.conflicts import Reason
from server.appointments.examinations.knowledge import Preparation
from server.appointments.examinations.model import ExaminationOrder, OrderState, PlannedItem, Proposal
from server.appointments.examinations.planning import MAX_ITEMS
from server.appointments.fairness.service import Booker
from server.core.errors import Conflict, NotFound, TooMany, Unavailable


class OrdersOfCard(Model):
    card_id: Id


class PreparationView(Model):
    """What to do before or after; the page has the words for `code`."""

    code: str
    hours: int | None
    minutes: int | None

    @classmethod
    def of(cls, one: Preparation) -> "PreparationView":
        return cls(code=one.code, hours=one.hours, minutes=one.minutes)


class OrderView(Model):
    order_id: str
    institution_id: str
    institution: str
    item: str
    name: str
    department_id: str
    state: OrderState
    ordered_at: Time
    fee_fen: int
    registration_no: str | None
    appointment_id: str | None
    preparation: list[PreparationView]


class OrderList(Model):
    """`is_complete`: every hospital that was asked has answered."""

    orders: list[OrderView]
    is_complete: bool


class PlanRequest(Model):
    """From `from_on` on; the earliest is today."""

    card_id: Id
    institution_id: OurId
    order_ids: Annotated[list[Id], Field(min_length=1, max_length=MAX_ITEMS)]
    from_on: date | None = None


class PlannedView(Model):
    order_id: str
    item: str
    name: str
    slot_id: str
    place: str
    starts_at: Time
    ends_at: Time
    preparation: list[PreparationView]

    @classmethod
    def of(cls, item: PlannedItem) -> "PlannedView":
        return cls(
            order_id=item.order_id,
            item=item.item,
            name=item.name,
            slot_id=item.slot_id,
            place=item.place,
            starts_at=item.starts_at,
            ends_at=item.ends_at,
            preparation=[PreparationView.of(one) for one in item.preparation],
        )


class VisitDay(Model):
    on: date
    items: list[PlannedView]


class ClashView(Model):
    """Why an order cannot be booked: `parameters` by `reason`.

    excluded {within_days} · order {first, then} · interval {first, then, hours} · overlap {gap_minutes} ·
    not_after {at} · no_time · no_plan.  `other_*` is the examination it does not go with.
    """

    reason: Reason
    order_id: str
    item: str
    name: str
    other_appointment_id: str | None
    other_item: str | None
    other_name: str | None
    parameters: dict[str, str | int]


class PlanView(Model):
    """`plan_id` is null when there is no plan; then `conflicts` says why.  `is_exact`: no plan has fewer
    visits, or as many and ends earlier."""

    plan_id: str | None
    visits: list[VisitDay]
    conflicts: list[ClashView]
    is_exact: bool


class PlanBookings(Model):
    appointments: list[AppointmentView]


class ExaminationOrders(ResidentHandler):
    @operation(
        "Examinations that were ordered for a card, newest first",
        query=OrdersOfCard,
        reply=OrderList,
        refuses=(NotFound,),
    )
    async def get(self, query: OrdersOfCard) -> Ok:
        orders, is_complete = await self.services.examination_orders.list_of_card(
            self.session.account.account_id, query.card_id
        )
        return Ok(OrderList(orders=[await self._view(one) for one in orders], is_complete=is_complete))

    async def _view(self, one: ExaminationOrder) -> OrderView:
        preparation = await self.services.examination_orders.preparation_of(one.item)
        return OrderView(
            order_id=one.order_id,
            institution_id=one.institution_id,
            institution=one.institution,
            item=one.item,
            name=one.name,
            department_id=one.department_id,
            state=one.state,
            ordered_at=one.ordered_at,
            fee_fen=one.fee_fen,
            registration_no=one.registration_no,
            appointment_id=one.appointment_id,
            preparation=[PreparationView.of(each) for each in preparation],
        )


class ExaminationPlans(ResidentHandler):
    @operation(
        "The plan with the fewest visits for several orders, or why there is none",
        body=PlanRequest,
        reply=PlanView,
        replies=(Created,),
        refuses=(NotFound, Conflict, Unavailable),
        idempotent=True,
    )
    async def post(self, body: PlanRequest) -> Created:
        proposal = await self.services.examination_plans.propose(
            self.session.account.account_id,
            body.card_id,
            body.institution_id,
            list(dict.fromkeys(body.order_ids)),
            body.from_on,
        )
        return Created(await self._view(proposal))

    async def _view(self, proposal: Proposal) -> PlanView:
        plan = proposal.plan
        visits = [] if plan is None else plan.visits
        said = await self.services.examination_plans.say(proposal)
        return PlanView(
            plan_id=None if plan is None else plan.plan_id,
            visits=[VisitDay(on=on, items=[PlannedView.of(item) for item in items]) for on, items in visits],
            conflicts=[
                ClashView(
                    reason=one["reason"],
                    order_id=one["ref"],
                    item=one["item"],
                    name=one["name"],
                    other_appointment_id=one["other_ref"],
                    other_item=one["other_item"],
                    other_name=one["other_name"],
                    parameters=one["parameters"],
                )
                for one in said
            ],
            is_exact=proposal.is_proven if plan is None else plan.is_exact,
        )


class ExaminationPlanBookings(OfAccount):
    @operation(
        "Book a plan: all of it, or nothing",
        reply=PlanBookings,
        replies=(Created,),
        refuses=(Conflict, TooMany, Unavailable),
        idempotent=True,
    )
    async def post(self, plan_id: Id) -> Created:
        booker = Booker(self.session.account.account_id, self.device_id, self.source)
        booked = await self.services.examination_plans.book(booker, plan_id)
        return Created(PlanBookings(appointments=[await self.view(one) for one in booked]))


ROUTES = [
    ("/api/v1/examination-orders", ExaminationOrders),
    ("/api/v1/examination-plans", ExaminationPlans),
    ("/api/v1/examination-plans/{plan_id}/bookings", ExaminationPlanBookings),
]
