"""Signing in by SMS code, and signing out (A3, C1)."""

import asyncio
from typing import Any

import pytest
from pymongo.database import Database

from server.accounts import sms_codes as sms_codes_module
from server.core.budgets import Budget
from server.core.crypto.keyring import RotationRefused
from tests.api.calls import another_process
from tests.harness import Answer, Platform

pytestmark = [pytest.mark.feature("C1"), pytest.mark.gen_test(timeout=60)]

SESSIONS, CODES = "/api/v1/sessions", "/api/v1/sms-codes"


async def enter(platform: Platform, phone: str, code: str, **more: Any) -> Answer:
    return await platform.http.post(SESSIONS, {"method": "sms", "phone": phone, "code": code, **more})


async def ask(platform: Platform, phone: str) -> tuple[str, str]:
    """(request_id, code) of a code just sent."""
    sent = await platform.http.post(CODES, {"phone": phone})
    assert sent.status == 202, sent.body
    inbox = await platform.http.get(f"{platform.sandbox_url}/sms/messages?phone={phone}")
    return sent.json["request_id"], inbox.json["messages"][-1]["params"]["code"]


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


async def test_a_code_signs_in_once(platform: Platform) -> None:
    phone = platform.residents[0].phone
    request_id, code = await ask(platform, phone)
    first = await enter(platform, phone, code, request_id=request_id)
    assert first.status == 201
    assert first.json["account"]["phone_masked"] == f"199****{phone[-4:]}"
    again = await enter(platform, phone, code, request_id=request_id)
    assert (again.status, again.error) == (401, "login.code_wrong")


