"""Saying of a receipt "this was not me"; and what the centre does with a card (V8, C4)."""

from collections import Counter
from typing import Any

import pytest
from pymongo.database import Database

from tests.api.calls import another_process
from tests.harness import Answer, Platform

pytestmark = [pytest.mark.feature("V8"), pytest.mark.gen_test(timeout=60)]


async def receipt_of_a_scan(platform: Platform) -> tuple[str, str, dict[str, Any]]:
    token, card_id = await platform.holder(platform.residents[0])
    assert (await platform.scan(platform.partner(), await platform.code(token, card_id))).status == 200
    await platform.work()
    [receipt] = await platform.messages(token)
    return token, card_id, receipt


async def object_to(platform: Platform, token: str, receipt: dict[str, Any]) -> Answer:
    return await platform.http.post(f"/api/v1/messages/{receipt['message_id']}/objection", token=token)


async def by_centre(platform: Platform, staff: str, card_id: str, action: str) -> Answer:
    body = {"action": action, "reason": "cleared up by telephone"}
    return await platform.http.post(f"/staff/v1/cards/{card_id}/transitions", body, token=staff)


async def test_it_was_not_me(platform: Platform, db: Database[Any]) -> None:
    token, card_id, receipt = await receipt_of_a_scan(platform)
    code = await platform.code(token, card_id, "static")
    async with another_process(platform) as other:
        objected = await object_to(platform, token, receipt)
        assert objected.status == 200
        assert (objected.json["card_id"], objected.json["card_status"]) == (card_id, "frozen")
        refused = await other.scan(other.partner(), code)
        assert refused.error[0] == "card.frozen"
    staff = await platform.staff("security.events", "cards.freeze")
    [event] = (await platform.http.get("/staff/v1/security-events?state=open", token=staff)).json["events"]
    assert event["event_id"] == objected.json["event_id"] == receipt["data"]["verification_id"]
    assert (event["kind"], event["card_id"], event["acted_at"]) == (
        "objection",
        card_id,
        "2026-11-22T08:00:00Z",
    )
    assert event["detail"]["place"] == "门诊收费窗口 3 号"
    assert (await platform.http.get("/staff/v1/security-events?state=closed", token=staff)).json[
        "events"
    ] == []
    path = f"/staff/v1/security-events/{event['event_id']}/closure"
    closed = await platform.http.post(path, {"note": "家人代办"}, token=staff)
    assert (closed.status, closed.json["note"]) == (200, "家人代办")
    again = await platform.http.post(path, {"note": "x"}, token=staff)
    assert (again.status, again.error) == (409, "security_event.closed")
    assert "家人代办" not in str(db.security_events.find_one())
    missing = f"/staff/v1/security-events/{card_id}/closure"
    assert (await platform.http.post(missing, {"note": "x"}, token=staff)).error == "security_event.not_found"
    entries = Counter(row["action"] for row in db.audit.find({"action": {"$regex": "^security"}}))
    assert entries == {"security.open": 1, "security.list": 2, "security.close": 2}


async def test_an_objection_acts_once(platform: Platform, db: Database[Any]) -> None:
    token, card_id, receipt = await receipt_of_a_scan(platform)
    first = await object_to(platform, token, receipt)
    factor = await platform.factor(token, card_id, platform.residents[0].phone)
    assert (await platform.move(token, card_id, "reactivate", factor)).status == 200
    again = await object_to(platform, token, receipt)
    assert (again.json["event_id"], again.json["card_status"]) == (first.json["event_id"], "active")
    assert db.security_events.count_documents({}) == 1
    db.security_events.update_one(
        {}, {"$unset": {"acted_at": ""}}
    )  # as if it had died before it froze the card
    assert (await object_to(platform, token, receipt)).json["card_status"] == "frozen"


async def test_a_card_that_is_lost_stays_lost(platform: Platform) -> None:
    token, card_id, receipt = await receipt_of_a_scan(platform)
    await platform.move(token, card_id, "report_lost")
    objected = await object_to(platform, token, receipt)
    assert (objected.status, objected.json["card_status"]) == (200, "lost")


async def test_only_ones_own_receipts(platform: Platform) -> None:
    token, _, receipt = await receipt_of_a_scan(platform)
    other = await platform.sign_in(platform.residents[1])
    assert (await object_to(platform, other, receipt)).error == "message.not_found"
    await object_to(platform, token, receipt)
    await platform.work()
    [told] = [m for m in await platform.messages(token) if m["kind"] == "card_frozen"]
    refused = await object_to(platform, token, told)
    assert (refused.status, refused.error) == (409, "message.not_a_receipt")


@pytest.mark.feature("C4")
async def test_the_centre_freezes_reactivates_and_cancels(platform: Platform, db: Database[Any]) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    staff = await platform.staff("cards.freeze")
    seen = await platform.http.get(f"/staff/v1/cards/{card_id}", token=staff)
    assert seen.json["may"] == ["freeze", "cancel"]
    assert seen.json["id_no_masked"].count("*") == 11 and seen.json["name_masked"].endswith("*")
    frozen = await by_centre(platform, staff, card_id, "freeze")
    assert (frozen.json["status"], frozen.json["frozen_because"]) == ("frozen", "centre")
    again = await by_centre(platform, staff, card_id, "freeze")
    assert (again.status, again.error) == (409, "card.transition_illegal")
    assert (await by_centre(platform, staff, card_id, "reactivate")).json["status"] == "active"
    assert (await by_centre(platform, staff, card_id, "cancel")).json["status"] == "cancelled"
    assert (await platform.claim(token, platform.residents[0])).status == 201
    moves = list(db.audit.find({"action": "cards.move"}))
    assert sorted(row["outcome"] for row in moves) == ["cancel", "freeze", "reactivate"]
    assert {row["actor"]["kind"] for row in moves} == {"staff"}
    assert db.audit.count_documents({"action": "cards.see"}) == 1


@pytest.mark.feature("C4")
async def test_staff_without_the_permission_move_nothing(platform: Platform) -> None:
    _, card_id = await platform.holder(platform.residents[0])
    staff = await platform.staff("audit.read")
    refused = await by_centre(platform, staff, card_id, "freeze")
    assert (refused.status, refused.error) == (403, "permission.missing")
    for body in ({"action": "report_lost", "reason": "r"}, {"action": "freeze", "reason": ""}):
        path = f"/staff/v1/cards/{card_id}/transitions"
        clerk = await platform.staff("cards.freeze")
        assert (await platform.http.post(path, body, token=clerk)).status == 400
    listed = await platform.http.get("/staff/v1/security-events", token=staff)
    assert (listed.status, listed.error) == (403, "permission.missing")
