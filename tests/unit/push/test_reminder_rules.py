"""When what is to be prepared for an examination is told: before it counts, and never at night."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push.reminders.rules import AFTERWARDS, of_examination
from push.templates import CITY, PREPARATIONS, preparation_shown
from server.core.outbox import Event

pytestmark = pytest.mark.feature("M3", "N1")
BOOKED_AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
CODES = sorted(PREPARATIONS)


def booked(starts_at: datetime, *preparation: dict[str, Any]) -> Event:
    data = {
        "appointment_id": "A",
        "card_id": "C",
        "institution_id": "H",
        "institution": "云溪市第一人民医院",
        "department": "检验科",
        "name": "空腹抽血",
        "starts_at": starts_at.isoformat(),
        "preparation": list(preparation),
    }
    return Event("E", "examination.booked", BOOKED_AT, data)


def test_what_begins_at_different_times_is_told_at_different_times() -> None:
    starts_at = datetime(2026, 11, 25, 0, 30, tzinfo=UTC)  # half past eight in the morning
    told = of_examination(
        booked(
            starts_at,
            {"code": "fasting", "hours": 8},
            {"code": "no_alcohol", "hours": 24},
            {"code": "no_metal"},
            {"code": "drink_after"},
        )
    )
    assert [(one.due_at.astimezone(CITY).isoformat()[:16], one.data["preparation"]) for one in told] == [
        ("2026-11-23T20:00", "检查前 24 小时不要喝酒"),
        ("2026-11-24T20:00", "检查前 8 小时不要吃东西；身上不要带金属，手表、首饰先取下来"),
    ]
    assert {one.stale_at for one in told} == {starts_at}


@given(
    st.datetimes(BOOKED_AT.replace(tzinfo=None), datetime(2026, 12, 31)),
    st.lists(st.tuples(st.sampled_from(CODES), st.none() | st.integers(1, 700)), max_size=6),
)
def test_in_time_by_day_and_once(starts_at: datetime, wanted: list[tuple[str, int | None]]) -> None:
    preparation = [{"code": code, **({"hours": hours} if hours else {})} for code, hours in wanted]
    told = of_examination(booked(starts_at.replace(tzinfo=UTC), *preparation))
    assert len({one.reminder_id for one in told}) == len(told)
    for one in told:
        assert BOOKED_AT < one.due_at <= starts_at.replace(tzinfo=UTC) - timedelta(hours=2)
        assert 8 <= one.due_at.astimezone(CITY).hour <= 20
        assert one.data["preparation"]
    if all(code in AFTERWARDS for code, _ in wanted):
        assert told == []


def test_every_preparation_of_the_knowledge_base_has_its_words() -> None:
    from server.appointments.examinations.knowledge import ExaminationPolicy

    known = {one.code for item in ExaminationPolicy().items for one in item.preparation}
    assert known <= PREPARATIONS.keys()
    for code in CODES:
        assert "{" not in preparation_shown([{"code": code, "hours": 672}])
    assert (
        preparation_shown([{"code": "no_antibiotics", "hours": 672}])
        == "检查前 28 天不要吃消炎药，停药先问医生"
    )
    assert preparation_shown([{"code": "unheard_of"}]) == ""
