"""When somebody takes what: times of day, doses, adherence."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.core.errors import InvalidInput
from server.medications.migration import newest
from server.medications.model import MAX_DAYS, Item, Meal, Meals, Plan, dose_key, event_data, require_bearable

pytestmark = pytest.mark.feature("N4")
MADE_AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)  # 16:00 in the city


def plan(*items: Item, **changes: Any) -> Plan:
    known: dict[str, Any] = {
        "plan_id": "p",
        "card_id": "c",
        "person_id": None,
        "institution_id": "h",
        "institution": "医院",
        "prescription_no": "r",
        "first_on": date(2026, 11, 22),
        "meals": Meals(),
        "made_at": MADE_AT,
        **changes,
    }
    return Plan(items=items, **known)


def item(number: int = 1, times: int = 3, meal: Meal = "none", days: int = 2) -> Item:
    return Item(number, "阿莫西林", "1", "片", times, meal, days)


@pytest.mark.parametrize(
    ("times_a_day", "meal", "expected"),
    [
        (1, "none", ["07:30"]),
        (2, "with", ["07:30", "18:30"]),
        (3, "after", ["08:00", "12:30", "19:00"]),
        (3, "before", ["07:00", "11:30", "18:00"]),
        (4, "after", ["08:00", "12:30", "19:00", "21:30"]),
        (5, "none", ["07:30", "11:00", "14:30", "18:00", "21:30"]),
    ],
)
def test_times_of_a_day_follow_the_meals(times_a_day: int, meal: Meal, expected: list[str]) -> None:
    assert [f"{at:%H:%M}" for at in Meals().times_of(times_a_day, meal)] == expected


@given(st.integers(1, 6), st.sampled_from(["before", "after", "with", "none"]))
def test_as_many_times_as_prescribed(times_a_day: int, meal: Meal) -> None:
    times = Meals().times_of(times_a_day, meal)
    assert len(times) == times_a_day
    assert list(times) == sorted(times)


def test_a_meal_at_midnight_stays_in_its_day() -> None:
    meals = Meals(time(0, 10), time(12, 0), time(18, 0), time(23, 50))
    assert meals.times_of(1, "before") == (time(0, 0),)


def test_meals_come_in_order() -> None:
    with pytest.raises(InvalidInput, match="meals_unordered"):
        Meals(breakfast=time(13, 0)).require_ordered()


def test_the_first_day_begins_when_the_plan_was_made() -> None:
    doses = plan(item(times=3, days=2)).doses()
    assert [dose.at.isoformat()[:16] for dose in doses] == [
        *("2026-11-22T10:30", "2026-11-22T23:30", "2026-11-23T04:00", "2026-11-23T10:30"),
    ]


def test_drugs_of_one_time_are_one_moment() -> None:
    both = plan(item(1, 3, "none", 1), item(2, 1, "none", 3))
    assert [one.item_no for one, _ in both.takings_at(datetime(2026, 11, 22, 23, 30, tzinfo=UTC))] == [2]
    times = both.times_after(MADE_AT)
    assert len(times) == len(set(times)) == 3


@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 8 * 24 * 2))
def test_what_is_due_at_a_moment_is_what_the_doses_say(times: int, days: int, half_hours: int) -> None:
    made = plan(item(1, times, "after", days), item(2, 1, "none", 2))
    at = MADE_AT - timedelta(days=1) + timedelta(minutes=30 * half_hours)
    at = min((dose.at for dose in made.doses() if dose.at >= at), default=at)
    due = {one.item_no for one, _ in made.takings_at(at)}
    assert due == {dose.item_no for dose in made.doses() if dose.at == at}


def test_adherence_counts_what_was_due() -> None:
    made = plan(item(times=3, days=2))
    _, second, *_ = made.doses()
    ticked = plan(item(times=3, days=2), ticks={dose_key(1, 0, 2): "taken", dose_key(1, 1, 0): "skipped"})
    assert ticked.adherence(second.at) == (1, 2)
    assert ticked.adherence(MADE_AT) == (0, 0)


def clocks() -> st.SearchStrategy[Meals]:
    """Meals in order, none so near another or midnight that "before" and "after" would meet."""
    hours = st.lists(st.integers(1, 22), min_size=4, max_size=4, unique=True).map(sorted)
    return hours.map(lambda found: Meals(*(time(hour) for hour in found)))


@given(st.integers(1, 6), st.sampled_from(["before", "after", "with", "none"]), clocks(), st.data())
def test_other_meal_times_forget_no_tick(times: int, meal: Meal, meals: Meals, data: st.DataObject) -> None:
    """As many doses are taken as before, whenever they are now, and each can be taken back."""
    made = plan(item(1, times, meal, 3), item(2, 1, "none", 2))
    dose = data.draw(st.sampled_from(made.doses()))
    [key] = [key for one, key in made.takings_at(dose.at) if one.item_no == dose.item_no]
    moved = replace(made, ticks={key: "taken"}, meals=meals)
    [taken] = [one for one in moved.doses() if one.state == "taken"]
    assert taken.item_no == dose.item_no
    assert key in [found for _, found in moved.takings_at(taken.at)]
    assert [one.at for one in replace(moved, meals=Meals()).doses() if one.state] == [dose.at]


def test_ticks_of_the_first_form_keep_what_they_say() -> None:
    old = plan(item(times=3, days=2), ticks={"1@20261122T1030": "taken", "1@20261123T0400": "skipped"})
    assert newest(old) == {dose_key(1, 0, 2): "taken", dose_key(1, 1, 1): "skipped"}
    assert newest(replace(old, ticks=newest(old))) == newest(old)
    assert newest(replace(old, ticks={"1@20261122T1100": "taken"})) == {}


def test_a_plan_that_is_over_has_no_times_to_tell() -> None:
    assert event_data(plan(item()), MADE_AT)["times"]
    assert event_data(plan(item(), is_active=False), MADE_AT)["times"] == []
    assert "阿莫西林" not in str(event_data(plan(item()), MADE_AT))


def test_a_plan_has_an_end() -> None:
    with pytest.raises(InvalidInput, match="too_many_doses"):
        require_bearable([item(number, 6, days=MAX_DAYS) for number in range(1, 6)])
    assert plan(item()).ends_at() - MADE_AT < timedelta(days=2)
