"""From a prescription to a plan, its times and its ticks, over HTTP."""

from typing import Any

import pytest
from pymongo.database import Database

from tests.harness import APP_ID, Platform

pytestmark = [pytest.mark.feature("N4"), pytest.mark.gen_test(timeout=60)]
ITEMS = [
    {"drug": "阿莫西林胶囊", "dose": "2", "unit": "粒", "times_a_day": 3, "meal": "after", "days": 2},
    {"drug": "布洛芬", "dose": "0.5", "unit": "片", "times_a_day": 1, "days": 1, "note": "发热时"},
]
SCOPES = ("verification", "persons.pix", "prescriptions")


async def planned(platform: Platform) -> tuple[str, str, dict[str, Any]]:
    """(token, card_id, plan) of a resident whose hospital has sent a prescription."""
    await platform.admit(scopes=SCOPES)
    token, card_id = await platform.holder(platform.residents[0])
    client = platform.partner()
    verified = await platform.scan(client, await platform.code(token, card_id))
    number = {"hospital_patient_no": "P-1", "verification_id": verified.body["verification_id"]}
    assert (await client.call("POST", "/partner/v1/patients", number)).status == 201
    body = {"hospital_patient_no": "P-1", "prescription_no": "R-1", "items": ITEMS}
    answers = [await client.call("POST", "/partner/v1/prescriptions", body) for _ in range(2)]
    assert [answer.status for answer in answers] == [201, 200]
    assert answers[0].body == answers[1].body
    return token, card_id, answers[0].body


async def test_a_prescription_becomes_a_plan_with_ticks(
    platform: Platform, db: Database[dict[str, Any]]
) -> None:
    token, card_id, told = await planned(platform)
    [plan] = (await platform.http.get(f"/api/v1/medication-plans?card_id={card_id}", token=token)).json[
        "plans"
    ]
    assert plan["plan_id"] == told["plan_id"]
    assert [item["times"] for item in plan["items"]] == [["08:00", "12:30", "19:00"], ["07:30"]]
    assert "阿莫西林" not in str(db.medication_plans.find_one())

    path = f"/api/v1/medication-plans/{plan['plan_id']}"
    first = plan["doses"][0]["at"]
    early = {"at": "2026-11-23T23:30:00Z", "state": "taken"}
    assert (await platform.http.post(f"{path}/ticks", early, token=token)).error == "medication.no_such_dose"
    for never in ("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"):
        ended = await platform.http.post(f"{path}/ticks", {"at": never, "state": "taken"}, token=token)
        assert ended.error == "medication.no_such_dose"
    tick = {"at": first, "state": "taken"}
    ticked = await platform.http.post(f"{path}/ticks", tick, token=token)
    assert ticked.status == 200, ticked.body
    platform.clock.advance(4 * 3600)
    plan = (await platform.http.get(path, token=token)).json
    assert (plan["taken"], plan["due"]) == (1, 1)
    back = await platform.http.post(f"{path}/ticks", {"at": first, "state": None}, token=token)
    assert back.json["taken"] == 0


async def test_meal_times_move_the_plan_and_the_next_one(platform: Platform) -> None:
    token, card_id, told = await planned(platform)
    path = f"/api/v1/medication-plans/{told['plan_id']}"
    meals = {"breakfast": "06:00", "lunch": "11:00", "dinner": "17:00", "bedtime": "20:30"}
    moved = await platform.http.send("PUT", path, {"meals": meals}, token=token)
    assert moved.json["items"][0]["times"] == ["06:30", "11:30", "17:30"]
    wrong = await platform.http.send("PUT", path, {"meals": {**meals, "lunch": "05:00"}}, token=token)
    assert wrong.error == "medication.meals_unordered"
    body = {"card_id": card_id, "prescription_no": "R-2", "items": ITEMS}
    assert (await platform.partner().call("POST", "/partner/v1/prescriptions", body)).status == 201
    plans = (await platform.http.get(f"/api/v1/medication-plans?card_id={card_id}", token=token)).json[
        "plans"
    ]
    assert [plan["meals"]["breakfast"] for plan in plans] == ["06:00", "06:00"]
    stopped = await platform.http.send("PUT", path, {"meals": meals, "is_active": False}, token=token)
    assert stopped.json["is_active"] is False


async def test_another_breakfast_forgets_no_tick(platform: Platform, db: Database[dict[str, Any]]) -> None:
    token, _, told = await planned(platform)
    path = f"/api/v1/medication-plans/{told['plan_id']}"
    first = (await platform.http.get(path, token=token)).json["doses"][0]
    ticked = await platform.http.post(f"{path}/ticks", {"at": first["at"], "state": "taken"}, token=token)
    assert ticked.json["doses"][0]["state"] == "taken"
    meals = {"breakfast": "06:00", "lunch": "11:00", "dinner": "15:00", "bedtime": "20:30"}
    moved = (await platform.http.send("PUT", path, {"meals": meals}, token=token)).json
    assert moved["doses"][0]["at"] < first["at"], "before the plan was made, and still shown: it was taken"
    assert (moved["doses"][0]["state"], moved["taken"], moved["due"]) == ("taken", 1, 1)
    back = {"at": moved["doses"][0]["at"], "state": None}
    assert (await platform.http.post(f"{path}/ticks", back, token=token)).json["taken"] == 0
    assert db.medication_plans.find_one({}, {"ticks": 1})["ticks"] == {}  # type: ignore[index]


async def test_a_hospital_plans_for_whom_it_knows_only(platform: Platform) -> None:
    await platform.admit(scopes=SCOPES)
    token, card_id = await platform.holder(platform.residents[0])
    body = {"card_id": card_id, "prescription_no": "R-1", "items": ITEMS}
    client = platform.partner()
    stranger = await client.call("POST", "/partner/v1/prescriptions", body)
    assert (stranger.status, stranger.body["error"]["code"]) == (404, "patient.not_found")
    await platform.scan(client, await platform.code(token, card_id))
    assert (await client.call("POST", "/partner/v1/prescriptions", body)).status == 201
    both = {**body, "hospital_patient_no": "P-1"}
    assert (await client.call("POST", "/partner/v1/prescriptions", both)).status == 400
    late = {**body, "prescription_no": "R-9", "first_on": "2026-11-01"}
    assert (await client.call("POST", "/partner/v1/prescriptions", late)).body["error"]["code"] == (
        "medication.too_late"
    )
    await platform.admit(APP_ID, scopes=("verification",))
    assert (await client.call("POST", "/partner/v1/prescriptions", body)).status == 403
