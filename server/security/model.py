"""What a security event is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class SecurityEvent:
    """`detail` says where and when, with ids only.  `acted_at` is when the platform itself did what it does
    at once (freezing the card); `closed_at` when somebody of the centre was done with it, `note` what they
    found."""

    event_id: str
    kind: str
    card_id: str
    opened_at: datetime
    detail: Mapping[str, Any]
    acted_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    note: str | None = None
