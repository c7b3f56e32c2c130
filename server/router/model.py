"""What the router knows of a centre."""

import re
from dataclasses import dataclass
from datetime import date, datetime

from server.core.errors import InvalidInput
from server.federation.model import Signed

CENTRE_ID = re.compile(r"[0-9A-Z]{4,16}", re.ASCII)
LATENCY_BUCKETS_MS = (50, 100, 200, 500, 1000, 2000, 3000)


@dataclass(frozen=True)
class CentreKey:
    """A key a centre signs with, good until `not_after`, and the certificate that says so."""

    key_id: str
    public_key: bytes
    not_after: datetime
    certificate: Signed


@dataclass(frozen=True)
class Centre:
    """An admitted card centre; `url` is the base of its federation API.  Two keys while one is changed."""

    centre_id: str
    name: str
    url: str
    is_active: bool
    keys: tuple[CentreKey, ...]

    def good_keys(self, now: datetime) -> dict[str, bytes]:
        return {key.key_id: key.public_key for key in self.keys if key.not_after > now}

    def has_other_key(self, key_id: str, public_key: bytes) -> bool:
        return any(key.key_id == key_id and key.public_key != public_key for key in self.keys)

    def certificate(self, key_id: str) -> Signed | None:
        return next((key.certificate for key in self.keys if key.key_id == key_id), None)


@dataclass(frozen=True)
class RouteCount:
    """How often one centre asked another on one day, with one outcome, and how long it took: answers within
    each of LATENCY_BUCKETS_MS, and slower."""

    day: date
    asked_by: str
    issuer: str
    outcome: str
    count: int
    took: dict[str, int]


def bucket_of(took_ms: float) -> str:
    """The name of the smallest bucket that holds it."""
    return next((f"le_{limit}" for limit in LATENCY_BUCKETS_MS if took_ms <= limit), "slower")


def require_centre_id(centre_id: str) -> None:
    if CENTRE_ID.fullmatch(centre_id) is None:
        raise InvalidInput("centre.invalid", "the id of a centre is 4 to 16 digits and capital letters")
