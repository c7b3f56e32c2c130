"""A hospital with pools, and short ways to book there."""

from datetime import date, datetime, timedelta
from typing import Any

from server.appointments.fairness.service import Booker
from server.appointments.hospitals.model import Hospital
from server.cards.model import Card, Holder, Status, Tie, new_ehealth_card_id
from server.core.audit import Actor
from server.core.clock import city_day, iso
from server.core.errors import EhcError
from server.core.ids import new_id
from tests.harness import APP_ID, Answer, Platform

INSTITUTION = f"institution-of-{APP_ID}"
BY = Actor("system", "test")


def tomorrow_at(platform: Platform, hour: int, days: int = 1) -> datetime:
    """That hour on the city's wall clock, so many days from now."""
    now = platform.clock.now()
    day = city_day(now) + timedelta(days=days)
    return datetime.fromisoformat(f"{day.isoformat()}T{hour:02d}:00:00+08:00")


def schedule(
    platform: Platform, capacity: int = 2, *, hour: int = 9, slots: int = 2, days: int = 1, **more: Any
) -> dict[str, Any]:
    """A morning of Dr. Lin: half-hour slots s1, s2, …"""
    start, fee_fen = tomorrow_at(platform, hour, days), more.pop("fee_fen", 0)
    half = timedelta(minutes=30)
    return {
        "kind": "clinic",
        "department": {"department_id": "D01", "name": "心血管内科"},
        "doctor": {"doctor_id": "dr-lin", "name": "林医生", "title": "主任医师"},
        "place": "门诊楼二层 3 诊室",
        "on": city_day(start).isoformat(),
        "slots": [
            {
                "slot_id": f"s{number + 1}",
                "starts_at": iso(start + half * number),
                "ends_at": iso(start + half * (number + 1)),
                "capacity": capacity,
                "fee_fen": fee_fen,
            }
            for number in range(slots)
        ],
        **more,
    }


async def open_hospital(platform: Platform, **changes: Any) -> None:
    hospital = Hospital(INSTITUTION, "云溪市第一人民医院", "pools", "云溪市槐荫路 1 号", **changes)
    await platform.app.services.hospitals.put(hospital, BY)
    await platform.admit(scopes=("verification", "slots"))


async def load(platform: Platform, schedule_id: str, content: dict[str, Any]) -> Any:
    """The hospital loads a schedule; its signed reply."""
    return await platform.partner().call("PUT", f"/partner/v1/slot-pools/{schedule_id}", content)


async def slots(platform: Platform, token: str, on: str, **query: str) -> list[dict[str, Any]]:
    asked = "&".join(f"{name}={value}" for name, value in {"department_id": "D01", "on": on, **query}.items())
    answer = await platform.http.get(f"/api/v1/institutions/{INSTITUTION}/slots?{asked}", token=token)
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.json["slots"]
    return found


async def book(platform: Platform, token: str, card_id: str, slot_id: str, **more: Any) -> Answer:
    body = {"card_id": card_id, "institution_id": INSTITUTION, "slot_id": slot_id}
    return await platform.http.post("/api/v1/appointments", body, token=token, **more)


def slot_ref(content: dict[str, Any], schedule_id: str, slot_id: str = "s1") -> str:
    """What the platform calls a slot of a schedule that was loaded."""
    on = content["on"].replace("-", "")
    return f"{content['kind']}:{content['department']['department_id']}:{on}:{schedule_id}~{slot_id}"


async def crowd(platform: Platform, number: int) -> list[Booker]:
    """People with an active card each, put where claims would put them; an account's card has its id."""
    now, store = platform.clock.now(), platform.app.services.cards._store
    people = []
    for index in range(number):
        name = new_id(now)
        holder = Holder("王三", "female", date(1960, 1, 1), "01", f"990101{name}", "19900000000")
        tie = Tie(name, "self", now, None)
        card = Card(name, new_ehealth_card_id(), Status.PENDING, holder, None, (tie,), now)
        await store.insert(card, f"document-{name}", now)
        assert await store.activate(card, f"person-{name}", now)
        people.append(Booker(name, None, f"10.0.{index // 250}.{index % 250}"))
    return people


async def outcome_of(platform: Platform, booker: Booker, slot_id: str) -> str:
    """The state of the booking, or the code of the refusal."""
    try:
        booked = await platform.app.services.appointments.book(
            booker, booker.account_id, INSTITUTION, slot_id
        )
    except EhcError as refusal:
        return refusal.code
    return str(booked.state.value)
