from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from handlers.authentication import ResidentHandler
from handlers.requests import (
    Accepted,
    Created,
    Id,
    Model,
    NoContent,
    Ok,
    Picture,
    Reply,
    Time,
    operation,
)
from server.cards.claim import Application, Claimant, PhoneCode
from server.cards.family.proofs import Given
from server.cards.lifecycle.service import may_do
from server.cards.model import Card, Status
from server.cards.service import Form, Kind
from server.core.errors import Conflict, Forbidden, InvalidInput, TooMany
from server.core.masking import mask_name
from server.identity.applicant import Relation

Text = Annotated[str, StringConstraints(min_length=1, max_length=100)]


Number = Annotated[str, StringConstraints(min_length=1, max_length=40)]
SmsDigits = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]


class PhoneCodeGiven(Model):
    request_id: Id
    code: SmsDigits


class RegisterProof(Model):
    kind: Literal["birth_certificate", "household_register"]
    number: Number


class SmsConsent(Model):
    kind: Literal["consent_sms"]
    request_id: Id
    code: SmsDigits


class CardConsent(Model):
    """`code`: the dynamic code of the grown-up's own card; it is used up by this."""

    kind: Literal["consent_card"]
    code: Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class Guardianship(Model):
    kind: Literal["guardianship"]
    attachment_id: Id


RelationShown = Annotated[
    RegisterProof | SmsConsent | CardConsent | Guardianship, Field(discriminator="kind")
]


class ClaimRequest(Model):
    name: Text
    id_type: Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")]
    id_no: Text
    phone: Text
    relation: Relation
    notice_version: Text | None = None
    gender: Literal["male", "female"] | None = None
    birth_on: date | None = None
    nation: Text | None = None
    address: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    bank_card_no: Number | None = None
    physical_card_no: Number | None = None
    phone_code: PhoneCodeGiven | None = None
    relation_proof: RelationShown | None = None
    attachment_ids: Annotated[list[Id], Field(max_length=3)] = []

    def application(self) -> Application:
        proof, code = self.relation_proof, self.phone_code
        told = self.model_dump(exclude={"birth_on", "phone_code", "relation_proof", "attachment_ids"})
        return Application(
            **told,
            born_on=self.birth_on,
            phone_code=None if code is None else PhoneCode(code.request_id, code.code),
            relation_proof=None if proof is None else Given(**proof.model_dump()),
            attachment_ids=tuple(self.attachment_ids),
        )


class HolderView(Model):
    name_masked: str
    gender: str
    id_type: str
    id_no_masked: str
    phone_masked: str


class CardView(Model):
    card_id: str
    ehealth_card_id: str | None
    status: str
    pending_reason: Annotated[
        Literal["source", "review"] | None,
        Field(description="What a pending card waits for: an outside source, or people who look at it."),
    ]
    refused_reason: Literal["mismatch", "review", "held", "unproven"] | None
    review_note: str | None
    relation: str
    claimed_at: Time
    has_pin: bool
    shows: Literal["dynamic", "static"]
    may: Annotated[list[str], Field(description="what this account may do with the card now")]
    person: HolderView

    @classmethod
    def of(cls, card: Card, account_id: str) -> "CardView":
        tie, holder = card.tie_of(account_id), card.holder
        assert tie is not None, "a card is shown in an account it is tied to"
        return cls(
            card_id=card.card_id,
            ehealth_card_id=None if card.status in (Status.PENDING, Status.REFUSED) else card.ehealth_card_id,
            status=card.status.value,
            pending_reason=card.pending_reason,
            refused_reason=card.refused_reason,
            review_note=card.review.note if card.review and card.refused_reason == "review" else None,
            relation=tie.relation,
            claimed_at=tie.claimed_at,
            has_pin=card.has_pin,
            shows=card.preferences.shows,
            may=may_do(card, account_id),
            person=HolderView(
                name_masked=mask_name(holder.name),
                gender=holder.gender,
                id_type=holder.id_type,
                id_no_masked=holder.id_no_masked,
                phone_masked=holder.phone_masked,
            ),
        )


class CardList(Model):
    cards: list[CardView]


class CodeQuery(Model):
    kind: Kind = "dynamic"


class CodeView(Model):
    text: str
    kind: Kind
    issued_at: Time
    expires_at: Time | None
    refresh_seconds: int | None


class Cards(ResidentHandler):
    @operation(
        "Claim a person's one card; 202 while the real-name authority cannot be reached",
        body=ClaimRequest,
        reply=CardView,
        replies=(Created, Ok, Accepted),
        refuses=(InvalidInput, Conflict, TooMany),
        idempotent=True,
    )
    async def post(self, body: ClaimRequest) -> Reply:
        account = self.session.account
        claimed = await self.services.claims.claim(
            Claimant(
                account.account_id,
                account.phone,
                self.channel,
                self.device_id,
                self.source,
            ),
            body.application(),
        )
        view = CardView.of(claimed.card, account.account_id)
        if claimed.card.status is Status.PENDING:
            return Accepted(view)
        return Created(view) if claimed.is_new else Ok(view)

    @operation("The cards of this account", reply=CardList)
    async def get(self) -> Ok:
        account_id = self.session.account.account_id
        cards = await self.services.cards.list_of_account(account_id)
        return Ok(CardList(cards=[CardView.of(card, account_id) for card in cards]))


class OneCard(ResidentHandler):
    @operation("One card of this account", reply=CardView)
    async def get(self, card_id: Id) -> Ok:
        account_id = self.session.account.account_id
        return Ok(CardView.of(await self.services.cards.get(account_id, card_id), account_id))

    @operation(
        "Take a family member's card out of this account; the card itself stays",
        replies=(NoContent,),
        refuses=(Conflict,),
    )
    async def delete(self, card_id: Id) -> NoContent:
        await self.services.lifecycle.remove(self.session.account.account_id, card_id)
        return NoContent()


class CardCode(ResidentHandler):
    @operation(
        "The code to show now, as text to draw",
        query=CodeQuery,
        reply=CodeView,
        refuses=(Conflict, Forbidden),
    )
    async def get(self, card_id: Id, query: CodeQuery) -> Ok:
        code = await self.services.cards.show_code(self.session.account.account_id, card_id, query.kind)
        return Ok(CodeView(**code.__dict__))


class _CodePicture(ResidentHandler):
    async def draw(self, card_id: str, kind: Kind, form: Form, media_type: str) -> Picture:
        account_id = self.session.account.account_id
        return Picture(await self.services.cards.draw_code(account_id, card_id, kind, form), media_type)


class CardCodeSvg(_CodePicture):
    @operation(
        "The code to show now, as SVG",
        query=CodeQuery,
        refuses=(Conflict, Forbidden),
        media_type="image/svg+xml",
    )
    async def get(self, card_id: Id, query: CodeQuery) -> Picture:
        return await self.draw(card_id, query.kind, "svg", "image/svg+xml")


class CardCodePng(_CodePicture):
    @operation(
        "The code to show now, as PNG", query=CodeQuery, refuses=(Conflict, Forbidden), media_type="image/png"
    )
    async def get(self, card_id: Id, query: CodeQuery) -> Picture:
        return await self.draw(card_id, query.kind, "png", "image/png")


ROUTES = [
    ("/api/v1/cards", Cards),
    ("/api/v1/cards/{card_id}", OneCard),
    ("/api/v1/cards/{card_id}/code", CardCode),
    ("/api/v1/cards/{card_id}/code.svg", CardCodeSvg),
    ("/api/v1/cards/{card_id}/code.png", CardCodePng),
]
