"""What an authorization request is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from server.core.errors import InvalidInput
from server.core.ids import ID_PATTERN
from server.core.policies import Policy

_TEXT = re.compile(rf"EHCA1:({ID_PATTERN.strip('^$')}):([0-9A-Z]{{4,16}})", re.ASCII)


class ActiveScanPolicy(Policy):
    """`life_s`: seconds a request waits for the resident; `factor_scenes`: steps that need PIN or SMS too."""

    NAME: ClassVar[str] = "active_scan"
    SENTENCE: ClassVar[str] = "how long a terminal waits for approval, and which steps need a factor"

    life_s: int = Field(120, ge=30, le=600)
    factor_scenes: frozenset[str] = frozenset({"010105", "0101051", "0101053"})

    @property
    def life(self) -> timedelta:
        return timedelta(seconds=self.life_s)


class State(StrEnum):
    """waiting → approved | refused; one that nobody answered is told as expired."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    EXPIRED = "expired"


@dataclass(frozen=True)
class AuthorizationRequest:
    """Who asks (institution, place, terminal), for what (scene, purpose), until when; and who approved with
    which card."""

    request_id: str
    app_id: str
    institution_id: str
    institution: str
    terminal_id: str
    place: str
    scene: str
    channel: str
    department: str | None
    purpose: str | None
    created_at: datetime
    expires_at: datetime
    state: State
    account_id: str | None = None
    card_id: str | None = None
    ehealth_card_id: str | None = None

    def state_at(self, now: datetime) -> State:
        return State.EXPIRED if self.state is State.WAITING and now >= self.expires_at else self.state

    @property
    def place_and_purpose(self) -> Mapping[str, str | None]:
        """What the request is recorded with; nothing of the resident."""
        return {"terminal_id": self.terminal_id, "scene": self.scene, "purpose": self.purpose}


def request_text(request_id: str, centre_id: str) -> str:
    """The text of the code on the terminal's screen; all of it in the QR alphanumeric mode."""
    return f"EHCA1:{request_id}:{centre_id}"


def read_request_text(text: str, centre_id: str) -> str:
    """The request's id; InvalidInput `authorization.malformed` for any other code, `authorization.elsewhere`
    for a request of another card centre."""
    shape = _TEXT.fullmatch(text)
    if shape is None:
        raise InvalidInput("authorization.malformed", "this is not the code of a terminal that asks")
    if shape.group(2) != centre_id:
        raise InvalidInput("authorization.elsewhere", "the terminal belongs to another card centre")
    return shape.group(1)
