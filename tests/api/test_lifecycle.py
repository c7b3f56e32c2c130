"""A card's life: lost, frozen, active again, reissued, cancelled; what each does to the codes (C4, C6)."""

import asyncio
from typing import Any

import pytest
import zxingcpp
from pymongo.database import Database

from server.cards.lifecycle.transitions import Action
from server.core.audit import Actor
from server.core.clock import HeldClock
from tests.api.calls import another_process
from tests.harness import Platform
from tests.unit.cards.test_prints import printed

pytestmark = [pytest.mark.feature("C4", "V1"), pytest.mark.gen_test(timeout=60)]

CENTRE = Actor("staff", "s1")


async def refusal(platform: Platform, code: str, **changes: Any) -> str:
    reply = await platform.scan(platform.partner(), code, **changes)
    return (reply.error or ("accepted", ""))[0]


async def test_lost_frozen_and_back(platform: Platform) -> None:
    resident = platform.residents[0]
    token, card_id = await platform.holder(resident)
    shown = await platform.http.get(f"/api/v1/cards/{card_id}", token=token)
    assert shown.json["may"] == ["report_lost", "freeze", "reissue", "cancel"]
    for action, status in (("report_lost", "lost"), ("freeze", "frozen")):
        platform.clock.advance(1)
        moved = await platform.move(token, card_id, action)
        assert (moved.status, moved.json["status"]) == (200, status)
        platform.clock.advance(1)
        assert (
            await platform.http.get(f"/api/v1/cards/{card_id}/code", token=token)
        ).error == "card.not_active"
        refused = await platform.move(token, card_id, "reactivate")
        assert (refused.status, refused.error) == (403, "factor.required")
        factor = await platform.factor(token, card_id, resident.phone)
        assert (await platform.move(token, card_id, "reactivate", factor)).json["status"] == "active"
        again = await platform.move(token, card_id, "reactivate", factor)
        assert (again.status, again.error) == (409, "card.transition_illegal")
    await platform.work()
    kinds = [message["kind"] for message in await platform.messages(token)]
    assert kinds == ["card_reactivated", "card_frozen", "card_reactivated", "card_lost"]


@pytest.mark.parametrize("action", ["report_lost", "freeze"])
async def test_a_stopped_card_is_refused_by_every_process_at_once(platform: Platform, action: str) -> None:
    resident = platform.residents[0]
    token, card_id = await platform.holder(resident)
    status = {"report_lost": "lost", "freeze": "frozen"}[action]
    async with another_process(platform) as other:
        assert await refusal(other, await platform.code(token, card_id)) == "accepted"
        codes = [await platform.code(token, card_id, kind) for kind in ("dynamic", "static")]
        assert (await platform.move(token, card_id, action)).status == 200
        for process in (platform, other):
            for code in codes:
                assert await refusal(process, code) == f"card.{status}"
        factor = await platform.factor(token, card_id, resident.phone)
        assert (await other.move(token, card_id, "reactivate", factor)).status == 200
        for process in (platform, other):
            assert await refusal(process, await process.code(token, card_id)) == "accepted"


@pytest.mark.feature("C6")
@pytest.mark.parametrize("before", [None, "report_lost", "freeze"])
async def test_a_reissue_voids_every_print_and_screenshot(
    platform: Platform, before: str | None, clock: HeldClock
) -> None:
    resident = platform.residents[0]
    token, card_id = await platform.holder(resident)
    async with another_process(platform) as other:
        old = [await platform.code(token, card_id, kind) for kind in ("dynamic", "static")]
        if before is not None:
            await platform.move(token, card_id, before)
        factor = await platform.factor(token, card_id, resident.phone)
        moved = await platform.move(token, card_id, "reissue", factor)
        assert moved.json["status"] == "active" and moved.json["card_id"] == card_id
        assert moved.json["ehealth_card_id"] not in old[0]
        for process in (platform, other):
            assert [await refusal(process, code) for code in old] == ["code.reissued"] * 2
        clock.advance(3600)
        for process in (platform, other):
            assert [await refusal(process, code) for code in old] == ["code.reissued"] * 2
            assert await refusal(process, await process.code(token, card_id)) == "accepted"
        factor = await platform.factor(token, card_id, resident.phone)
        assert (await platform.move(token, card_id, "cancel", factor)).json["status"] == "cancelled"
        assert [await refusal(other, code) for code in old] == ["code.reissued"] * 2


