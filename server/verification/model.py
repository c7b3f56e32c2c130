"""What a verification is, and the code tables it uses (scenes 用卡环节, channels 渠道).

The tables are those existing hospital software uses; a code that is not in them is refused, never guessed.
"""

from dataclasses import dataclass
from datetime import datetime

from server.cards.model import Holder
from server.verification.foreign import ForeignHolder


@dataclass(frozen=True)
class Scene:
    """A step at which a card is used.  A static code is enough to be told apart, never to pay (A7.2.2)."""

    name: str
    static_allowed: bool


SCENES = {
    "010101": Scene("registration", True),
    "0101011": Scene("registration, booked", True),
    "0101012": Scene("registration, same day", True),
    "0101013": Scene("opening a record", True),
    "0101014": Scene("triage", True),
    "010105": Scene("paying", False),
    "0101051": Scene("paying, outpatient", False),
    "0101053": Scene("paying, inpatient", False),
}

CHANNELS = {
    "0100": "window",
    "0200": "kiosk",
    "0300": "doctor station",
    "0401": "service account",
    "0402": "mini-program",
}


@dataclass(frozen=True)
class Verification:
    """A code that was accepted: what the terminal is told."""

    verification_id: str
    card_id: str
    card_status: str
    person_id: str
    holder: Holder | ForeignHolder
    is_dynamic: bool
    centre_id: str
    verified_at: datetime


@dataclass(frozen=True)
class CardSeen:
    """What a scan reads of a card, and the newest dynamic code of it that was accepted.  `is_retired`: the
    code read is one the card had before it was reissued."""

    card_id: str
    ehealth_card_id: str
    status: str
    person_id: str | None
    holder: Holder
    newest_issued_at_s: int | None
    has_pin: bool
    static_allowed: bool
    static_needs_pin: bool
    is_retired: bool = False


def use_key(ehealth_card_id: str, issued_at_s: int, nonce: str) -> str:
    """What makes a dynamic code single: unique among all uses, and in the order the codes were made."""
    return f"{ehealth_card_id}:{issued_at_s:08X}:{nonce}"


def static_use_key(ehealth_card_id: str, request: str) -> str:
    """A static code may be used again and again, but once by one request."""
    return f"{ehealth_card_id}!{request}"


def active_use_key(ehealth_card_id: str, request_id: str) -> str:
    """An approved request uses the card once."""
    return f"{ehealth_card_id}*{request_id}"


def issued_at_of(key: str) -> int:
    return int(key.split(":")[1], 16)
