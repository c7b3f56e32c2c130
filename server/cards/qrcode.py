"""The text in the QR picture: how it is made and read.  Pure; the format is docs/partner-api.md, "The code".

<64 HEX>:<1 static | 0 dynamic>:<token>:<EHCAPPID>
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from server.core.errors import InvalidInput

MAX_TEXT = 256
_SHAPE = re.compile(r"([0-9A-F]{64}):([01])(?::([0-9A-F]*):([0-9A-Z]{4,16}))?", re.ASCII)
_TOKEN = re.compile(r"([0-9A-F]{2})([0-9A-F]{8})([0-9A-F]{16})([0-9A-F]{32})", re.ASCII)

MacFor = Callable[[str, str], str | None]
"""(kid, text) → 32 upper-case hex digits, or None when there is no such key."""


@dataclass(frozen=True)
class Token:
    """What makes a dynamic code live once: who signed it, when it was made, what makes it single."""

    kid: str
    issued_at_s: int
    nonce: str
    mac: str

    @property
    def issued_at(self) -> datetime:
        return datetime.fromtimestamp(self.issued_at_s, UTC)


@dataclass(frozen=True)
class Code:
    """A code whose shape is right; nothing is proven yet.  `centre_id` is None in codes of two parts."""

    ehealth_card_id: str
    token: Token | None
    centre_id: str | None

    @property
    def is_dynamic(self) -> bool:
        return self.token is not None


def static_text(ehealth_card_id: str, centre_id: str) -> str:
    return f"{ehealth_card_id}:1::{centre_id}"


def dynamic_text(ehealth_card_id: str, centre_id: str, kid: str, now: datetime, mac_for: MacFor) -> str:
    issued, nonce = f"{int(now.timestamp()):08X}", secrets.token_hex(8).upper()
    mac = mac_for(kid, _sealed(ehealth_card_id, kid, issued, nonce, centre_id))
    assert mac is not None, "the current key is always there"
    return f"{ehealth_card_id}:0:{kid}{issued}{nonce}{mac}:{centre_id}"


def read_code(text: str) -> Code:
    """The parts; InvalidInput `code.malformed` for anything that is not a code, however hostile."""
    shape = _SHAPE.fullmatch(text) if len(text) <= MAX_TEXT else None
    if shape is None:
        raise _malformed()
    ehealth_card_id, flag, token, centre_id = shape.groups()
    if flag == "1":
        if token:
            raise _malformed()
        return Code(ehealth_card_id, None, centre_id)
    parts = _TOKEN.fullmatch(token or "")
    if parts is None:
        raise _malformed()
    kid, issued, nonce, mac = parts.groups()
    return Code(ehealth_card_id, Token(kid, int(issued, 16), nonce, mac), centre_id)


def _malformed() -> InvalidInput:
    return InvalidInput("code.malformed", "this is not a health card code")


def require_genuine(code: Code, mac_for: MacFor, equal: Callable[[str, str], bool]) -> None:
    """InvalidInput `code.forged` unless the token was made by a key of ours for exactly this code (B6.5)."""
    token = code.token
    assert token is not None and code.centre_id is not None
    text = _sealed(code.ehealth_card_id, token.kid, f"{token.issued_at_s:08X}", token.nonce, code.centre_id)
    expected = mac_for(token.kid, text)
    if expected is None or not equal(expected, token.mac):
        raise InvalidInput("code.forged", "this code was not made by this card centre, or was altered")


def is_live(token: Token, now: datetime, refresh: timedelta, skew: timedelta) -> bool:
    """Whether it is now within [issued − skew, issued + refresh + skew]: the server's clock alone decides,
    and one step of skew is for the clocks of several servers."""
    return token.issued_at - skew <= now <= token.issued_at + refresh + skew


def require_live(token: Token, now: datetime, refresh: timedelta, skew: timedelta) -> None:
    """InvalidInput `code.expired` when it is not."""
    if not is_live(token, now, refresh, skew):
        raise expired()


def expired() -> InvalidInput:
    return InvalidInput("code.expired", "this code is no longer valid: ask the holder to renew it")


def _sealed(ehealth_card_id: str, kid: str, issued: str, nonce: str, centre_id: str) -> str:
    return f"EHC1|{ehealth_card_id}|0|{kid}|{issued}|{nonce}|{centre_id}"
