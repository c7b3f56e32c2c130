from typing import Annotated

from pydantic import Field, StringConstraints

from handlers.authentication import PartnerHandler
from handlers.partner.fields import CodeText, ShortText, TerminalId, UsageCode
from handlers.requests import Model, Ok, Time, operation
from server.core.errors import Conflict, Forbidden, InvalidInput, TooMany
from server.verification.model import Verification
from server.verification.service import Scan

FULL = "verification.full"


class VerificationRequest(Model):
    code: CodeText
    scene: UsageCode
    terminal_id: TerminalId
    channel: UsageCode | None = None
    department: ShortText | None = None
    purpose: ShortText | None = None
    pin: Annotated[str, StringConstraints(min_length=1, max_length=12)] | None = Field(
        None,
        repr=False,
        description="the card's PIN, typed by its holder, where a static code needs one",
    )


class CardSeenView(Model):
    card_id: str
    status: str


class PersonView(Model):
    """`id_no` and `phone` are there only for an app with the scope verification.full and a dynamic code.
    `gender`, `birthday` and `phone_masked` are null when another centre does not give them for the scene."""

    person_id: str
    name: str
    gender: str | None
    birthday: str | None
    id_type: str
    id_no_masked: str
    phone_masked: str | None
    id_no: str | None = None
    phone: str | None = None


class VerificationView(Model):
    verification_id: str
    card: CardSeenView
    person: PersonView
    is_dynamic: bool
    issuer: str
    verified_at: Time

    @classmethod
    def of(cls, seen: Verification, full: bool) -> "VerificationView":
        holder = seen.holder
        return cls(
            verification_id=seen.verification_id,
            card=CardSeenView(card_id=seen.card_id, status=seen.card_status),
            person=PersonView(
                person_id=seen.person_id,
                name=holder.name,
                gender=holder.gender,
                birthday=holder.born_on.isoformat() if holder.born_on else None,
                id_type=holder.id_type,
                id_no_masked=holder.id_no_masked,
                phone_masked=holder.phone_masked,
                id_no=holder.id_no if full else None,
                phone=holder.phone if full else None,
            ),
            is_dynamic=seen.is_dynamic,
            issuer=seen.centre_id,
            verified_at=seen.verified_at,
        )


class Verifications(PartnerHandler):
    @operation(
        "Verify a code a terminal has read, and get its holder",
        body=VerificationRequest,
        reply=VerificationView,
        refuses=(InvalidInput, Conflict, Forbidden, TooMany),
        scope="verification",
        idempotent=True,
    )
    async def post(self, body: VerificationRequest) -> Ok:
        wants_full = FULL in self.proven.app.scopes
        scan = Scan(**body.model_dump(), request_key=self.idempotency_row, wants_full=wants_full)
        seen = await self.services.verification.verify(self.proven, scan)
        # A static code only tells people apart: whoever saw one code once could make it (QR-4).
        full = wants_full and seen.is_dynamic
        return Ok(VerificationView.of(seen, full))


ROUTES = [("/partner/v1/verifications", Verifications)]
