"""What a partner is."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Institution:
    institution_id: str
    name: str


@dataclass(frozen=True)
class App:
    """The software an institution runs against us.  `public_keys`: key id → 65 bytes, 04‖x‖y."""

    app_id: str
    institution: Institution
    is_active: bool
    scopes: frozenset[str]
    public_keys: dict[str, bytes]


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
