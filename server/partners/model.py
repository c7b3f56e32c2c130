"""What a partner is."""

from dataclasses import dataclass, field
from datetime import datetime

from server.core.errors import Forbidden


@dataclass(frozen=True)
class Institution:
    institution_id: str
    name: str


@dataclass(frozen=True)
class ProposedLimits:
    """More than an app may now, asked for by one person and waiting for another."""

    proposal_id: str
    scopes: frozenset[str]
    valid_until: datetime | None
    by: str
    at: datetime


@dataclass(frozen=True)
class App:
    """The software an institution runs against us.  `public_keys`: key id → 65 bytes, 04‖x‖y; a key in
    `retiring` is good until that moment, so that two keys overlap while one replaces the other."""

    app_id: str
    institution: Institution
    is_active: bool
    scopes: frozenset[str]
    public_keys: dict[str, bytes]
    retiring: dict[str, datetime] = field(default_factory=dict)
    valid_until: datetime | None = None
    suspended_because: str | None = None
    proposed: ProposedLimits | None = None

    def may_call(self, now: datetime) -> bool:
        return self.is_active and (self.valid_until is None or now < self.valid_until)

    def key_at(self, key_id: str, now: datetime) -> bytes | None:
        """The key, unless it is unknown or its time is over."""
        until = self.retiring.get(key_id)
        return self.public_keys.get(key_id) if until is None or now < until else None


@dataclass(frozen=True)
class Terminal:
    """What reads a code: where it stands, through which channel it is used (code table 渠道), and at which
    steps (环节): None is all of them, and a step has those below it (0101011 is a 010101)."""

    terminal_id: str
    app_id: str
    place: str
    channel: str
    is_active: bool
    scenes: tuple[str, ...] | None = None

    def require_scene(self, scene: str) -> None:
        """Forbidden `scene.not_at_terminal`."""
        if self.scenes is not None and not scene.startswith(self.scenes):
            raise Forbidden("scene.not_at_terminal", "this terminal was not admitted for this step")


@dataclass(frozen=True)
class TerminalSession:
    """A terminal that signs with a shared key, at most eight hours long."""

    session_id: str
    app_id: str
    terminal_id: str
    key: bytes
    expires_at: datetime


@dataclass(frozen=True)
class Caller:
    """A call whose signature is proven.  `session` is there when a session key signed it."""

    app: App
    key_id: str
    nonce: str
    session: TerminalSession | None

    @property
    def id(self) -> str:
        return f"app:{self.app.app_id}"
