"""Signing in through WeChat and Alipay, also while they are down, slow, or answer nonsense (C1)."""

import asyncio
from typing import Any

import pytest
from pymongo.database import Database

from server.accounts import service as accounts_module
from server.core.budgets import Budget
from server.gateways import vendor
from tests.harness import Answer, Platform

pytestmark = [pytest.mark.feature("C1"), pytest.mark.gen_test(timeout=60)]

DOWN = [
    {"refuse": True},
    {"refuse": 500},
    {"refuse": 404},
    {"garbage": True},
    {"lose_answer": True},
    {"answer": {"errcode": -1, "errmsg": "system error"}},
    {"answer": {"unexpected": [1]}},
]


async def enter(platform: Platform, method: str, code: str, **more: str) -> Answer:
    return await platform.http.post("/api/v1/sessions", {"method": method, "code": code, **more})


async def test_wechat_knows_the_same_person_again(platform: Platform) -> None:
    one, two = await enter(platform, "wechat", "wx:amy"), await enter(platform, "wechat", "wx:amy:2")
    other = await enter(platform, "wechat", "wx:bob")
    assert one.status == two.status == other.status == 201
    assert one.json["account"] == two.json["account"]
    assert one.json["account"]["phone_masked"] is None
    assert one.json["account"] != other.json["account"]
    assert one.json["token"] != two.json["token"]


async def test_a_wechat_phone_joins_the_account_of_that_phone(platform: Platform) -> None:
    resident = platform.residents[0]
    token = await platform.sign_in(resident)
    account = (await platform.http.get("/api/v1/sessions/current", token=token)).json["account"]
    joined = await enter(platform, "wechat", "wx:amy", phone_code=f"phone:{resident.phone}")
    assert joined.json["account"] == account
    later = await enter(platform, "wechat", "wx:amy:2")
    assert later.json["account"] == account


async def test_a_wechat_account_that_gives_a_new_phone_signs_in_by_sms_too(platform: Platform) -> None:
    resident = platform.residents[0]
    first = await enter(platform, "wechat", "wx:amy")
    proven = await enter(platform, "wechat", "wx:amy:2", phone_code=f"phone:{resident.phone}")
    assert proven.json["account"]["account_id"] == first.json["account"]["account_id"]
    assert proven.json["account"]["phone_masked"] == f"199****{resident.phone[-4:]}"
    token = await platform.sign_in(resident)
    current = await platform.http.get("/api/v1/sessions/current", token=token)
    assert current.json["account"] == proven.json["account"]


async def test_a_phone_of_another_account_stays_with_that_one(platform: Platform) -> None:
    resident = platform.residents[0]
    await platform.sign_in(resident)
    await enter(platform, "wechat", "wx:amy")
    tried = await enter(platform, "wechat", "wx:amy:2", phone_code=f"phone:{resident.phone}")
    assert tried.status == 201
    assert tried.json["account"]["phone_masked"] is None


@pytest.mark.parametrize(
    ("country", "written"), [("49", ""), ("852", ""), (None, ""), (86, ""), ("86", "x"), ("86", "0")]
)
async def test_a_number_that_is_not_of_mainland_china_proves_no_phone(
    platform: Platform, country: object, written: str
) -> None:
    """Abroad, somebody else has the same eleven digits."""
    resident = platform.residents[0]
    await platform.holder(resident)
    number = {"purePhoneNumber": resident.phone + written, "countryCode": country}
    every_answer = {"openid": "o-abroad", "access_token": "t", "expires_in": 7200, "phone_info": number}
    await platform.fault("wechat", answer=every_answer)
    entered = await enter(platform, "wechat", "any", phone_code="any")
    assert entered.status == 201
    assert entered.json["account"]["phone_masked"] is None
    cards = await platform.http.get("/api/v1/cards", token=entered.json["token"])
    assert cards.json == {"cards": []}


async def test_a_number_written_with_spaces_is_the_same_number(platform: Platform) -> None:
    resident = platform.residents[0]
    await platform.holder(resident)
    number = {"purePhoneNumber": f"{resident.phone[:3]} {resident.phone[3:]}", "countryCode": "86"}
    every_answer = {"openid": "o-home", "access_token": "t", "expires_in": 7200, "phone_info": number}
    await platform.fault("wechat", answer=every_answer)
    entered = await enter(platform, "wechat", "any", phone_code="any")
    cards = await platform.http.get("/api/v1/cards", token=entered.json["token"])
    assert len(cards.json["cards"]) == 1


