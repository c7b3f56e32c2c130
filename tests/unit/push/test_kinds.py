"""The table of messages is whole, and says nothing outside the inbox that is nobody else's business."""

from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push.kinds import CHANNELS, GROUPS, HOSPITAL_KINDS, KINDS, TAPS
from push.preferences.model import QuietHours
from push.templates import TEMPLATES, outside, render

pytestmark = pytest.mark.feature("N2")
EVERYTHING = {
    "institution": "云溪市第一人民医院",
    "place": "门诊三楼",
    "department": "内科",
    "doctor": "李医生",
    "starts_at": "2026-11-25T00:00:00Z",
    "expires_at": "2026-11-24T00:00:00Z",
    "amount_fen": "1230",
    "ahead": "3",
    "token": "A012",
    "item": "胃镜",
    "drugs": "阿莫西林",
    "preparation": "检查前 8 小时不要吃东西",
    "what": "缴费",
    "who": "张*",
    "admit_on": "2026-11-26",
    "on": "2026-11-25",
    "count": "2",
    "note": "请带上医保卡",
    "scene_name": "挂号",
}


def test_every_kind_has_its_words_and_every_word_its_kind() -> None:
    assert KINDS.keys() == TEMPLATES.keys()
    assert {kind.group for kind in KINDS.values()} == set(GROUPS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_can_be_told_with_what_it_needs(kind: str) -> None:
    needed = {name: EVERYTHING[name] for name in KINDS[kind].needs}
    for data in (needed, EVERYTHING):
        title, text = render(kind, data)
        assert title and text and "{" not in text and "None" not in text
    assert KINDS[kind].needs.isdisjoint(KINDS[kind].takes)


@pytest.mark.parametrize("kind", KINDS)
def test_outside_it_names_nobody_and_nothing_of_the_body(kind: str) -> None:
    told = outside(kind, EVERYTHING)
    assert all(0 < len(value) <= 20 for value in told.values()), told
    for private in ("阿莫西林", "胃镜", "吃东西", "张*", "请带上医保卡"):
        assert private not in str(told)


def test_channels_have_what_they_send() -> None:
    for name, kind in KINDS.items():
        assert ("sms" in kind.channels) == (kind.sms is not None), name
        assert list(kind.channels) == [one for one in CHANNELS if one in kind.channels], name
    assert all(1 <= len(names) <= 3 for names in TAPS.values()), "WeChat shows three at once"
    assert "card_frozen" not in HOSPITAL_KINDS
    assert {"bill_due", "prescription_due", "medicine_ready", "report_ready", "queue_called"} < HOSPITAL_KINDS


@given(st.times(), st.times(), st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)))
def test_quiet_hours_end_after_they_reign(begins: time, ends: time, moment: datetime) -> None:
    at = moment.replace(tzinfo=UTC)
    hours = QuietHours(begins.replace(second=0, microsecond=0), ends.replace(second=0, microsecond=0))
    end = hours.end_of(at)
    if end is not None:
        assert end > at
        assert hours.end_of(end) is None


def test_the_night_goes_over_midnight() -> None:
    night = QuietHours(time(22, 0), time(7, 0))
    assert night.end_of(datetime(2026, 11, 22, 15, 0, tzinfo=UTC)) == datetime(
        2026, 11, 22, 23, 0, tzinfo=UTC
    )
    assert night.end_of(datetime(2026, 11, 22, 22, 0, tzinfo=UTC)) == datetime(
        2026, 11, 22, 23, 0, tzinfo=UTC
    )
    assert night.end_of(datetime(2026, 11, 22, 23, 0, tzinfo=UTC)) is None
    assert night.end_of(datetime(2026, 11, 22, 8, 0, tzinfo=UTC)) is None


def test_every_text_is_of_a_kind_and_every_kind_has_its_text() -> None:
    """A text without a kind would park the event that tells it."""
    assert TEMPLATES.keys() == KINDS.keys()
