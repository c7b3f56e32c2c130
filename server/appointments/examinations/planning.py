"""The plan with the fewest visits, then the one that is over first (M3).  Pure.

Exact: days are tried in sets of one, two, three …; of a set the earliest end is found by halving, and
whether all examinations fit before it by trying all times, each taking away what does not go with it.  The
number of times looked at has a limit; a plan found when it is reached is feasible, and says of itself
that a better one may exist.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from itertools import combinations

from server.appointments.examinations.conflicts import Placed, alone, between, reasons
from server.appointments.examinations.knowledge import ExaminationPolicy
from server.core.clock import city_day

MAX_ITEMS = 8
MAX_DAYS = 14
MAX_OPENINGS = 120
"""Of one item; the earliest."""
MAX_NODES = 20_000
Score = tuple[int, datetime]


@dataclass(frozen=True)
class Wanted:
    """An examination to be planned, and the times it could have, in their order."""

    ref: str
    item: str
    openings: tuple[Placed, ...]


@dataclass(frozen=True)
class Plan:
    """A time for each of the wanted, by `ref`.  `is_exact`: no plan has fewer visits, or as many and ends
    earlier."""

    places: Mapping[str, Placed]
    is_exact: bool


@dataclass(frozen=True)
class NoPlan:
    """`without` are those of which no time is free of conflicts with what is booked; empty when only the
    combination fails.  `is_proven`: every combination was looked at."""

    without: tuple[str, ...]
    is_proven: bool


def score(places: Iterable[Placed], booked_days: frozenset[date]) -> Score:
    """What is made small: the visits, which are days one would not come anyway; the end of the last."""
    found = list(places)
    return len({city_day(one.starts_at) for one in found} - booked_days), max(one.ends_at for one in found)


def plan(wanted: Sequence[Wanted], booked: Sequence[Placed], known: ExaminationPolicy) -> Plan | NoPlan:
    """The best plan.  ValueError for more than MAX_ITEMS items."""
    if not 1 <= len(wanted) <= MAX_ITEMS:
        raise ValueError(f"a plan has 1 to {MAX_ITEMS} examinations")
    possible = [_possible(one, booked, known) for one in wanted]
    without = tuple(one.ref for one, times in zip(wanted, possible, strict=True) if not times)
    if without:
        return NoPlan(without, is_proven=True)
    search = _Search([one.item for one in wanted], possible, booked, known)
    search.run()
    if search.best is None:
        return NoPlan((), is_proven=not search.is_cut)
    places = {one.ref: placed for one, placed in zip(wanted, search.best, strict=True)}
    return Plan(places, is_exact=not search.is_cut)


def _possible(one: Wanted, booked: Sequence[Placed], known: ExaminationPolicy) -> list[Placed]:
    rules = [(other, between(one.item, other.item, known)) for other in booked]
    return [
        opening
        for opening in one.openings[:MAX_OPENINGS]
        if not alone(opening, known) and not any(reasons(opening, other, rule) for other, rule in rules)
    ]


class _Search:
    """`best` has one time for each item.  A set of times of one item is a whole number, a bit for each."""

    def __init__(
        self,
        items: Sequence[str],
        times: list[list[Placed]],
        booked: Sequence[Placed],
        known: ExaminationPolicy,
    ) -> None:
        self._times = times
        self._gap = timedelta(minutes=known.gap_minutes)
        self._booked_days = frozenset(city_day(one.starts_at) for one in booked)
        self._days = [[city_day(one.starts_at) for one in of_item] for of_item in times]
        self._nodes = 0
        self.best: list[Placed] | None = None
        self.is_cut = False
        self._rules = [[between(one, other, known) for other in items] for one in items]
        self._fits = cache(self._fitting)

    def run(self) -> None:
        new = sorted({day for days in self._days for day in days} - self._booked_days)
        for number in range(min(len(new), len(self._times)) + 1):
            for chosen in sorted(combinations(new, number), key=lambda days: days[-1:]):
                # Each set uses all of its days, for a smaller one failed: it ends on its last day or later.
                if chosen and self.best is not None and chosen[-1] > city_day(self._end()):
                    break
                self._improve(frozenset(chosen) | self._booked_days)
                if self.is_cut:
                    return
            if self.best is not None:
                return

    def _end(self) -> datetime:
        assert self.best is not None, "asked once there is one"
        return max(one.ends_at for one in self.best)

    def _improve(self, days: frozenset[date]) -> None:
        """Looks for the earliest end on these days, if that is earlier than the best so far."""
        ends = sorted(
            {
                one.ends_at
                for of_item, of_days in zip(self._times, self._days, strict=True)
                for one, day in zip(of_item, of_days, strict=True)
                if day in days
            }
        )
        if self.best is not None:
            ends = [end for end in ends if end < self._end()]
        if not ends or not self._try(days, ends[-1]):
            return
        low, high = 0, len(ends) - 1
        while low < high and not self.is_cut:
            middle = (low + high) // 2
            if self._try(days, ends[middle]):
                high = middle
            else:
                low = middle + 1

    def _try(self, days: frozenset[date], end: datetime) -> bool:
        """Whether all fit on these days until `end`; then that is the best."""
        domains = []
        for of_item, of_days in zip(self._times, self._days, strict=True):
            bits = 0
            for index, one in enumerate(of_item):
                if one.ends_at <= end and of_days[index] in days:
                    bits |= 1 << index
            if not bits:
                return False
            domains.append(bits)
        if self._most_in_turn(domains) < len(domains):
            return False
        found = self._placed({}, dict(enumerate(domains)))
        if found is None:
            return False
        self.best = [self._times[item][found[item]] for item in range(len(domains))]
        return True

    def _most_in_turn(self, domains: list[int]) -> int:
        """How many times of all these can follow one another; no plan has more examinations."""
        times = {
            (one.ends_at, one.starts_at)
            for item, bits in enumerate(domains)
            for index, one in enumerate(self._times[item])
            if bits >> index & 1
        }
        number, free_at = 0, None
        for ends_at, starts_at in sorted(times):
            if free_at is None or starts_at >= free_at:
                number, free_at = number + 1, ends_at + self._gap
        return number

    def _placed(self, chosen: dict[int, int], domains: dict[int, int]) -> dict[int, int] | None:
        """A time for each item of `domains`, besides those chosen; None when there is none."""
        if not domains:
            return chosen
        item = min(domains, key=lambda one: domains[one].bit_count())
        left = {one: bits for one, bits in domains.items() if one != item}
        bits = domains[item]
        while bits:
            index = (bits & -bits).bit_length() - 1
            bits &= bits - 1
            self._nodes += 1
            if self._nodes > MAX_NODES:
                self.is_cut = True
                return None
            narrowed = {one: at & self._fits(item, index, one) for one, at in left.items()}
            if all(narrowed.values()):
                found = self._placed({**chosen, item: index}, narrowed)
                if found is not None or self.is_cut:
                    return found
        return None

    def _fitting(self, item: int, index: int, other: int) -> int:
        """Which times of the other item go with this one."""
        one, rules, bits = self._times[item][index], self._rules[item][other], 0
        for at, placed in enumerate(self._times[other]):
            if not reasons(one, placed, rules):
                bits |= 1 << at
        return bits