async def test_a_scan_from_before_a_reissue_is_repeated_with_its_answer(
    platform: Platform, db: Database[Any]
) -> None:
    resident = platform.residents[0]
    token, card_id = await platform.holder(resident)
    body = {"code": await platform.code(token, card_id), "scene": "010101", "terminal_id": "T-0001"}
    client = platform.partner()
    first = await client.call("POST", "/partner/v1/verifications", body, idempotency_key="k1")
    assert first.status == 200
    db.idempotency.update_one({"lease_until": {"$exists": True}, "status": 200}, {"$unset": {"answer": ""}})
    platform.clock.advance(31)
    factor = await platform.factor(token, card_id, resident.phone)
    assert (await platform.move(token, card_id, "reissue", factor)).status == 200
    again = await client.call("POST", "/partner/v1/verifications", body, idempotency_key="k1")
    assert (again.status, again.body["verification_id"]) == (200, first.body["verification_id"])
    assert db.usages.count_documents({}) == 1


async def test_a_cancelled_card_frees_its_document(platform: Platform) -> None:
    resident = platform.residents[0]
    token, card_id = await platform.holder(resident)
    old = await platform.code(token, card_id, "static")
    factor = await platform.factor(token, card_id, resident.phone)
    cancelled = await platform.move(token, card_id, "cancel", factor)
    assert (cancelled.json["status"], cancelled.json["may"]) == ("cancelled", [])
    claimed = await platform.claim(token, resident)
    assert claimed.status == 201 and claimed.json["card_id"] != card_id
    assert await refusal(platform, old) == "card.cancelled"
    assert await refusal(platform, await platform.code(token, claimed.json["card_id"])) == "accepted"


async def test_a_cancelled_cards_data_are_masked_by_rule(platform: Platform, db: Database[Any]) -> None:
    resident = platform.residents[0]
    token, card_id = await platform.holder(resident)
    factor = await platform.factor(token, card_id, resident.phone)
    await platform.move(token, card_id, "cancel", factor)
    await platform.app.services.policies.put("card_retention", {"cancelled_days": 30}, 0, CENTRE)
    platform.clock.advance(30 * 86_400 - 1)
    await platform.work()
    assert db.cards.find_one({"_id": card_id})["is_masked"] is False
    platform.clock.advance(1)
    await platform.work()
    row = db.cards.find_one({"_id": card_id})
    assert row["is_masked"] and "document_key" not in row
    card = await platform.app.services.cards.list_of_account(row["ties"][0]["account_id"])
    holder = card[0].holder
    assert resident.id_no[6:14] not in holder.id_no and (holder.born_on.month, holder.born_on.day) == (1, 1)
    assert holder.name == resident.name[0] + "*" * (len(resident.name) - 1)
    assert holder.phone == resident.phone[:3] + "****" + resident.phone[-4:]
    assert db.persons.count_documents({}) == 1
    masked_at = db.audit.find_one({"action": "cards.mask"})
    assert masked_at["object"] == {"kind": "card", "id": card_id}
    await platform.work()
    assert db.audit.count_documents({"action": "cards.mask"}) == 1


async def test_the_same_request_moves_once(platform: Platform, db: Database[Any]) -> None:
    resident = platform.residents[0]
    token, card_id = await platform.holder(resident)
    factor = await platform.factor(token, card_id, resident.phone)
    key = {"Idempotency-Key": "one"}
    first = await platform.move(token, card_id, "reissue", factor, headers=key)
    db.idempotency.update_many(
        {}, {"$unset": {"answer": "", "status": ""}}
    )  # as if it had died before it kept it
    platform.clock.advance(31)
    again = await platform.move(token, card_id, "reissue", factor, headers=key)
    assert again.json == first.json
    assert len(db.cards.find_one({"_id": card_id})["retired_ids"]) == 1


async def test_moved_by_many_at_once_it_moves_once(platform: Platform, db: Database[Any]) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    answers = await asyncio.gather(*(platform.move(token, card_id, "report_lost") for _ in range(16)))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 15
    assert [event["name"] for event in db.cards.find_one()["outbox"]["events"]].count("card.lost") == 1


