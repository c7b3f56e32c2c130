"""Active scan: the terminal shows a code, the resident approves on the phone, the terminal hears it."""

import asyncio
from typing import Any

import pytest

from tests.api.calls import another_process
from tests.harness import TERMINAL_ID, Platform

pytestmark = [pytest.mark.feature("V2", "V8"), pytest.mark.gen_test(timeout=60)]
ASK = "/partner/v1/authorization-requests"
SEE = "/api/v1/authorization-requests"


async def ask(platform: Platform, **changes: Any) -> Any:
    body = {"terminal_id": TERMINAL_ID, "scene": "010101", "purpose": "opening a record", **changes}
    return await platform.partner().call("POST", ASK, body)


async def result(platform: Platform, request_id: str, wait_s: int = 0) -> Any:
    return await platform.partner().call("GET", f"{ASK}/{request_id}?wait_s={wait_s}")


async def approve(platform: Platform, token: str, request_id: str, card_id: str) -> Any:
    return await platform.http.post(f"{SEE}/{request_id}/approval", {"card_id": card_id}, token=token)


async def test_the_terminal_gets_what_a_passive_scan_gives(platform: Platform) -> None:
    resident = platform.residents[0]
    token, card_id = await platform.holder(resident)
    asked = await ask(platform)
    assert asked.status == 201, asked.body
    request_id, text = asked.body["request_id"], asked.body["qr_text"]
    assert text == f"EHCA1:{request_id}:0000A0001"
    assert (await result(platform, request_id)).body["state"] == "waiting"
    shown = await platform.http.post(SEE, {"text": text}, token=token)
    assert shown.status == 200
    assert (
        shown.json["institution"],
        shown.json["place"],
        shown.json["purpose"],
        shown.json["needs_factor"],
    ) == (
        "云溪市第一人民医院",
        "门诊收费窗口 3 号",
        "opening a record",
        False,
    )
    assert 0 < shown.json["seconds_left"] <= 120
    assert (await approve(platform, token, request_id, card_id)).status == 204
    seen = await result(platform, request_id)
    assert (seen.status, seen.body["state"]) == (200, "approved")
    verification = seen.body["verification"]
    assert verification["person"]["name"] == resident.name
    assert verification["card"] == {"card_id": card_id, "status": "active"}
    again = await result(platform, request_id)
    assert again.body["verification"] == verification
    await platform.work()
    receipts = [m["data"] for m in await platform.messages(token) if m["kind"] == "card_used"]
    assert [receipt["verification_id"] for receipt in receipts] == [verification["verification_id"]]


async def test_a_terminal_that_waits_hears_it_when_it_happens(platform: Platform) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    request_id = (await ask(platform)).body["request_id"]
    waiting = asyncio.create_task(result(platform, request_id, wait_s=20))
    assert (await approve(platform, token, request_id, card_id)).status == 204
    assert (await asyncio.wait_for(waiting, 10)).body["state"] == "approved"


async def test_a_refusal_says_nothing_of_who_refused(platform: Platform) -> None:
    token, _ = await platform.holder(platform.residents[0])
    request_id = (await ask(platform)).body["request_id"]
    assert (await platform.http.post(f"{SEE}/{request_id}/refusal", token=token)).status == 204
    told = (await result(platform, request_id)).body
    assert (told["state"], told["verification"]) == ("refused", None)


async def test_one_request_is_answered_once(platform: Platform) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    other_token, other_card = await platform.holder(platform.residents[1])
    request_id = (await ask(platform)).body["request_id"]
    answers = await asyncio.gather(
        *(approve(platform, token, request_id, card_id) for _ in range(16)),
        *(approve(platform, other_token, request_id, other_card) for _ in range(16)),
    )
    assert sorted(answer.status for answer in answers) == [204] + [409] * 31
    assert {answer.error for answer in answers if answer.status == 409} == {"authorization.decided"}
    usages = platform.app.mongo.collection("usages")
    assert await usages.count({}) == 1


async def test_it_ends_when_its_time_is_over(platform: Platform, clock: Any) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    asked = (await ask(platform)).body
    clock.advance(119.999)
    assert (await result(platform, asked["request_id"])).body["state"] == "waiting"
    clock.advance(0.001)
    late = await approve(platform, token, asked["request_id"], card_id)
    assert (late.status, late.error) == (409, "authorization.expired")
    shown = await platform.http.post(SEE, {"text": asked["qr_text"]}, token=token)
    assert (shown.status, shown.error) == (409, "authorization.expired")
    assert (await result(platform, asked["request_id"])).body["state"] == "expired"


async def test_paying_needs_a_factor(platform: Platform) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    asked = (await ask(platform, scene="0101051")).body
    shown = await platform.http.post(SEE, {"text": asked["qr_text"]}, token=token)
    assert shown.json["needs_factor"] is True
    refused = await approve(platform, token, asked["request_id"], card_id)
    assert (refused.status, refused.error) == (403, "factor.required")
    assert (await result(platform, asked["request_id"])).body["state"] == "waiting"
    sent = await platform.http.post(f"/api/v1/cards/{card_id}/factor-codes", token=token)
    code = await platform.last_sms_code(platform.residents[0].phone)
    factor = {"kind": "sms", "request_id": sent.json["request_id"], "code": code}
    url = f"{SEE}/{asked['request_id']}/approval"
    proven = await platform.http.post(url, {"card_id": card_id, "factor": factor}, token=token)
    assert proven.status == 204, proven.body
    assert (await result(platform, asked["request_id"])).body["state"] == "approved"


async def test_nobody_else_hears_the_answer(platform: Platform) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    await platform.admit("hospital-b-his", "T-0002")
    request_id = (await ask(platform)).body["request_id"]
    await approve(platform, token, request_id, card_id)
    reply = await platform.partner("hospital-b-his").call("GET", f"{ASK}/{request_id}")
    assert (reply.status, reply.error[0]) == (404, "authorization.not_found")


async def test_another_account_s_card_cannot_be_given(platform: Platform) -> None:
    token, _ = await platform.holder(platform.residents[0])
    _, other_card = await platform.holder(platform.residents[1])
    request_id = (await ask(platform)).body["request_id"]
    refused = await approve(platform, token, request_id, other_card)
    assert (refused.status, refused.error) == (404, "card.not_found")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("https://example.test/", "authorization.malformed"),
        ("EHCA1:0:0000A0001", "authorization.malformed"),
        ("EHCA1:{id}:0000B0001", "authorization.elsewhere"),
        ("EHCA1:{id}:0000A0001\n", "authorization.malformed"),
    ],
)
async def test_other_codes_are_told_apart(platform: Platform, text: str, code: str) -> None:
    token = await platform.sign_in(platform.residents[0])
    answer = await platform.http.post(SEE, {"text": text.format(id="0" * 26)}, token=token)
    assert (answer.status, answer.error) == (422, code)
    unknown = await platform.http.post(SEE, {"text": f"EHCA1:{'0' * 26}:0000A0001"}, token=token)
    assert (unknown.status, unknown.error) == (404, "authorization.not_found")


async def test_what_is_approved_on_one_process_is_known_on_another(platform: Platform) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    request_id = (await ask(platform)).body["request_id"]
    async with another_process(platform) as other:
        assert (await approve(other, token, request_id, card_id)).status == 204
    assert (await result(platform, request_id)).body["state"] == "approved"
