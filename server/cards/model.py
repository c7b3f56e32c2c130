"""What a card is."""

import secrets
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from server.core.errors import Conflict, InvalidInput
from server.core.masking import mask_id_no, mask_phone

CLAIM_NOTICES = {
    # version → SM3 of the text a resident agreed to; the texts are the pages' src/text/notices.json
    "2026-11": "0d5cd685c49f471222bfe5ccf5d77abf6bf282787d79fffc8d2f68c864f289ff",
}


class Status(StrEnum):
    """pending → active → frozen | lost → active | cancelled; pending → refused.  The last two are over."""

    PENDING = "pending"
    ACTIVE = "active"
    FROZEN = "frozen"
    LOST = "lost"
    CANCELLED = "cancelled"
    REFUSED = "refused"


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

    @property
    def id_no_masked(self) -> str:
        return mask_id_no(self.id_no)

    @property
    def phone_masked(self) -> str:
        return mask_phone(self.phone)

    def as_plain(self) -> dict[str, Any]:
        return {**self.__dict__, "born_on": self.born_on.isoformat()}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Holder":
        return cls(**{**plain, "born_on": date.fromisoformat(plain["born_on"])})


@dataclass(frozen=True)
class Tie:
    """An account the card is shown in, and as whose."""

    account_id: str
    relation: str
    claimed_at: datetime
    notice_version: str | None


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

    def tie_of(self, account_id: str) -> Tie | None:
        return next((tie for tie in self.ties if tie.account_id == account_id), None)

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