async def test_the_centre_stops_what_the_holder_cannot_start(platform: Platform, db: Database[Any]) -> None:
    resident = platform.residents[0]
    token, card_id = await platform.holder(resident)
    lifecycle = platform.app.services.lifecycle
    await lifecycle.move_by_centre(card_id, Action.FREEZE, CENTRE, "reported by a hospital")
    factor = await platform.factor(token, card_id, resident.phone)
    for action in ("reactivate", "reissue", "cancel"):
        refused = await platform.move(token, card_id, action, factor)
        assert (refused.status, refused.error) == (409, "card.transition_illegal")
        assert refused.json["error"]["detail"] == {"status": "frozen"}
    await lifecycle.move_by_centre(card_id, Action.REACTIVATE, CENTRE, "cleared up")
    assert (await platform.move(token, card_id, "reissue", factor)).status == 200
    reasons = [
        row["detail"]["reason"]
        for row in db.audit.find({"action": "cards.move", "actor": {"kind": "staff", "id": "s1"}}).sort("_id")
    ]
    assert reasons == ["reported by a hospital", "cleared up"]
    await platform.work()
    texts = {m["kind"]: m["text"] for m in await platform.messages(token)}
    assert "发卡中心" in texts["card_frozen"] and "持卡人本人" in texts["card_reissued"]


async def test_a_merge_holds_a_card_until_it_is_reversed(platform: Platform, db: Database[Any]) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    await platform.move(token, card_id, "report_lost")
    person_id = db.cards.find_one()["person_id"]
    lifecycle, registrar = platform.app.services.lifecycle, Actor("staff", "s2")
    assert await lifecycle.hold_for_merge(person_id, "m1", registrar)
    assert not await lifecycle.hold_for_merge(person_id, "m1", registrar)
    shown = await platform.http.get(f"/api/v1/cards/{card_id}", token=token)
    assert (shown.json["status"], shown.json["may"]) == ("frozen", [])
    assert not await lifecycle.release_from_merge(person_id, "m2", registrar)
    assert await lifecycle.release_from_merge(person_id, "m1", registrar)
    shown = await platform.http.get(f"/api/v1/cards/{card_id}", token=token)
    assert shown.json["status"] == "lost" and "reactivate" in shown.json["may"]


async def test_somebody_elses_card_is_not_there(platform: Platform) -> None:
    _, card_id = await platform.holder(platform.residents[0])
    other = await platform.sign_in(platform.residents[1])
    path = f"/api/v1/cards/{card_id}"
    for answer in (
        await platform.move(other, card_id, "report_lost"),
        await platform.http.post(f"{path}/factor-codes", token=other),
        await platform.http.send("PUT", f"{path}/pin", {"pin": "405162"}, token=other),
        await platform.http.get(f"{path}/preferences", token=other),
        await platform.http.send("DELETE", path, token=other),
    ):
        assert (answer.status, answer.error) == (404, "card.not_found")


@pytest.mark.feature("C3")
@pytest.mark.parametrize(("relation", "may_cancel"), [("child", True), ("ward", True), ("parent", False)])
async def test_family_does_what_is_legal_for_it(
    platform: Platform, db: Database[Any], relation: str, may_cancel: bool
) -> None:
    resident = platform.residents[0]
    token, card_id = await platform.holder(resident)
    own = await platform.http.send("DELETE", f"/api/v1/cards/{card_id}", token=token)
    assert (own.status, own.error) == (409, "card.own_card")
    db.cards.update_one({"_id": card_id}, {"$set": {"ties.0.relation": relation}})
    shown = await platform.http.get(f"/api/v1/cards/{card_id}", token=token)
    assert ("cancel" in shown.json["may"], "remove" in shown.json["may"]) == (may_cancel, True)
    factor = await platform.factor(token, card_id, resident.phone)
    if not may_cancel:
        assert (await platform.move(token, card_id, "cancel", factor)).error == "card.transition_illegal"
    assert (await platform.move(token, card_id, "reissue", factor)).status == 200
    gone = await platform.http.send("DELETE", f"/api/v1/cards/{card_id}", token=token)
    assert gone.status == 204
    assert (await platform.http.get("/api/v1/cards", token=token)).json == {"cards": []}
    assert db.cards.find_one({"_id": card_id})["status"] == "active"


@pytest.mark.feature("C6")
@pytest.mark.parametrize("form", ["label", "wristband"])
async def test_a_holder_prints_the_static_code(platform: Platform, form: str) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    path = f"/api/v1/cards/{card_id}/print?form={form}"
    answer = await platform.http.get(path, token=token)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/pdf")
    [found] = zxingcpp.read_barcodes(printed(answer.body))
    assert await refusal(platform, found.text) == "accepted"
    await platform.move(token, card_id, "freeze")
    assert (await platform.http.get(path, token=token)).error == "card.not_active"
    other = await platform.sign_in(platform.residents[1])
    assert (await platform.http.get(path, token=other)).error == "card.not_found"
