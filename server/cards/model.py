"""What a card is."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal

from server.cards.preferences import Preferences
from server.cards.proof import CardProof
from server.core.errors import Conflict, InvalidInput
from server.core.masking import mask_id_no, mask_phone
from server.identity.applicant import Channel
from server.identity.model import Guardian

CLAIM_NOTICES = {
    # version → SM3 of the text a resident agreed to; the texts are the pages' src/text/notices.json
    "2026-11": "0d5cd685c49f471222bfe5ccf5d77abf6bf282787d79fffc8d2f68c864f289ff",
    "2026-11-family": "60d0d2b682da09de2a238d214ed1e13e72aec8ec83bc94234fc6e9c6f064af24",
}


class Status(StrEnum):
    """pending → active → frozen | lost → active | cancelled; pending → refused | joined.  The last three are
    over.  After pending, `transitions.TABLE` says who may do what.

    joined: the claim was about a card that is there (`Card.joins`), and this is in the claimant's account."""

    PENDING = "pending"
    ACTIVE = "active"
    FROZEN = "frozen"
    LOST = "lost"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    JOINED = "joined"


ProofKind = Literal["birth_certificate", "household_register", "consent_sms", "consent_card", "guardianship"]
ReviewReason = Literal["channel", "document", "guardianship", "person"]
"""Why people look at a claim: the policy wants it for its channel or its type of document, the relation is
shown by papers only, or the person index cannot tell whether the person is known."""

LIVE = frozenset({Status.PENDING, Status.ACTIVE, Status.FROZEN, Status.LOST})


@dataclass(frozen=True)
class Holder:
    """What the card tells of the person who holds it; kept sealed as one object."""

    name: str
    gender: str
    born_on: date
    id_type: str
    id_no: str
    phone: str
    nation: str | None = None
    address: str | None = None
    guardian: Guardian | None = None

    @property
    def id_no_masked(self) -> str:
        return mask_id_no(self.id_no)

    @property
    def phone_masked(self) -> str:
        return mask_phone(self.phone)

    def as_plain(self) -> dict[str, Any]:
        guardian = None if self.guardian is None else dict(self.guardian.__dict__)
        return {**self.__dict__, "born_on": self.born_on.isoformat(), "guardian": guardian}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Holder":
        guardian = plain.get("guardian")
        read = {
            "born_on": date.fromisoformat(plain["born_on"]),
            "guardian": None if guardian is None else Guardian(**guardian),
        }
        return cls(**{**plain, **read})


@dataclass(frozen=True)
class RelationProof:
    """What showed the relation (A3.1), and the serial number of who said so."""

    kind: str
    serial_no: str
    at: datetime


@dataclass(frozen=True)
class Tie:
    """An account the card is shown in, and as whose.  `seat` is its place among the account's family cards,
    from 0: the limit of a family is the number of seats."""

    account_id: str
    relation: str
    claimed_at: datetime
    notice_version: str | None
    seat: int | None = None
    proof: RelationProof | None = None


@dataclass(frozen=True)
class Issue:
    """Who gave the card out at a window or a kiosk (A3.2): where, which clerk, how the document was read."""

    app_id: str
    institution_id: str
    terminal_id: str
    place: str
    clerk_id: str | None
    reading: str
    at: datetime


@dataclass(frozen=True)
class Review:
    """What people were asked about a claim, and what they said.  `note` tells the claimant why."""

    reasons: tuple[str, ...]
    asked_at: datetime
    evidence: tuple[Mapping[str, Any], ...] = ()
    decision: str | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Card:
    card_id: str
    ehealth_card_id: str
    status: Status
    holder: Holder
    person_id: str | None
    ties: tuple[Tie, ...]
    claimed_at: datetime
    attempts: int = 0
    channel: Channel = "web"
    attachment_ids: tuple[str, ...] = ()
    review: Review | None = None
    refused_because: Literal["mismatch", "held", "unproven"] | None = None
    issues: tuple[Issue, ...] = ()
    holds: frozenset[str] = frozenset()
    "Why it is frozen or lost: the causes of `transitions`."
    moves: int = 0
    "How many transitions it has seen: who changes its state says of which number."
    last_request: str | None = None
    "The repeatable request that moved it last."
    has_pin: bool = False
    preferences: Preferences = field(default_factory=Preferences)
    proof: CardProof = field(default_factory=CardProof)
    joins: str | None = None
    "The card that this claim asks to be shown in the claimant's account too (family/joining.py)."

    @property
    def pending_reason(self) -> Literal["source", "review"] | None:
        """What a pending card waits for: an outside source, or people."""
        if self.status is not Status.PENDING:
            return None
        return "source" if self.review is None else "review"

    @property
    def refused_reason(self) -> Literal["mismatch", "review", "held", "unproven"] | None:
        """Why: a source said no, people said no, the person has a card already, or the centre has come to
        ask for more proof than the claim brought."""
        if self.status is not Status.REFUSED:
            return None
        if self.review is not None and self.review.decision == "refuse":
            return "review"
        return self.refused_because or "mismatch"

    def tie_of(self, account_id: str) -> Tie | None:
        return next((tie for tie in self.ties if tie.account_id == account_id), None)

    @property
    def is_issued(self) -> bool:
        """Past its claim and not over: what a PIN, preferences and most transitions need."""
        return self.status in LIVE and self.status is not Status.PENDING

    def require_active(self) -> None:
        if self.status is not Status.ACTIVE:
            raise Conflict(
                "card.not_active", "the card cannot be used in its state", status=self.status.value
            )


def new_ehealth_card_id() -> str:
    """256 bits of chance in upper-case hex: it says nothing about the person, and a reissue has another."""
    return secrets.token_hex(32).upper()


def require_known_notice(version: str | None) -> None:
    if version is not None and version not in CLAIM_NOTICES:
        raise InvalidInput("notice.unknown_version", "there is no such version of the notice")
