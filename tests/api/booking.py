"""A hospital with pools, and short ways to book there."""

from datetime import datetime, timedelta
from typing import Any

from server.appointments.hospitals.model import Hospital
from server.core.audit import Actor
from server.core.clock import city_day, iso
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
