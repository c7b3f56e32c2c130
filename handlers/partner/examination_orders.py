from typing import Annotated, Literal

from pydantic import Field

from handlers.authentication import PartnerHandler
from handlers.partner.fields import HospitalId, RegistrationNo, ShortText
from handlers.requests import Id, Model, Ok, Time, operation
from server.appointments.examinations.model import OrderState
from server.appointments.examinations.orders import OrderTold
from server.core.errors import Conflict, InvalidInput, NotFound


class OrderEntry(Model):
    """Whose it is, by exactly one of the two.  `item` is your code of it, as the knowledge base has it."""

    registration_no: RegistrationNo | None = None
    verification_id: Id | None = None
    order_no: HospitalId
    item: HospitalId
    name: ShortText
    department_id: HospitalId
    state: Literal["open", "done", "cancelled"] = "open"
    fee_fen: Annotated[int, Field(ge=0, le=100_000_000)] = 0
    ordered_at: Time | None = None


class OrderKept(Model):
    order_id: str
    order_no: str
    state: OrderState
    appointment_id: str | None


class ExaminationOrders(PartnerHandler):
    @operation(
        "Tell that an examination was ordered, done or cancelled",
        body=OrderEntry,
        reply=OrderKept,
        refuses=(InvalidInput, NotFound, Conflict),
        scope="examinations",
        idempotent=True,
    )
    async def post(self, body: OrderEntry) -> Ok:
        told = OrderTold(**{**body.model_dump(), "state": OrderState(body.state)})
        order = await self.services.examination_orders.tell(self.proven, told)
        return Ok(
            OrderKept(
                order_id=order.order_id,
                order_no=body.order_no,
                state=order.state,
                appointment_id=order.appointment_id,
            )
        )


ROUTES = [("/partner/v1/examination-orders", ExaminationOrders)]
