from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from handlers.authentication import StaffHandler
from handlers.partner.admissions import AdmissionDocumentView
from handlers.requests import Id, Model, Ok, Picture, Time, operation
from handlers.scopes import SCOPES
from server.core.errors import Conflict, Forbidden, NotFound
from server.core.masking import mask_phone
from server.core.pages import MAX_PAGE
from server.partners.admission.model import Admission, State, WantedTerminal

Reason = Annotated[str, StringConstraints(min_length=2, max_length=500)]


class ApplicantView(Model):
    institution_id: str
    name: str
    code: str
    address: str
    contact_name: str
    contact_phone_masked: str


class ScopeAsked(Model):
    name: str
    sentence: str


class TerminalAsked(Model):
    """`scenes`: the steps it is for; null is all of them."""

    terminal_id: str
    place: str
    channel: str
    scenes: list[str] | None

    @classmethod
    def of(cls, wanted: WantedTerminal) -> "TerminalAsked":
        scenes = None if wanted.scenes is None else list(wanted.scenes)
        return cls(terminal_id=wanted.terminal_id, place=wanted.place, channel=wanted.channel, scenes=scenes)


class ReviewView(Model):
    staff_id: str
    step: str
    outcome: str
    reason: str
    at: Time


class AdmissionView(Model):
    admission_id: str
    app_id: str
    state: str
    institution: ApplicantView
    scopes: list[ScopeAsked]
    terminals: list[TerminalAsked]
    purpose: str
    key_id: str
    public_key_hex: str
    documents: list[AdmissionDocumentView]
    reviews: list[ReviewView]
    submitted_at: Time

    @classmethod
    def of(cls, admission: Admission) -> "AdmissionView":
        wanted, applicant = admission.submission, admission.submission.applicant
        return cls(
            admission_id=admission.admission_id,
            app_id=wanted.app_id,
            state=admission.state.value,
            institution=ApplicantView(
                institution_id=applicant.institution_id,
                name=applicant.name,
                code=applicant.code,
                address=applicant.address,
                contact_name=applicant.contact_name,
                contact_phone_masked=mask_phone(applicant.contact_phone),
            ),
            scopes=[ScopeAsked(name=name, sentence=SCOPES.get(name, "")) for name in wanted.scopes],
            terminals=[TerminalAsked.of(one) for one in wanted.terminals],
            purpose=wanted.purpose,
            key_id=wanted.key_id,
            public_key_hex=wanted.public_key_hex,
            documents=[AdmissionDocumentView.of(one) for one in admission.documents],
            reviews=[ReviewView(**one.__dict__) for one in admission.reviews],
            submitted_at=admission.submitted_at,
        )


class AdmissionQuery(Model):
    state: Literal["submitted", "vetted", "admitted", "refused"] = "submitted"
    cursor: Id | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 20


class AdmissionList(Model):
    admissions: list[AdmissionView]
    next_cursor: str | None


class ReviewRequest(Model):
    decision: Literal["pass", "refuse"]
    reason: Reason


class StaffAdmissions(StaffHandler):
    @operation(
        "Applications for admission, newest first",
        query=AdmissionQuery,
        reply=AdmissionList,
        permission="partners.read",
    )
    async def get(self, query: AdmissionQuery) -> Ok:
        page = await self.services.admissions.list_in(State(query.state), query.cursor, query.limit)
        shown = [AdmissionView.of(one) for one in page.items]
        return Ok(AdmissionList(admissions=shown, next_cursor=page.next_cursor))


class OneStaffAdmission(StaffHandler):
    @operation("One application", reply=AdmissionView, refuses=(NotFound,), permission="partners.read")
    async def get(self, admission_id: Id) -> Ok:
        return Ok(AdmissionView.of(await self.services.admissions.get(admission_id, self.actor)))


class StaffAdmissionDocument(StaffHandler):
    @operation(
        "A document of an application", refuses=(NotFound,), permission="partners.read", media_type="*/*"
    )
    async def get(self, admission_id: Id, document_id: Id) -> Picture:
        media_type, content = await self.services.admissions.read_document(
            admission_id, document_id, self.actor
        )
        return Picture(content, media_type)


class Vettings(StaffHandler):
    @operation(
        "The first look at an application",
        body=ReviewRequest,
        reply=AdmissionView,
        refuses=(NotFound, Conflict),
        permission="partners.manage",
        idempotent=True,
    )
    async def post(self, admission_id: Id, body: ReviewRequest) -> Ok:
        passed = body.decision == "pass"
        done = await self.services.admissions.vet(admission_id, passed, body.reason, self.actor)
        return Ok(AdmissionView.of(done))


class Decisions(StaffHandler):
    @operation(
        "The second look, by another person: a passed application may call from here on",
        body=ReviewRequest,
        reply=AdmissionView,
        refuses=(NotFound, Conflict, Forbidden),
        permission="partners.review",
        idempotent=True,
    )
    async def post(self, admission_id: Id, body: ReviewRequest) -> Ok:
        passed = body.decision == "pass"
        done = await self.services.admissions.decide(admission_id, passed, body.reason, self.actor)
        return Ok(AdmissionView.of(done))


ROUTES = [
    ("/staff/v1/admissions", StaffAdmissions),
    ("/staff/v1/admissions/{admission_id}", OneStaffAdmission),
    ("/staff/v1/admissions/{admission_id}/documents/{document_id}", StaffAdmissionDocument),
    ("/staff/v1/admissions/{admission_id}/vetting", Vettings),
    ("/staff/v1/admissions/{admission_id}/decision", Decisions),
]
