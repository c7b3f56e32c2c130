"""Examinations: each kind of rule refuses with its reason, and the plan is the best there is (M3)."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.appointments.examinations.conflicts import Placed, conflicts
from server.appointments.examinations.knowledge import ExaminationPolicy, Exclusion, Interval, Item, Order
from server.appointments.examinations.planning import (
    MAX_DAYS,
    MAX_ITEMS,
    NoPlan,
    Plan,
    Wanted,
    plan,
    score,
)
from server.core.clock import city_day

pytestmark = pytest.mark.feature("M3")

KNOWN = ExaminationPolicy()
NINE = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # nine o'clock in the city


def at(item: str, hours: float = 0, ref: str | None = None, minutes: int = 20) -> Placed:
    starts_at = NINE + timedelta(hours=hours)
    return Placed(ref or item, item, starts_at, starts_at + timedelta(minutes=minutes))


def why(new: Placed, *booked: Placed) -> list[tuple[str, dict[str, object]]]:
    return [(one.reason, one.parameters) for one in conflicts([new], booked, KNOWN)]


@pytest.mark.parametrize(
    ("new", "booked", "reason"),
    [
        (at("mr.contrast", 24), at("ct.contrast"), ("excluded", {"within_days": 2})),
        (at("ecg.holter", 6), at("mr.plain"), ("excluded", {"within_days": 0})),
        (
            at("lab.fasting", 1),
            at("endoscopy.colon"),
            ("order", {"first": "lab.fasting", "then": "endoscopy.colon"}),
        ),
        (
            at("ct.plain", 72),
            at("barium.meal"),
            ("interval", {"first": "barium.meal", "then": "ct.plain", "hours": 168}),
        ),
        (at("ecg", 0.5), at("dr.chest"), ("overlap", {"gap_minutes": 15})),
    ],
)
def test_two_that_do_not_go_together_are_refused_with_the_reason(
    new: Placed, booked: Placed, reason: tuple[str, dict[str, object]]
) -> None:
    assert reason in why(new, booked)


def test_what_is_far_enough_apart_goes_together() -> None:
    assert why(at("mr.contrast", 72), at("ct.contrast")) == []
    assert why(at("barium.meal", 1), at("ct.plain")) == []
    assert why(at("endoscopy.colon", 1), at("lab.fasting")) == []
    assert why(at("nobody.described.it", 1), at("ct.contrast")) == []


def test_a_fasting_patient_is_not_kept_waiting_until_noon() -> None:
    assert why(at("lab.fasting", 2)) == [("not_after", {"at": "10:30"})]
    assert why(at("lab.fasting", 1.5)) == []


def test_the_new_ones_are_held_against_each_other_too() -> None:
    found = conflicts([at("ct.contrast"), at("mr.contrast", 3)], [], KNOWN)
    assert [(one.reason, one.ref, one.other_ref) for one in found] == [
        ("excluded", "mr.contrast", "ct.contrast")
    ]


def test_orders_that_contradict_each_other_bind_nobody() -> None:
    known = ExaminationPolicy(orders=(Order(first="a", then="b"), Order(first="b", then="a")))
    assert conflicts([at("a"), at("b", 1)], [], known) == []


def test_every_rule_of_the_default_speaks_of_something_known() -> None:
    names = {item.item for item in KNOWN.items} | {tag for item in KNOWN.items for tag in item.tags}
    said = {rule.one for rule in KNOWN.exclusions} | {rule.other for rule in KNOWN.exclusions}
    said |= {end for rule in (*KNOWN.orders, *KNOWN.intervals) for end in (rule.first, rule.then)}
    assert said <= names


def wanted(item: str, *hours: float) -> Wanted:
    return Wanted(item, item, tuple(at(item, hour) for hour in hours))


def planned(*items: Wanted, booked: tuple[Placed, ...] = ()) -> dict[str, float]:
    """The hours after nine of the first day."""
    found = plan(items, booked, KNOWN)
    assert isinstance(found, Plan) and found.is_exact
    return {ref: (one.starts_at - NINE).total_seconds() / 3600 for ref, one in found.places.items()}


def test_one_visit_is_better_than_an_earlier_first_one() -> None:
    assert planned(wanted("ecg", 0, 24), wanted("dr.chest", 25)) == {"ecg": 24, "dr.chest": 25}


def test_a_day_one_comes_anyway_costs_no_visit() -> None:
    booked = (at("us.heart", 48, ref="booked"),)
    assert planned(wanted("ecg", 0, 49), booked=booked) == {"ecg": 49}


def test_what_must_be_apart_takes_as_few_visits_as_it_can() -> None:
    found = planned(
        wanted("ct.contrast", *range(0, 240, 24)),
        wanted("mr.contrast", *range(1, 240, 24)),
        wanted("lab.fasting", *range(0, 240, 24)),
        wanted("ecg", *range(2, 240, 24)),
    )
    # The blood first, so the CT with contrast cannot be at the same nine o'clock.
    assert found["lab.fasting"] < found["mr.contrast"] < found["ct.contrast"] or (
        found["lab.fasting"] < found["ct.contrast"]
    )
    assert len({hour // 24 for hour in found.values()}) == 2


def test_no_time_at_all_is_told_of_the_item() -> None:
    booked = (at("ct.contrast", ref="booked"),)
    found = plan([wanted("ecg", 1), wanted("mr.contrast", 3, 24)], booked, KNOWN)
    assert found == NoPlan(("mr.contrast",), is_proven=True)
    assert plan([wanted("ecg", 0), wanted("dr.chest", 0)], (), KNOWN) == NoPlan((), is_proven=True)


# -- against brute force
ITEMS = ("a", "b", "c", "d")
SMALL = ExaminationPolicy(
    items=tuple(
        Item(item=item, name=item, tags=tags, not_after=last)
        for item, tags, last in (
            ("a", ("t",), None),
            ("b", ("t",), None),
            ("c", (), "12:00"),
            ("d", (), None),
        )
    ),
    exclusions=(Exclusion(one="t", other="c", within_days=0),),
    orders=(Order(first="a", then="d"),),
    intervals=(Interval(first="b", then="a", hours=24),),
    gap_minutes=10,
)
HOURS = st.lists(st.sampled_from([0, 1, 2, 4, 24, 25, 28, 48, 50, 72]), min_size=1, max_size=5, unique=True)


@settings(max_examples=250, deadline=None)
@given(
    chosen=st.dictionaries(st.sampled_from(ITEMS), HOURS, min_size=1, max_size=4),
    booked=st.dictionaries(st.sampled_from(ITEMS), st.sampled_from([1, 26, 49]), max_size=1),
)
def test_the_plan_is_as_good_as_looking_at_everything(
    chosen: dict[str, list[int]], booked: dict[str, int]
) -> None:
    items = [wanted(item, *sorted(hours)) for item, hours in chosen.items()]
    before = [at(item, hour, ref=f"booked-{item}") for item, hour in booked.items()]
    days = frozenset(city_day(one.starts_at) for one in before)
    feasible = [
        places for places in product(*(one.openings for one in items)) if not conflicts(places, before, SMALL)
    ]
    found = plan(items, before, SMALL)
    if not feasible:
        assert isinstance(found, NoPlan) and found.is_proven
        return
    assert isinstance(found, Plan) and found.is_exact
    places = [found.places[one.ref] for one in items]
    assert conflicts(places, before, SMALL) == []
    assert score(places, days) == min(score(one, days) for one in feasible)


@pytest.mark.parametrize(("minutes", "visits"), [(15, 1), (20, 2)])
def test_a_plan_of_real_size_is_exact(minutes: int, visits: int) -> None:
    """Eight items, fourteen days, a slot every half hour from eight to noon: of a quarter of an hour, with
    the way between them, all fit into one morning; a little longer, and every other slot is lost."""
    codes = ("lab.fasting", "us.abdomen", "ct.contrast", "mr.plain", "endoscopy.stomach", "ecg", "us.heart")
    codes = (*codes, "dr.chest")
    assert len(codes) == MAX_ITEMS
    hours = [day * 24 + half / 2 - 1 for day in range(MAX_DAYS) for half in range(8)]
    openings = {code: tuple(at(code, hour, minutes=minutes) for hour in hours) for code in codes}
    found = plan([Wanted(code, code, openings[code]) for code in codes], (), KNOWN)
    assert isinstance(found, Plan)
    placed = list(found.places.values())
    assert conflicts(placed, [], KNOWN) == []
    assert len({city_day(one.starts_at) for one in placed}) == visits
    assert {city_day(one.starts_at) for one in placed} == {
        city_day(NINE + timedelta(days=n)) for n in range(visits)
    }
    assert found.is_exact
