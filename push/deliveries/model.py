"""What became of a message, channel by channel."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from push.kinds import KINDS, ChannelName
from server.gateways.messages import Why as PlatformWhy

# Why a channel did not bring a message: the platform's word, or ours before it was asked.
Why = (
    PlatformWhy
    | Literal["opted_out", "not_set_up", "no_address", "no_template", "quiet_hours", "too_late", "unknown"]
)
State = Literal["sent", "not_sent", "unknown"]


@dataclass(frozen=True)
class Outcome:
    """`unknown`: the platform was asked and nobody knows; `reference`: its number of the message."""

    channel: str
    state: State
    at: datetime
    why: Why | None = None
    reference: str = ""


@dataclass(frozen=True)
class Delivery:
    """A message on its way: its id, whom it is for, which channel is next; `until` it is worth bringing."""

    message_id: str
    account_id: str
    kind: str
    channel: ChannelName
    until: datetime
    attempts: int = 0
    claim: str = ""

    @property
    def following(self) -> ChannelName | None:
        """The channel after this one."""
        channels = KINDS[self.kind].channels
        place = channels.index(self.channel)
        return channels[place + 1] if place + 1 < len(channels) else None


@dataclass(frozen=True)
class Letter:
    """What a channel is asked to bring.  `is_last_try`: who gets no answer now is not asked again."""

    message_id: str
    account_id: str
    kind: str
    said: Mapping[str, str]
    is_last_try: bool


@dataclass(frozen=True)
class NotSent:
    """`is_passing`: another try later may do better."""

    why: Why
    is_passing: bool = False


@dataclass(frozen=True)
class Sent:
    reference: str


def as_plain(outcome: Outcome) -> dict[str, Any]:
    return {name: value for name, value in vars(outcome).items() if value not in (None, "")}
