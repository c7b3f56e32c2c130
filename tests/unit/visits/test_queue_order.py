"""The order of a queue: by booked time, by rule, and where one returns (M4)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.visits.queues.model import (
    ROOM,
    TABLE,
    QueuePolicy,
    State,
    elderly,
    rank_back,
    rank_of,
    ranked_at,
)

pytestmark = pytest.mark.feature("M4")

RULES = QueuePolicy()
DAY = date(2026, 11, 23)
NINE = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def rank(turn: int, arrived: float, booked: float | None = None, priority: str | None = None) -> int:
    for_when = None if booked is None else NINE + minutes(booked)
    at = ranked_at(RULES, NINE + minutes(arrived), for_when, priority)  # type: ignore[arg-type]
    return rank_of(at, turn, priority, DAY)  # type: ignore[arg-type]


def test_the_order_of_a_morning() -> None:
    order = {
        "emergency, just in": rank(9, 40, None, "emergency"),
        "booked 9:00, elderly": rank(5, -10, 0, "elderly"),
        "booked 9:00, first to come": rank(1, -50, 0),
        "booked 9:00, second": rank(2, -5, 0),
        "booked 9:00, ten minutes late": rank(3, 10, 0),
        "booked 9:10": rank(4, -30, 10),
        "not booked, there since 8:45": rank(6, -15),
        "booked 9:00, half an hour late": rank(7, 30, 0),
        "not booked, there since 9:01": rank(8, 1),
    }
    assert sorted(order, key=lambda who: order[who]) == list(order)


def test_nobody_who_waits_is_overtaken_for_ever() -> None:
    """The elderly go earlier by minutes, not before everybody: who waits is reached."""
    waiting = rank(1, 0, 0)
    assert rank(2, 31, None, "elderly") > waiting
    assert rank(3, 31, 31, "elderly") > waiting


@given(st.lists(st.integers(1, 99_999), unique=True, min_size=1, max_size=30), st.integers(0, 12))
def test_one_returns_after_just_so_many(turns: list[int], places: int) -> None:
    waiting = sorted(rank(turn, 0, turn % 3) for turn in turns)
    back = rank_back(waiting, places)
    assert back is not None and back not in waiting and back % ROOM != 0
    assert sum(one < back for one in waiting) == min(places, len(waiting))


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60))
def test_however_many_return_the_order_stays_total(returns: list[int]) -> None:
    waiting = [rank(turn, 0, 0) for turn in range(1, 6)]
    for places in returns:
        back = rank_back(sorted(waiting), places)
        assert back is not None
        before = sum(one < back for one in waiting)
        assert back not in waiting
        assert min(places, len(waiting)) <= before or places == 0
        waiting.append(back)
    assert len(set(waiting)) == len(waiting)


def test_nobody_waits_and_one_returns_to_where_one_was() -> None:
    assert rank_back([], 3) is None


@pytest.mark.parametrize(
    ("born_on", "expected"),
    [(date(1956, 11, 23), True), (date(1956, 11, 24), False), (date(1956, 2, 29), True)],
)
def test_one_is_old_on_the_day_itself(born_on: date, expected: bool) -> None:
    assert elderly(born_on, NINE, RULES) is expected


def test_every_state_can_be_left_but_the_last() -> None:
    left = {state for states, _ in TABLE.values() for state in states} | {State.WAITING}
    assert set(State) - left == {State.LEFT}
