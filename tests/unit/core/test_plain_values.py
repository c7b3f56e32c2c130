"""Money, ids, time, masks and pages: the small values everything is made of (S2)."""

import re
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.core.clock import HeldClock, SystemClock, city_day, from_ms, iso, to_ms, today
from server.core.ids import ID_PATTERN, new_id, new_token
from server.core.masking import mask_id_no, mask_name, mask_phone
from server.core.money import fen_from_yuan, yuan_from_fen
from server.core.pages import Page, page_of
from server.core.secrets import PERSONAL_FIELDS

TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(
    lambda at: at.replace(tzinfo=UTC, microsecond=at.microsecond // 1000 * 1000)
)


@given(st.integers(-(10**13), 10**13))
def test_money_comes_back_to_the_fen(amount_fen: int) -> None:
    text = yuan_from_fen(amount_fen)
    assert re.fullmatch(r"-?\d+\.\d\d", text)
    assert fen_from_yuan(text) == amount_fen


@pytest.mark.parametrize(
    ("text", "amount_fen"),
    [("0", 0), ("12.3", 1230), ("0.05", 5), ("-0.05", -5), ("100", 10_000), ("-3", -300)],
)
def test_yuan_on_paper(text: str, amount_fen: int) -> None:
    assert fen_from_yuan(text) == amount_fen


@pytest.mark.parametrize(
    "text", ["", ".5", "1.", "1.234", "1e3", "+1", " 1", "1 ", "1,000", "NaN", "--1", "1\n"]
)
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        fen_from_yuan(text)


@given(TIMES, TIMES)
def test_ids_sort_by_the_time_they_were_made(one: datetime, other: datetime) -> None:
    first, second = new_id(one), new_id(other)
    assert re.match(ID_PATTERN, first)
    if to_ms(one) != to_ms(other):
        assert (first < second) == (one < other)


def test_ids_and_tokens_do_not_repeat() -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    made = [new_id(at) for _ in range(10_000)]
    assert len(set(made)) == 10_000
    assert made == sorted(made), "within a millisecond, in the order they were made"
    assert {one[:10] for one in made} == {new_id(at)[:10]}
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {43}


@given(TIMES)
def test_times_come_back_to_the_millisecond(at: datetime) -> None:
    assert from_ms(to_ms(at)) == at
    assert datetime.fromisoformat(iso(at)) == at
    assert iso(at).endswith("Z")
    assert iso(at.astimezone(timezone(timedelta(hours=8)))) == iso(at)


def test_the_clocks() -> None:
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0
    held = HeldClock(now)
    held.advance(1.5)
    assert held.now() - now == timedelta(seconds=1.5)
    assert held.now() == held.now()


@pytest.mark.feature("S2")
@given(st.text(min_size=1, max_size=30))
def test_a_mask_keeps_the_length_and_little_else(text: str) -> None:
    assert mask_name(text) == text[0] + "*" * (len(text) - 1)
    for mask, most in ((mask_id_no, 7), (mask_phone, 7)):
        masked = mask(text)
        assert len(masked) == len(text) or len(text) < 7
        assert sum(kept != "*" for kept in masked) <= most


@pytest.mark.feature("S2")
@pytest.mark.parametrize(
    ("masked", "expected"),
    [
        (mask_name("张三丰"), "张**"),
        (mask_name("\U00020bb7三"), "\U00020bb7*"),
        (mask_name(""), ""),
        (mask_id_no("990101199003070011"), "990***********0011"),
        (mask_id_no("E12345678"), "*******78"),
        (mask_phone("13812341234"), "138****1234"),
    ],
)
def test_what_may_be_seen(masked: str, expected: str) -> None:
    assert masked == expected


@pytest.mark.feature("S2")
def test_every_personal_field_says_what_it_is_for() -> None:
    assert all(field.purpose for field in PERSONAL_FIELDS.values())


@given(st.lists(st.integers(), max_size=40), st.integers(1, 20))
def test_pages_end_where_the_rows_do(rows: list[int], limit: int) -> None:
    seen: list[int] = []
    start = 0
    while True:
        page = page_of(rows[start : start + limit + 1], limit, str)
        seen += page.items
        assert len(page.items) <= limit
        if page.next_cursor is None:
            break
        assert page.next_cursor == str(page.items[-1])
        start += limit
    assert seen == rows
    assert Page([1], "x").map(str) == Page(["1"], "x")


@pytest.mark.feature("I2")
@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC), date(2026, 11, 22)),
        (datetime(2026, 11, 22, 16, 0, tzinfo=UTC), date(2026, 11, 23)),
        (datetime(2026, 12, 31, 16, 0, tzinfo=UTC), date(2027, 1, 1)),
    ],
)
def test_a_day_is_the_citys(at: datetime, day: date) -> None:
    assert city_day(at) == day == today(HeldClock(at))
