from datetime import date
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from handlers.authentication import PartnerHandler
from handlers.partner.prescriptions import WhomGiven
from handlers.requests import Created, Model, Time, operation
from push.messages.hospitals import Taken
from server.core.clock import iso
from server.core.errors import InvalidInput, Malformed, NotFound, TooMany

# No control characters: a line break in a text of ours is somebody else's sentence.
Words = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=100)]
Short = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=40)]
Count = Annotated[int, Field(ge=0, le=10_000)]


class FieldsGiven(Model):
    """What a message of the kind says; docs/partner-api.md lists which kind takes what."""

    department: Short | None = None
    doctor: Short | None = None
    place: Short | None = None
    item: Short | None = None
    starts_at: Time | None = None
    preparation: Words | None = None
    amount_fen: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None
    bill_no: Short | None = None
    prescription_no: Short | None = None
    report_no: Short | None = None
    registration_no: Short | None = None
    token: Short | None = None
    ahead: Count | None = None
    position: Count | None = None
    admit_on: date | None = None
    discharge_on: date | None = None
    on: date | None = None
    bed: Short | None = None
    note: Words | None = None

    def given(self) -> dict[str, Any]:
        """As it is kept: text, and numbers of fen."""
        kept = {name: value for name, value in self if value is not None}
        if self.starts_at is not None:
            kept["starts_at"] = iso(self.starts_at)
        return {name: value.isoformat() if isinstance(value, date) else value for name, value in kept.items()}


class MessageRequest(WhomGiven):
    kind: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]
    fields: FieldsGiven


class TakenView(Model):
    """`inboxes`: how many people's inboxes have it; 0: nobody shows this card, call the patient."""

    message_id: str
    inboxes: int

    @classmethod
    def of(cls, taken: Taken) -> "TakenView":
        return cls(**vars(taken))


class Messages(PartnerHandler):
    @operation(
        "Send a patient a message",
        body=MessageRequest,
        reply=TakenView,
        replies=(Created,),
        refuses=(Malformed, InvalidInput, NotFound, TooMany),
        scope="messages",
        idempotent=True,
    )
    async def post(self, body: MessageRequest) -> Created:
        taken = await self.services.hospital_messages.send(
            self.proven, body.kind, body.whom(), body.fields.given(), self.idempotency_row
        )
        return Created(TakenView.of(taken))


ROUTES = [("/partner/v1/messages", Messages)]
