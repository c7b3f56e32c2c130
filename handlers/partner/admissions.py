"""How an institution asks to be admitted; it has no key here yet, so it is anybody until it is admitted."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from handlers.authentication import PublicHandler
from handlers.partner.fields import Scenes, ShortText, TableCode, TerminalId
from handlers.requests import Created, Model, Ok, Operation, Time, operation
from handlers.scopes import SCOPES
from server.core.errors import Conflict, InvalidInput, NotFound, TooMany
from server.partners.admission.model import (
    DOCUMENTS,
    MAX_DOCUMENT_BYTES,
    MAX_TERMINALS,
    Admission,
    Applicant,
    KeptDocument,
    Submission,
    WantedTerminal,
)


def _known_scope(name: str) -> str:
    if name not in SCOPES:
        raise ValueError("there is no such scope")
    return name


def _known_document(kind: str) -> str:
    if kind not in DOCUMENTS:
        raise ValueError("there is no such kind of document")
    return kind


AppId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{2,62}$")]
KeyId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
PublicKeyHex = Annotated[str, StringConstraints(pattern=r"^04[0-9a-f]{128}$")]
Scope = Annotated[str, AfterValidator(_known_scope)]
DocumentKind = Annotated[str, AfterValidator(_known_document)]
Token = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
LongText = Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class InstitutionForm(Model):
    """The institution as its licence names it; `code` is the unified social credit code (GB 32100)."""

    institution_id: AppId
    name: ShortText
    code: Annotated[str, StringConstraints(min_length=18, max_length=18)]
    address: ShortText
    contact_name: ShortText
    contact_phone: Annotated[str, StringConstraints(min_length=1, max_length=30)]


class TerminalForm(Model):
    """`scenes`: the steps it is for, each with those below it; all when left out."""

    terminal_id: TerminalId
    place: ShortText
    channel: TableCode
    scenes: Scenes | None = None

    def as_wanted(self) -> WantedTerminal:
        scenes = None if self.scenes is None else tuple(self.scenes)
        return WantedTerminal(self.terminal_id, self.place, self.channel, scenes)


class AdmissionForm(Model):
    """`signature`: SM2 by the named key, base64, over five lines each ended by a line feed:
    EHC-ADMISSION-1, the app id, the institution's code, the key id, the public key in hex."""

    app_id: AppId
    institution: InstitutionForm
    key_id: KeyId
    public_key_hex: PublicKeyHex
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=50)]
    terminals: Annotated[list[TerminalForm], Field(max_length=MAX_TERMINALS)]
    purpose: LongText
    signature: Annotated[str, StringConstraints(min_length=1, max_length=100)]

    def as_submission(self) -> Submission:
        return Submission(
            app_id=self.app_id,
            applicant=Applicant(**self.institution.model_dump()),
            key_id=self.key_id,
            public_key_hex=self.public_key_hex,
            scopes=tuple(dict.fromkeys(self.scopes)),
            terminals=tuple(one.as_wanted() for one in self.terminals),
            purpose=self.purpose,
            signature=self.signature,
        )


class AdmissionDocumentView(Model):
    document_id: str
    kind: str
    media_type: str
    bytes: int

    @classmethod
    def of(cls, kept: KeptDocument) -> "AdmissionDocumentView":
        return cls(
            document_id=kept.document_id, kind=kept.kind, media_type=kept.media_type, bytes=kept.size_bytes
        )


class AdmissionProgress(Model):
    """`reason` is what the last reviewer wrote to a refused application."""

    admission_id: str
    app_id: str
    state: Literal["submitted", "vetted", "admitted", "refused"]
    submitted_at: Time
    documents: list[AdmissionDocumentView]
    reason: str | None

    @classmethod
    def of(cls, admission: Admission) -> "AdmissionProgress":
        is_refused = admission.state == "refused"
        return cls(
            admission_id=admission.admission_id,
            app_id=admission.submission.app_id,
            state=admission.state.value,
            submitted_at=admission.submitted_at,
            documents=[AdmissionDocumentView.of(document) for document in admission.documents],
            reason=admission.reviews[-1].reason if is_refused else None,
        )


class AdmissionSubmitted(Model):
    """`token` is told this once: by it the institution sends its documents and follows the application."""

    admission: AdmissionProgress
    token: str


class FollowedAdmission(Model):
    token: Token


class DocumentQuery(Model):
    kind: DocumentKind


class Admissions(PublicHandler):
    @operation(
        "Apply for admission of an app and its terminals",
        body=AdmissionForm,
        reply=AdmissionSubmitted,
        replies=(Created,),
        refuses=(InvalidInput, Conflict, TooMany),
        idempotent=True,
    )
    async def post(self, body: AdmissionForm) -> Created:
        admission, token = await self.services.admissions.submit(body.as_submission(), self.source)
        return Created(AdmissionSubmitted(admission=AdmissionProgress.of(admission), token=token))


class AdmissionStates(PublicHandler):
    @operation(
        "How an application stands",
        body=FollowedAdmission,
        reply=AdmissionProgress,
        refuses=(NotFound,),
    )
    async def post(self, body: FollowedAdmission) -> Ok:
        return Ok(AdmissionProgress.of(await self.services.admissions.of_token(body.token)))


class AdmissionDocuments(PublicHandler):
    @property
    def _token(self) -> str:
        return self.request.headers.get("X-Admission-Token", "")[:100]

    async def authenticate(self, described: Operation) -> str:
        """Whoever has the token is the applicant; what he sent is repeated to nobody else."""
        return f"applicant:{self._token}"

    @operation(
        "Send a document that belongs to an application; its token in the header X-Admission-Token",
        query=DocumentQuery,
        reply=AdmissionDocumentView,
        replies=(Created,),
        refuses=(InvalidInput, Conflict, NotFound),
        max_body_bytes=MAX_DOCUMENT_BYTES,
        takes=("application/pdf", "image/jpeg", "image/png"),
        idempotent=True,
    )
    async def post(self, query: DocumentQuery) -> Created:
        kept = await self.services.admissions.add_document(self._token, query.kind, self.request.body)
        return Created(AdmissionDocumentView.of(kept))


ROUTES = [
    ("/partner/v1/admissions", Admissions),
    ("/partner/v1/admissions/states", AdmissionStates),
    ("/partner/v1/admissions/documents", AdmissionDocuments),
]
