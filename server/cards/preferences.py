"""How a holder wants a card shown, and what of it others may see (A2.3, A3.3), inside the centre's rules."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Openness = Literal["open", "ask", "closed"]


@dataclass(frozen=True)
class Privacy:
    """For each class of what hangs on a card: whoever treats may see it; must ask; or nobody else may.

    Records, consent and exports ask `CardService.privacy_of` before they show anything to others.
    """

    records: Openness = "ask"
    reports: Openness = "ask"
    visits: Openness = "ask"
    payments: Openness = "ask"


@dataclass(frozen=True)
class Preferences:
    """`shows` is what the card's page shows first; `static_allowed` off makes every static code of the card,
    printed ones too, refused; `static_needs_pin` asks for the PIN wherever a static code is read."""

    shows: Literal["dynamic", "static"] = "dynamic"
    static_allowed: bool = True
    static_needs_pin: bool = False
    privacy: Privacy = field(default_factory=Privacy)

    def as_plain(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Preferences":
        return cls(**{**plain, "privacy": Privacy(**plain["privacy"])})
