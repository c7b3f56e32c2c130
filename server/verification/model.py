"""What a verification is."""

from dataclasses import dataclass
from datetime import datetime

from server.cards.model import Holder
from server.verification.foreign import ForeignHolder


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
    """What a scan reads of a card.  `is_superseded`: a code made later than the one read has been accepted.
    `is_retired`: the code read is one the card had before it was reissued."""

    card_id: str
    ehealth_card_id: str
    status: str
    person_id: str | None
    holder: Holder
    is_superseded: bool
    has_pin: bool
    static_allowed: bool
    static_needs_pin: bool
    is_retired: bool = False
