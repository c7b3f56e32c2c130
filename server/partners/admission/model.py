"""What an application for admission is, and what is checked before one is granted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from server.core.errors import InvalidInput

MAX_DOCUMENT_BYTES = 900_000
MAX_TERMINALS = 200

DOCUMENTS: Mapping[str, str] = {
    "application_form": "the application form, stamped",
    "licence": "the licence of the institution",
    "security_report": "the report of a third party that examined the connecting system",
    "client_report": "the security report of the client software",
    "other": "anything else that helps the reviewers",
}

# B6.6: what is known of a partner before it connects, and looked at again while it is connected.
CRITERIA: Mapping[str, str] = {
    "registered": "the institution and its licence are on file and valid",
    "form_stamped": "the application form is stamped and says what the application says",
    "system_examined": "a third party has examined the connecting system",
    "client_examined": "the client software has a security report",
    "network": "the connection runs over a private line, a VPN or TLS with known addresses",
    "terminals_listed": "terminals stand where the list says they stand",
    "contact": "a person answers for security events at any hour",
}
# What must be met on the day of admission; the rest may follow, with a date.
REQUIRED = frozenset({"registered", "form_stamped", "network", "contact"})


class State(StrEnum):
    """submitted → vetted → admitted; refused from either.  The last two are over."""

    SUBMITTED = "submitted"
    VETTED = "vetted"
    ADMITTED = "admitted"
    REFUSED = "refused"


OPEN = frozenset({State.SUBMITTED, State.VETTED})


class CriterionState(StrEnum):
    MET = "met"
    NOT_MET = "not_met"
    LATER = "later"  # will be met by `due_on`
    NOT_NEEDED = "not_needed"


@dataclass(frozen=True)
class Criterion:
    """How one of CRITERIA stood when it was looked at, by whom, and when to look again."""

    name: str
    state: CriterionState
    note: str
    checked_at: datetime
    checked_by: str
    due_on: date | None


@dataclass(frozen=True)
class Applicant:
    """The institution as its licence names it; `code` is its unified social credit code (GB 32100)."""

    institution_id: str
    name: str
    code: str
    address: str
    contact_name: str
    contact_phone: str


@dataclass(frozen=True)
class WantedTerminal:
    """`scenes`: the steps it is for; None is all of them."""

    terminal_id: str
    place: str
    channel: str
    scenes: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Submission:
    """What an institution asks for.  `signature` is SM2 by the key it wants admitted, over `to_sign`."""

    app_id: str
    applicant: Applicant
    key_id: str
    public_key_hex: str
    scopes: tuple[str, ...]
    terminals: tuple[WantedTerminal, ...]
    purpose: str
    signature: str

    def to_sign(self) -> bytes:
        return text_to_sign(self.app_id, self.applicant.code, self.key_id, self.public_key_hex)


def text_to_sign(app_id: str, institution_code: str, key_id: str, public_key_hex: str) -> bytes:
    """Who signs this holds the private key, and means this app of this institution."""
    lines = ("EHC-ADMISSION-1", app_id, institution_code, key_id, public_key_hex)
    return "".join(line + "\n" for line in lines).encode()


@dataclass(frozen=True)
class KeptDocument:
    document_id: str
    kind: str
    media_type: str
    size_bytes: int


@dataclass(frozen=True)
class Review:
    staff_id: str
    step: str  # "vetting" or "decision"
    outcome: str  # "passed" or "refused"
    reason: str
    at: datetime


@dataclass(frozen=True)
class Admission:
    admission_id: str
    state: State
    submission: Submission
    submitted_at: datetime
    documents: tuple[KeptDocument, ...] = ()
    reviews: tuple[Review, ...] = ()

    @property
    def vetted_by(self) -> str | None:
        return next((one.staff_id for one in self.reviews if one.step == "vetting"), None)


_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def require_credit_code(code: str) -> str:
    """The code of 18 characters whose last one checks the others (GB 32100-2015); InvalidInput
    `institution.invalid_code`."""
    text = code.strip().upper()
    wrong = InvalidInput("institution.invalid_code", "not a unified social credit code")
    if len(text) != 18 or any(character not in _CREDIT_ALPHABET for character in text):
        raise wrong
    total = sum(
        _CREDIT_ALPHABET.index(character) * weight
        for character, weight in zip(text[:17], _CREDIT_WEIGHTS, strict=True)
    )
    if _CREDIT_ALPHABET[(31 - total % 31) % 31] != text[17]:
        raise wrong
    return text


_BEGINNINGS = {b"%PDF-": "application/pdf", b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


def media_type_of(content: bytes) -> str:
    """What the bytes begin as; InvalidInput `admission.bad_document` when it is no PDF, JPEG or PNG.

    Reviewers download them: nothing here opens them.
    """
    for beginning, media_type in _BEGINNINGS.items():
        if content.startswith(beginning):
            return media_type
    raise InvalidInput("admission.bad_document", "a document is a PDF, a JPEG or a PNG")