async def test_a_source_has_a_budget_of_platform_logins(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts_module, "LOGIN_PER_SOURCE", Budget("login_source", 2, 3600))
    tried = [await enter(platform, way, "made-up") for way in ("wechat", "alipay", "wechat")]
    assert [answer.status for answer in tried] == [401, 401, 429]
    assert tried[-1].error == "login_source.too_many"
    assert int(tried[-1].headers["Retry-After"]) >= 1
    asked = (await platform.http.get(f"{platform.sandbox_url}/control/wechat")).json["requests"]
    assert asked == 1


async def test_one_person_signing_in_many_times_at_once_has_one_account(
    platform: Platform, db: Database[Any]
) -> None:
    resident = platform.residents[0]
    await platform.sign_in(resident)
    with_phone = [
        enter(platform, "wechat", f"wx:amy:{n}", phone_code=f"phone:{resident.phone}:{n}") for n in range(8)
    ]
    without = [enter(platform, "wechat", f"wx:bob:{n}") for n in range(8)]
    answers = await asyncio.gather(*with_phone, *without)
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json["account"]["account_id"] for answer in answers}) == 2
    assert db.accounts.count_documents({}) == 2


async def test_a_phone_and_no_phone_at_the_same_moment_fail_nobody(platform: Platform) -> None:
    for round_ in range(5):
        resident = platform.residents[round_]
        await platform.sign_in(resident)
        name = f"wx:cat{round_}"
        answers = await asyncio.gather(
            enter(platform, "wechat", f"{name}:1"),
            enter(platform, "wechat", f"{name}:2", phone_code=f"phone:{resident.phone}"),
            enter(platform, "wechat", f"{name}:3"),
            enter(platform, "wechat", f"{name}:4", phone_code=f"phone:{resident.phone}:2"),
        )
        assert {answer.status for answer in answers} == {201}
        assert len({answer.json["account"]["account_id"] for answer in answers}) == 1


async def test_alipay_knows_the_same_person_again(platform: Platform) -> None:
    one, two = await enter(platform, "alipay", "ali:amy"), await enter(platform, "alipay", "ali:amy:2")
    assert one.status == two.status == 201
    assert one.json["account"] == two.json["account"]
    assert (await enter(platform, "wechat", "wx:amy")).json["account"] != one.json["account"]


@pytest.mark.parametrize(("method", "good"), [("wechat", "wx:amy"), ("alipay", "ali:amy")])
async def test_a_code_the_platform_does_not_know_is_refused(
    platform: Platform, method: str, good: str
) -> None:
    assert (await enter(platform, method, good)).status == 201
    for code in (good, "made-up", "x" * 512, '{"$ne": null}', "&grant_type=refresh_token"):
        refused = await enter(platform, method, code)
        assert (refused.status, refused.error) == (401, "login.refused"), code


@pytest.mark.parametrize("phone_code", ["made-up", "phone:19900000000x"])
async def test_a_phone_code_wechat_does_not_know_is_refused(platform: Platform, phone_code: str) -> None:
    refused = await enter(platform, "wechat", "wx:amy", phone_code=phone_code)
    assert (refused.status, refused.error) == (401, "login.refused")


@pytest.mark.parametrize(("method", "code"), [("wechat", "wx:amy"), ("alipay", "ali:amy")])
async def test_a_platform_that_is_down_is_told_and_sms_still_works(
    platform: Platform, method: str, code: str
) -> None:
    for number, fault in enumerate(DOWN):
        await platform.fault(method, **fault)
        down = await enter(platform, method, f"{code}:{number}")
        assert (down.status, down.error) == (503, "login.unavailable"), fault
        assert int(down.headers["Retry-After"]) >= 1
    assert await platform.sign_in(platform.residents[0])
    await platform.fault(method)
    assert (await enter(platform, method, f"{code}:well")).status == 201


async def test_a_slow_platform_is_given_up(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendor, "TIMEOUT_S", 0.2)
    await platform.fault("wechat", delay_s=1)
    slow = await enter(platform, "wechat", "wx:amy")
    assert (slow.status, slow.error) == (503, "login.unavailable")


async def test_other_ways_work_while_one_hangs(platform: Platform) -> None:
    await platform.fault("wechat", delay_s=1)
    hanging = [asyncio.ensure_future(enter(platform, "wechat", f"wx:amy:{n}")) for n in range(12)]
    assert await platform.sign_in(platform.residents[0])
    assert (await enter(platform, "alipay", "ali:amy")).status == 201
    assert not any(task.done() for task in hanging)
    await platform.fault("wechat")
    answers = await asyncio.gather(*hanging)
    assert {answer.status for answer in answers} == {201}
