from datetime import date
from typing import Annotated, Literal

from pydantic import StringConstraints

from handlers.authentication import PartnerHandler
from handlers.partner.fields import ShortText, TerminalId
from handlers.partner.persons import PatientNo
from handlers.requests import Accepted, Created, Id, Model, Ok, Picture, Reply, operation
from server.cards.model import Status
from server.cards.window import Counter, Issued, Reading, Visitor
from server.core.errors import Conflict, Forbidden, InvalidInput, NotFound, TooMany
from server.core.masking import mask_name
from server.identity.model import Guardian

StaffNumber = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


class ReadingGiven(Model):
    how: Literal["device", "typed"]
    device_no: StaffNumber | None = None


class FaceToFaceGiven(Model):
    """Who looked at the person and the document; nobody at a kiosk."""

    clerk_id: StaffNumber | None


class GuardianGiven(Model):
    name: ShortText
    relation: Literal["father", "mother", "guardian"]
    phone: ShortText | None = None


class IssueRequest(Model):
    name: ShortText
    id_type: Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")]
    id_no: ShortText
    phone: ShortText
    gender: Literal["male", "female"] | None = None
    birth_on: date | None = None
    nation: ShortText | None = None
    address: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    terminal_id: TerminalId
    reading: ReadingGiven
    face_to_face: FaceToFaceGiven
    guardian: GuardianGiven | None = None
    hospital_patient_no: PatientNo | None = None

    def visitor(self) -> Visitor:
        guardian = None if self.guardian is None else Guardian(**self.guardian.model_dump())
        return Visitor(
            self.name,
            self.id_type,
            self.id_no,
            self.phone,
            self.gender,
            self.birth_on,
            self.nation,
            self.address,
            guardian,
        )

    def counter(self) -> Counter:
        reading = Reading(self.reading.how, self.reading.device_no)
        return Counter(self.terminal_id, self.face_to_face.clerk_id, reading, self.hospital_patient_no)


class IssuedCard(Model):
    card_id: str
    status: str
    pending_reason: Literal["source", "review"] | None
    name_masked: str
    id_no_masked: str
    phone_masked: str


class FileOpened(Model):
    """The number of the hospital's file, as the platform cross-references it."""

    domain: str
    patient_no: str


class IssueView(Model):
    """`static_code` is the text of the code to print, once the card is active."""

    card: IssuedCard
    person_id: str | None
    is_new: bool
    static_code: str | None
    file: FileOpened | None

    @classmethod
    def of(cls, issued: Issued) -> "IssueView":
        card, file = issued.card, issued.file
        return cls(
            card=IssuedCard(
                card_id=card.card_id,
                status=card.status.value,
                pending_reason=card.pending_reason,
                name_masked=mask_name(card.holder.name),
                id_no_masked=card.holder.id_no_masked,
                phone_masked=card.holder.phone_masked,
            ),
            person_id=card.person_id,
            is_new=issued.is_new,
            static_code=issued.static_code,
            file=None if file is None else FileOpened(domain=file[0], patient_no=file[1]),
        )


class PrintQuery(Model):
    form: Literal["png", "svg", "label", "wristband"] = "png"


class Cards(PartnerHandler):
    @operation(
        "Give out a card at a window or a kiosk; a person's one card is printed again when there is one",
        body=IssueRequest,
        reply=IssueView,
        replies=(Created, Ok, Accepted),
        refuses=(InvalidInput, Conflict, Forbidden, TooMany),
        scope="cards.issue",
        idempotent=True,
    )
    async def post(self, body: IssueRequest) -> Reply:
        issued = await self.services.window.issue(self.proven, body.visitor(), body.counter())
        view = IssueView.of(issued)
        if issued.card.status is Status.PENDING:
            return Accepted(view)
        return Created(view) if issued.is_new else Ok(view)


class CardPrint(PartnerHandler):
    @operation(
        "The static code to print, of a card this institution gave out or verified within a day",
        query=PrintQuery,
        refuses=(Conflict, NotFound),
        scope="cards.issue",
        media_type="image/*",
    )
    async def get(self, card_id: Id, query: PrintQuery) -> Picture:
        picture = await self.services.window.print(self.proven, card_id, query.form)
        media_types = {"png": "image/png", "svg": "image/svg+xml"}
        return Picture(picture, media_types.get(query.form, "application/pdf"))


ROUTES = [("/partner/v1/cards", Cards), ("/partner/v1/cards/{card_id}/print", CardPrint)]
