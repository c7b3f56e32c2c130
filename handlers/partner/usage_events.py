from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from handlers.authentication import PartnerHandler
from handlers.partner.fields import CodeText, ShortText, UsageCode
from handlers.partner.persons import PatientNo
from handlers.requests import Id, Model, Ok, Time, operation
from server.usage.model import MAX_BATCH, Receipt, ReportedUse

EventId = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
MAX_BYTES = 1_000_000


class UsageEvent(Model):
    """`direct`: a code was shown; else the card was found by a number.  Exactly one of `card_id`, `code`,
    `hospital_patient_no` and `person_id` says whose card it was."""

    event_id: EventId
    card_id: Id | None = None
    code: CodeText | None = None
    hospital_patient_no: PatientNo | None = None
    person_id: Id | None = None
    step: UsageCode
    channel: UsageCode
    department: ShortText | None = None
    cost_type: UsageCode | None = None
    direct: bool
    used_at: Time

    def told(self) -> ReportedUse:
        return ReportedUse(
            event_id=self.event_id,
            step=self.step,
            channel=self.channel,
            is_direct=self.direct,
            used_at=self.used_at,
            card_id=self.card_id,
            code=self.code,
            patient_no=self.hospital_patient_no,
            person_id=self.person_id,
            department=self.department,
            cost_type=self.cost_type,
        )


class UsageBatch(Model):
    events: Annotated[list[UsageEvent], Field(min_length=1, max_length=MAX_BATCH)]


class ReceiptView(Model):
    """`code` and `message` say why a row is refused; the other rows are not touched by it."""

    event_id: str
    outcome: Literal["accepted", "duplicate", "refused"]
    late: bool
    code: str | None
    message: str | None

    @classmethod
    def of(cls, receipt: Receipt) -> "ReceiptView":
        refusal = receipt.refusal
        return cls(
            event_id=receipt.event_id,
            outcome=receipt.outcome,
            late=receipt.is_late,
            code=None if refusal is None else refusal.code,
            message=None if refusal is None else refusal.message,
        )


class UsageBatchView(Model):
    """One receipt for each event, in order.  What is accepted is stored."""

    accepted: int
    duplicates: int
    refused: int
    receipts: list[ReceiptView]


class UsageEvents(PartnerHandler):
    @operation(
        "Tell of uses you saw yourself: read while the platform was out of reach, or found by a number",
        body=UsageBatch,
        reply=UsageBatchView,
        scope="usage.report",
        idempotent=True,
        max_body_bytes=MAX_BYTES,
    )
    async def post(self, body: UsageBatch) -> Ok:
        uses = [event.told() for event in body.events]
        receipts = await self.services.usage.report(self.proven, uses, self.idempotency_row)
        outcomes = [receipt.outcome for receipt in receipts]
        return Ok(
            UsageBatchView(
                accepted=outcomes.count("accepted"),
                duplicates=outcomes.count("duplicate"),
                refused=outcomes.count("refused"),
                receipts=[ReceiptView.of(receipt) for receipt in receipts],
            )
        )


ROUTES = [("/partner/v1/usage-events", UsageEvents)]
