from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from handlers.authentication import PartnerHandler
from handlers.partner.fields import ShortText
from handlers.partner.persons import PatientNo
from handlers.requests import Created, Id, Model, Ok, Reply, operation
from server.cards.patients import Whom
from server.core.errors import Conflict, InvalidInput, Malformed, NotFound
from server.medications.model import MAX_DAYS, MAX_ITEMS, MAX_TIMES_A_DAY, Item

Number = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]


class WhomGiven(Model):
    """The patient, named in one way: as you know him, or as the platform does."""

    card_id: Id | None = None
    person_id: Id | None = None
    hospital_patient_no: PatientNo | None = None
    registration_no: Number | None = None

    def whom(self) -> Whom:
        return Whom(self.card_id, self.person_id, self.hospital_patient_no, self.registration_no)


class DrugGiven(Model):
    drug: ShortText
    dose: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}(\.[0-9]{1,3})?$")]
    unit: Annotated[str, StringConstraints(min_length=1, max_length=10)]
    times_a_day: Annotated[int, Field(ge=1, le=MAX_TIMES_A_DAY)]
    meal: Literal["before", "after", "with", "none"] = "none"
    days: Annotated[int, Field(ge=1, le=MAX_DAYS)]
    note: ShortText | None = None


class PrescriptionRequest(WhomGiven):
    prescription_no: Number
    first_on: date | None = None
    items: Annotated[list[DrugGiven], Field(min_length=1, max_length=MAX_ITEMS)]

    def drugs(self) -> list[Item]:
        return [Item(item_no=number, **one.model_dump()) for number, one in enumerate(self.items, 1)]


class PrescriptionView(Model):
    plan_id: str
    card_id: str
    first_on: date
    doses: int


class Prescriptions(PartnerHandler):
    @operation(
        "Tell what a patient takes home: the platform reminds him when",
        body=PrescriptionRequest,
        reply=PrescriptionView,
        replies=(Created, Ok),
        refuses=(Malformed, NotFound, InvalidInput, Conflict),
        scope="prescriptions",
        idempotent=True,
    )
    async def post(self, body: PrescriptionRequest) -> Reply:
        plan, is_new = await self.services.medications.plan(
            self.proven, body.whom(), body.prescription_no, body.first_on, body.drugs()
        )
        view = PrescriptionView(
            plan_id=plan.plan_id, card_id=plan.card_id, first_on=plan.first_on, doses=len(plan.doses())
        )
        return Created(view) if is_new else Ok(view)


ROUTES = [("/partner/v1/prescriptions", Prescriptions)]
