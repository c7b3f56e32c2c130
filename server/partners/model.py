"""What a partner is."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Institution:
    institution_id: str
    name: str


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

    def may_call(self, now: datetime) -> bool:
        return self.is_active and (self.valid_until is None or now < self.valid_until)

    def key_at(self, key_id: str, now: datetime) -> bytes | None:
        """The key, unless it is unknown or its time is over."""
        until = self.retiring.get(key_id)
        return self.public_keys.get(key_id) if until is None or now < until else None


@dataclass(frozen=True)
class Terminal:
    """What reads a code: where it stands and through which channel it is used (code table 渠道)."""

    terminal_id: str
    app_id: str
    place: str
    channel: str
    is_active: bool


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
