"""Another centre's card (V5, B1.7): what we ask, what we are told, and what we keep of it."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from server.core.crypto.hashes import sm3_hex
from server.core.ids import new_id
from server.core.mongo import Document
from server.partners.model import Caller, Terminal

VIA_CENTRE = "centre"


@dataclass(frozen=True)
class ForeignScan:
    """What our terminal read.  `request` names the scan: the same again gets the same answer."""

    code: str
    centre_id: str
    scene: str
    channel: str
    caller: Caller
    terminal: Terminal
    wants_full: bool
    request: str


@dataclass(frozen=True)
class ForeignHolder:
    """As much of a holder as the issuing centre gives for the scene; `id_no` and `phone` only when whole."""

    name: str
    id_type: str
    id_no_masked: str
    gender: str | None = None
    born_on: date | None = None
    phone_masked: str | None = None
    id_no: str | None = None
    phone: str | None = None


@dataclass(frozen=True)
class ForeignAnswer:
    """The issuing centre's word, proven to be its own and about this very scan."""

    verification_id: str
    verified_at: datetime
    is_dynamic: bool
    card_id: str
    card_status: str
    person_id: str
    holder: ForeignHolder


class Foreign(Protocol):
    """The way to the centre that issued a code."""

    async def ask(self, scan: ForeignScan) -> ForeignAnswer:
        """InvalidInput `issuer.unknown`; Conflict `issuer.suspended`; Unavailable `issuer.unavailable` or
        `issuer.untrusted`; else what the issuing centre refuses, in its words."""
        ...


def foreign_usage(scan: ForeignScan, answer: ForeignAnswer, now: datetime) -> Document:
    """Our own row of a use that the issuing centre has burnt and told of.  It names nobody: neither the
    person, nor the card, whose id on the wire would follow the holder from visit to visit."""
    what = scan.code if answer.is_dynamic else f"{scan.code}\n{scan.request}"
    return {
        "_id": new_id(now),
        "use_key": f"foreign:{sm3_hex(what.encode())}",
        "at": now,
        "card_id": None,
        "person_id": None,
        "issuer": scan.centre_id,
        "issuer_verification_id": answer.verification_id,
        "app_id": scan.caller.app.app_id,
        "institution_id": scan.caller.app.institution.institution_id,
        "terminal_id": scan.terminal.terminal_id,
        "scene": scan.scene,
        "channel": scan.channel,
        "is_dynamic": answer.is_dynamic,
        "is_direct": True,
    }