async def test_of_many_who_enter_a_code_at_once_one_gets_in(platform: Platform) -> None:
    phone = platform.residents[0].phone
    _, code = await ask(platform, phone)
    answers = await asyncio.gather(*(enter(platform, phone, code) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [201, 401, 401, 401, 401]


async def test_five_wrong_guesses_burn_the_code(platform: Platform) -> None:
    phone = platform.residents[0].phone
    request_id, code = await ask(platform, phone)
    for _ in range(5):
        wrong = await enter(platform, phone, other_than(code), request_id=request_id)
        assert (wrong.status, wrong.error) == (401, "login.code_wrong")
    right = await enter(platform, phone, code, request_id=request_id)
    assert (right.status, right.error) == (401, "login.code_wrong")


async def test_a_code_may_be_mistyped_four_times(platform: Platform) -> None:
    phone = platform.residents[0].phone
    _, code = await ask(platform, phone)
    for _ in range(4):
        assert (await enter(platform, phone, other_than(code))).status == 401
    assert (await enter(platform, phone, code)).status == 201


async def test_burning_the_newest_code_does_not_bring_an_older_one_back(platform: Platform) -> None:
    phone = platform.residents[0].phone
    _, older = await ask(platform, phone)
    platform.clock.advance(1)
    _, newest = await ask(platform, phone)
    for _ in range(5):
        await enter(platform, phone, other_than(newest) if other_than(newest) != older else "000000")
    assert (await enter(platform, phone, older)).status == 401


async def test_using_a_code_voids_the_older_ones_too(platform: Platform) -> None:
    phone = platform.residents[0].phone
    older_id, older = await ask(platform, phone)
    platform.clock.advance(1)
    _, newest = await ask(platform, phone)
    assert (await enter(platform, phone, newest)).status == 201
    assert (await enter(platform, phone, older, request_id=older_id)).status == 401
    assert (await enter(platform, phone, older)).status == 401


async def test_a_code_dies_after_five_minutes(platform: Platform) -> None:
    phone = platform.residents[0].phone
    _, code = await ask(platform, phone)
    platform.clock.advance(299.999)
    _, second = await ask(platform, platform.residents[1].phone)
    assert (await enter(platform, phone, code)).status == 201
    platform.clock.advance(300)
    late = await enter(platform, platform.residents[1].phone, second)
    assert (late.status, late.error) == (401, "login.code_wrong")


async def test_a_code_is_bound_to_its_request_and_its_phone(platform: Platform) -> None:
    one, other = platform.residents[0].phone, platform.residents[1].phone
    one_id, one_code = await ask(platform, one)
    other_id, _ = await ask(platform, other)
    assert (await enter(platform, one, one_code, request_id=other_id)).status == 401
    assert (await enter(platform, other, one_code, request_id=other_id)).status == 401
    assert (await enter(platform, one, one_code, request_id=one_id)).status == 201


async def test_nobody_learns_which_numbers_are_known(platform: Platform) -> None:
    known, unknown = platform.residents[0].phone, platform.residents[1].phone
    await platform.sign_in(platform.residents[0])
    asked = [await platform.http.post(CODES, {"phone": phone}) for phone in (known, unknown)]
    assert asked[0].status == asked[1].status == 202
    assert asked[0].json.keys() == asked[1].json.keys()
    assert asked[0].json["resend_after_s"] == asked[1].json["resend_after_s"]
    assert asked[0].json["expires_at"] == asked[1].json["expires_at"]
    wrong = [await enter(platform, phone, "000000") for phone in (known, unknown)]
    never_asked = await enter(platform, platform.residents[2].phone, "000000")
    assert {answer.status for answer in (*wrong, never_asked)} == {401}
    errors = [answer.json["error"] for answer in (*wrong, never_asked)]
    assert errors[0] == errors[1] == errors[2]


@pytest.mark.parametrize("platform_changes", [{"sms_per_hour": 3}])
async def test_a_phone_has_a_budget_of_codes(platform: Platform, platform_changes: dict[str, Any]) -> None:
    phone = platform.residents[0].phone
    for _ in range(3):
        assert (await platform.http.post(CODES, {"phone": phone})).status == 202
    spent = await platform.http.post(CODES, {"phone": f"+86 {phone}"})
    assert (spent.status, spent.error) == (429, "sms.too_many")
    wait_s = int(spent.headers["Retry-After"])
    assert 1 <= wait_s <= 3601
    assert (await platform.http.post(CODES, {"phone": platform.residents[1].phone})).status == 202
    platform.clock.advance(wait_s)
    assert (await platform.http.post(CODES, {"phone": phone})).status == 202


async def test_a_source_has_a_budget_of_codes(
    platform: Platform, db: Database[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sms_codes_module, "SMS_PER_SOURCE", Budget("sms_source", 2, 3600))
    statuses = [
        (await platform.http.post(CODES, {"phone": resident.phone})).status
        for resident in platform.residents[:3]
    ]
    assert statuses == [202, 202, 429]
    assert not [row["_id"] for row in db.budgets.find() if "127.0.0.1" in row["_id"]]


async def test_guessing_has_a_budget_of_its_own(platform: Platform) -> None:
    phone = platform.residents[0].phone
    for _ in range(30):
        assert (await enter(platform, phone, "000000")).status == 401
    refused = await enter(platform, phone, "000000")
    assert (refused.status, refused.error) == (429, "login.too_many")
    platform.clock.advance(int(refused.headers["Retry-After"]))
    _, code = await ask(platform, phone)
    assert (await enter(platform, phone, code)).status == 201


async def test_concurrent_requests_share_one_budget(platform: Platform) -> None:
    phone = platform.residents[0].phone
    answers = await asyncio.gather(*(enter(platform, phone, "000000") for _ in range(64)))
    statuses = [answer.status for answer in answers]
    assert (statuses.count(401), statuses.count(429)) == (30, 34)


@pytest.mark.parametrize("fault", [{"refuse": True}, {"refuse": 500}, {"garbage": True}, {"refuse": 403}])
async def test_a_gateway_that_is_down_is_told(platform: Platform, fault: dict[str, Any]) -> None:
    await platform.fault("sms", **fault)
    down = await platform.http.post(CODES, {"phone": platform.residents[0].phone})
    assert (down.status, down.error) == (503, "sms.unavailable")
    assert int(down.headers["Retry-After"]) >= 1
    await platform.fault("sms")
    platform.clock.advance(1)
    assert await platform.sign_in(platform.residents[0])


@pytest.mark.parametrize("platform_changes", [{"sms_per_hour": 2}])
async def test_an_outage_does_not_spend_the_budget_of_a_phone(
    platform: Platform, platform_changes: dict[str, Any]
) -> None:
    phone = platform.residents[0].phone
    await platform.fault("sms", refuse=500)
    down = await asyncio.gather(*(platform.http.post(CODES, {"phone": phone}) for _ in range(2)))
    down.append(await platform.http.post(CODES, {"phone": phone}))
    assert [answer.status for answer in down] == [503, 503, 503]
    await platform.fault("sms")
    statuses = [(await platform.http.post(CODES, {"phone": phone})).status for _ in range(3)]
    assert statuses == [202, 202, 429]


async def test_the_key_of_the_codes_does_not_change_under_them(platform: Platform) -> None:
    with pytest.raises(RotationRefused):
        await platform.app.keys.rotate("sms-code")


@pytest.mark.parametrize(
    "phone", ["12345678901", "1990000123", "199000012345", "19900001234 OR 1=1", "１９９００００１２３４"]
)
async def test_what_is_no_phone_number_is_refused(platform: Platform, phone: str) -> None:
    refused = await platform.http.post(CODES, {"phone": phone})
    assert (refused.status, refused.error) == (422, "phone.invalid")
    assert phone not in refused.body.decode()


async def test_every_login_has_its_own_token_and_signing_out_ends_it(
    platform: Platform, db: Database[Any]
) -> None:
    resident = platform.residents[0]
    one, two = await platform.sign_in(resident), await platform.sign_in(resident)
    assert one != two
    assert db.accounts.count_documents({}) == 1
    current = await platform.http.get("/api/v1/sessions/current", token=one)
    assert current.json["expires_at"] == "2026-11-29T08:00:00Z"
    async with another_process(platform) as other:
        assert (await other.http.get("/api/v1/sessions/current", token=one)).status == 200
        gone = await platform.http.send("DELETE", "/api/v1/sessions/current", token=one)
        assert (gone.status, gone.body) == (204, b"")
        for process in (platform, other):
            ended = await process.http.get("/api/v1/cards", token=one)
            assert (ended.status, ended.error) == (401, "session.missing")
            assert (await process.http.get("/api/v1/cards", token=two)).status == 200


async def test_a_session_ends_by_itself_after_seven_days(platform: Platform) -> None:
    token = await platform.sign_in(platform.residents[0])
    platform.clock.advance(7 * 86_400 - 0.001)
    assert (await platform.http.get("/api/v1/sessions/current", token=token)).status == 200
    platform.clock.advance(0.001)
    assert (await platform.http.get("/api/v1/sessions/current", token=token)).status == 401


async def test_the_database_knows_no_token_and_no_code(platform: Platform, db: Database[Any]) -> None:
    resident = platform.residents[0]
    _, code = await ask(platform, resident.phone)
    [sent] = list(db.sms_codes.find())
    assert code not in str(sent)
    platform.clock.advance(1)
    token = await platform.sign_in(resident)
    assert token not in str(list(db.sessions.find()))
