"""Limits as places: each booking takes one place of its person's day, its family and its device.

A place is a text that no two live bookings have (a unique index sees to it), so a limit is exact however many
ask at once: when all places are taken, the limit is reached.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from server.appointments.fairness.policy import FairBookingPolicy
from server.gateways.his.model import Kind

What = Literal["person_day", "family", "device"]


@dataclass(frozen=True)
class Limit:
    """`subject` says whose: never personal, an id or a keyed digest."""

    what: What
    subject: str
    allowed: int

    def place(self, number: int) -> str:
        return f"{self.what}|{self.subject}|{number}"

    def places(self) -> list[str]:
        return [self.place(number) for number in range(self.allowed)]


def limits_of(
    policy: FairBookingPolicy, *, kind: Kind, person_id: str, account_id: str, device: str | None, on: date
) -> list[Limit]:
    """What a booking must find room in.  Examinations are ordered by a doctor: a family has as many as it
    was ordered."""
    found = [Limit("person_day", f"{person_id}|{kind}|{on.isoformat()}", policy.person_day.get(kind, 1))]
    return found if kind == "examination" else [*found, *shared_limits(policy, account_id, device)]


def shared_limits(policy: FairBookingPolicy, account_id: str, device: str | None) -> list[Limit]:
    """Those of the family and of the device."""
    found = [Limit("family", account_id, policy.family_open)]
    return found if device is None else [*found, Limit("device", device, policy.device_open)]


def take(limits: Sequence[Limit], taken: Collection[str]) -> list[str] | Limit:
    """A free place of each limit; or the limit that has none."""
    found = []
    for limit in limits:
        free = next((place for place in limit.places() if place not in taken), None)
        if free is None:
            return limit
        found.append(free)
    return found


@dataclass(frozen=True)
class NoShow:
    """A booking nobody came to."""

    appointment_id: str
    starts_at: datetime


def blocked_until(policy: FairBookingPolicy, no_shows: Sequence[NoShow], now: datetime) -> datetime | None:
    """Until when somebody with these no-shows may not book; None when they may."""
    recent = sorted(one.starts_at for one in no_shows if one.starts_at > now - policy.window)
    if len(recent) < policy.no_shows:
        return None
    until: datetime = recent[-1] + timedelta(days=policy.blocked_days)
    return until if until > now else None
