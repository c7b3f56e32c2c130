"""Why two examinations cannot be at these times, as codes with their parameters.  Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

from server.appointments.examinations.knowledge import ExaminationPolicy
from server.core.clock import CITY_AHEAD_S, city_day

Reason = Literal["excluded", "order", "interval", "overlap", "not_after", "no_time", "no_plan"]
_CITY = timezone(timedelta(seconds=CITY_AHEAD_S))


@dataclass(frozen=True)
class Placed:
    """An examination at a time; `ref` is the order or the appointment it is of."""

    ref: str
    item: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Clash:
    """`reason` between `ref` and `other_ref`; of the last three, about one alone.

    excluded {within_days} · order {first, then: items} · interval {first, then, hours} · overlap
    {gap_minutes} · not_after {at} · no_time: nothing is free · no_plan: each could be booked, and not all
    """

    reason: Reason
    ref: str
    item: str
    other_ref: str | None = None
    other_item: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Between:
    """All that holds between an item and another, looked up once."""

    within_days: int | None
    is_first: bool
    is_then: bool
    hours_after: int | None
    "How much later the other must be, if it is later."
    hours_before: int | None
    "How much later the one must be, if it is later."
    gap: timedelta


def between(one: str, other: str, known: ExaminationPolicy) -> Between:
    """The rules of `known` between the two items; of several of a kind, the strictest."""
    mine, its = known.names(one), known.names(other)

    def after(first: frozenset[str], then: frozenset[str]) -> int | None:
        hours = [rule.hours for rule in known.intervals if rule.first in first and rule.then in then]
        return max(hours, default=None)

    apart = [
        rule.within_days
        for rule in known.exclusions
        if (rule.one in mine and rule.other in its) or (rule.one in its and rule.other in mine)
    ]
    is_first = any(rule.first in mine and rule.then in its for rule in known.orders)
    is_then = any(rule.first in its and rule.then in mine for rule in known.orders)
    both = is_first and is_then  # two orders that contradict each other bind nobody
    return Between(
        within_days=max(apart, default=None),
        is_first=is_first and not both,
        is_then=is_then and not both,
        hours_after=after(mine, its),
        hours_before=after(its, mine),
        gap=timedelta(minutes=known.gap_minutes),
    )


def reasons(one: Placed, other: Placed, rules: Between) -> list[tuple[Reason, dict[str, Any]]]:
    """Why the two cannot both be at their times; none when they can."""
    found: list[tuple[Reason, dict[str, Any]]] = []
    earlier, later = (
        (one, other) if (one.starts_at, one.ref) <= (other.starts_at, other.ref) else (other, one)
    )
    if later.starts_at < earlier.ends_at + rules.gap:
        found.append(("overlap", {"gap_minutes": int(rules.gap.total_seconds() // 60)}))
    if rules.within_days is not None:
        days = abs((city_day(one.starts_at) - city_day(other.starts_at)).days)
        if days <= rules.within_days:
            found.append(("excluded", {"within_days": rules.within_days}))
    if (rules.is_first and later is one) or (rules.is_then and later is other):
        first, then = (one, other) if rules.is_first else (other, one)
        found.append(("order", {"first": first.item, "then": then.item}))
    hours = rules.hours_after if earlier is one else rules.hours_before
    if hours is not None and later.starts_at < earlier.ends_at + timedelta(hours=hours):
        found.append(("interval", {"first": earlier.item, "then": later.item, "hours": hours}))
    return found


def alone(placed: Placed, known: ExaminationPolicy) -> list[tuple[Reason, dict[str, Any]]]:
    """Why the examination cannot be at its time, whatever else there is."""
    not_after = known.item(placed.item).not_after
    if not_after is None or f"{placed.starts_at.astimezone(_CITY):%H:%M}" <= not_after:
        return []
    return [("not_after", {"at": not_after})]


def conflicts(new: Sequence[Placed], booked: Iterable[Placed], known: ExaminationPolicy) -> list[Clash]:
    """Everything that stands between the new ones, and between them and what is booked."""
    found = [
        Clash(why, one.ref, one.item, None, None, more) for one in new for why, more in alone(one, known)
    ]
    before = list(booked)
    for index, one in enumerate(new):
        for other in [*new[:index], *before]:
            for why, more in reasons(one, other, between(one.item, other.item, known)):
                found.append(Clash(why, one.ref, one.item, other.ref, other.item, more))
    return found
