"""What a medication plan is, and at which times of day somebody takes what (B4.1.21)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from server.core.clock import CITY_AHEAD_S
from server.core.errors import InvalidInput

Meal = Literal["before", "after", "with", "none"]
TickState = Literal["taken", "skipped"]
MAX_ITEMS = 20
MAX_TIMES_A_DAY = 6
MAX_DAYS = 90
# A plan is one document: so many doses, at most, that their ticks fit in it easily.
MAX_DOSES = 2_000
# No dose is later: a plan begins about when it is made, and lasts MAX_DAYS.
LONGEST = timedelta(days=400)
# What "before" and "after a meal" mean in Chinese hospitals.
BESIDE_MEAL = timedelta(minutes=30)


@dataclass(frozen=True)
class Item:
    """One drug of a prescription.  `drug`, `dose`, `unit` and `note` are kept sealed."""

    item_no: int
    drug: str
    dose: str
    unit: str
    times_a_day: int
    meal: Meal
    days: int
    note: str | None = None


@dataclass(frozen=True)
class Meals:
    """When this person eats and sleeps, on the city's wall clock."""

    breakfast: time = time(7, 30)
    lunch: time = time(12, 0)
    dinner: time = time(18, 30)
    bedtime: time = time(21, 30)

    def require_ordered(self) -> None:
        """InvalidInput `medication.meals_unordered`."""
        times = (self.breakfast, self.lunch, self.dinner, self.bedtime)
        if list(times) != sorted(set(times)):
            raise InvalidInput(
                "medication.meals_unordered", "breakfast, lunch, dinner, bedtime come in order"
            )

    def times_of(self, times_a_day: int, meal: Meal) -> tuple[time, ...]:
        """The times of day of a drug: at the meals as far as they go, then spread over the waking day."""
        named = {
            1: (self.breakfast,),
            2: (self.breakfast, self.dinner),
            3: (self.breakfast, self.lunch, self.dinner),
            4: (self.breakfast, self.lunch, self.dinner, self.bedtime),
        }.get(times_a_day)
        if named is None:
            first, last = _minutes(self.breakfast), _minutes(self.bedtime)
            step = (last - first) / (times_a_day - 1)
            named = tuple(_clock(round(first + step * number)) for number in range(times_a_day))
        beside = {"before": -BESIDE_MEAL, "after": BESIDE_MEAL}.get(meal, timedelta(0))
        is_meal = {self.breakfast, self.lunch, self.dinner}
        moved = [
            _clock(_minutes(one) + beside.seconds // 60 - (1440 if beside < timedelta(0) else 0))
            if one in is_meal
            else one
            for one in named
        ]
        return tuple(sorted(set(moved)))


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


def _clock(minutes: int) -> time:
    """Within the day: what would fall before midnight or after it stays at its edge."""
    minutes = min(max(minutes, 0), 1439)
    return time(minutes // 60, minutes % 60)


@dataclass(frozen=True)
class Dose:
    """One taking of one drug.  `state` None: nothing was said of it."""

    item_no: int
    at: datetime
    state: TickState | None = None


@dataclass(frozen=True)
class Plan:
    """`version` counts its changes; `ticks` is dose key → what was said."""

    plan_id: str
    card_id: str
    person_id: str | None
    institution_id: str
    institution: str
    prescription_no: str
    first_on: date
    items: tuple[Item, ...]
    meals: Meals
    made_at: datetime
    is_active: bool = True
    version: int = 1
    ticks: Mapping[str, TickState] = field(default_factory=dict)

    def doses(self) -> list[Dose]:
        """Every taking, in order of time."""
        found = []
        for item in self.items:
            times = self.meals.times_of(item.times_a_day, item.meal)
            for day in range(item.days):
                for number, clock in enumerate(times):
                    key, at = dose_key(item.item_no, day, number), self._moment(day, clock)
                    if self._counts(key, at):
                        found.append(Dose(item.item_no, at, self.ticks.get(key)))
        return sorted(found, key=lambda dose: (dose.at, dose.item_no))

    def takings_at(self, at: datetime) -> list[tuple[Item, str]]:
        """What is to be taken at this moment, each with the key of its dose, without counting out the whole
        plan."""
        if abs(at - self.made_at) > LONGEST:
            return []
        local = at.astimezone(UTC) + timedelta(seconds=CITY_AHEAD_S)
        day, clock = (local.date() - self.first_on).days, local.timetz().replace(tzinfo=None)
        found = []
        for item in self.items:
            times = self.meals.times_of(item.times_a_day, item.meal)
            if 0 <= day < item.days and clock in times:
                key = dose_key(item.item_no, day, times.index(clock))
                if self._counts(key, at):
                    found.append((item, key))
        return found

    def _moment(self, day: int, clock: time) -> datetime:
        wall = datetime.combine(self.first_on + timedelta(days=day), clock, UTC)
        return wall - timedelta(seconds=CITY_AHEAD_S)

    def _counts(self, key: str, at: datetime) -> bool:
        """The day the prescription was made begins when it was made; what was taken counts whenever it would
        be by other meal times."""
        return at >= self.made_at or key in self.ticks

    def times_after(self, now: datetime) -> list[datetime]:
        """The distinct moments still to come."""
        return sorted({dose.at for dose in self.doses() if dose.at > now})

    def ends_at(self) -> datetime:
        doses = self.doses()
        return doses[-1].at if doses else self.made_at

    def adherence(self, now: datetime) -> tuple[int, int]:
        """How many doses were taken, of how many that were due."""
        due = [dose for dose in self.doses() if dose.at <= now]
        return sum(dose.state == "taken" for dose in due), len(due)


def dose_key(item_no: int, day: int, number: int) -> str:
    """A taking of a drug by the day of the plan and its number in the day, both from 0: the same one whatever
    the meal times are, so a tick outlives another breakfast.  A name a field of a document may have: no dot,
    no dollar."""
    return f"{item_no}@{day}-{number}"


def require_bearable(items: Sequence[Item]) -> None:
    """InvalidInput `medication.too_many_doses`."""
    if sum(item.times_a_day * item.days for item in items) > MAX_DOSES:
        raise InvalidInput("medication.too_many_doses", f"a plan has at most {MAX_DOSES} doses")


def event_data(plan: Plan, now: datetime) -> dict[str, Any]:
    """What is told of a plan: ids and times, never a drug."""
    return {
        "plan_id": plan.plan_id,
        "card_id": plan.card_id,
        "person_id": plan.person_id,
        "institution_id": plan.institution_id,
        "version": plan.version,
        "times": plan.times_after(now) if plan.is_active else [],
    }
