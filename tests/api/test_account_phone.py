"""Proving an account's phone, and codes that work for their purpose only (I1, N3)."""

from typing import Any

import pytest
from pymongo.database import Database

from tests.harness import Answer, Platform

pytestmark = [pytest.mark.feature("I1", "N3"), pytest.mark.gen_test(timeout=60)]


async def wechat(platform: Platform, name: str = "amy") -> str:
    answer = await platform.http.post("/api/v1/sessions", {"method": "wechat", "code": f"wx:{name}"})
    return str(answer.json["token"])


async def prove(platform: Platform, token: str, phone: str, code: str) -> Answer:
    body = {"phone": phone, "code": code}
    return await platform.http.send("PUT", "/api/v1/account/phone", body, token=token)


async def test_an_account_without_a_phone_proves_one_and_claims(
    platform: Platform, db: Database[Any]
) -> None:
    resident = platform.residents[0]
    token = await wechat(platform)
    assert (await platform.claim(token, resident)).error == "phone.code_required"
    proven = await prove(
        platform, token, resident.phone, await platform.sms_code(resident.phone, purpose="phone")
    )
    masked = f"{resident.phone[:3]}****{resident.phone[-4:]}"
    assert (proven.status, proven.json["phone_masked"]) == (200, masked)
    assert (await platform.claim(token, resident)).status == 201
    code = await platform.sms_code(resident.phone)
    signed_in = await platform.http.post(
        "/api/v1/sessions", {"method": "sms", "phone": resident.phone, "code": code}
    )
    assert signed_in.json["account"]["account_id"] == proven.json["account_id"]
    assert db.audit.count_documents({"action": "accounts.prove_phone"}) == 1


async def test_another_phone_takes_the_place_of_the_old(platform: Platform) -> None:
    first, second = platform.residents[0], platform.residents[1]
    token = await platform.sign_in(first)
    account = (await platform.http.get("/api/v1/sessions/current", token=token)).json["account"]
    code = await platform.sms_code(second.phone, purpose="phone")
    assert (await prove(platform, token, second.phone, code)).status == 200
    now = (await platform.http.get("/api/v1/sessions/current", token=token)).json["account"]
    assert now["phone_masked"][-4:] == second.phone[-4:]
    for resident, is_same in ((second, True), (first, False)):
        other = await platform.http.get("/api/v1/sessions/current", token=await platform.sign_in(resident))
        assert (other.json["account"]["account_id"] == account["account_id"]) == is_same


async def test_a_number_of_another_account_stays_that_ones(platform: Platform, db: Database[Any]) -> None:
    resident = platform.residents[0]
    await platform.sign_in(resident)
    token = await wechat(platform)
    code = await platform.sms_code(resident.phone, purpose="phone")
    taken = await prove(platform, token, resident.phone, code)
    assert (taken.status, taken.error) == (409, "account.phone_taken")
    assert db.accounts.count_documents({"phone": {"$exists": True}}) == 1


@pytest.mark.parametrize("purpose", ["sign_in", "consent"])
async def test_a_code_works_for_its_purpose_alone(platform: Platform, purpose: str) -> None:
    resident = platform.residents[0]
    token = await wechat(platform)
    other = await platform.sms_code(resident.phone, purpose=purpose)
    refused = await prove(platform, token, resident.phone, other)
    assert (refused.status, refused.error) == (422, "phone.code_wrong")
    code = await platform.sms_code(resident.phone, purpose="phone")
    sign_in = {"method": "sms", "phone": resident.phone, "code": code}
    assert (await platform.http.post("/api/v1/sessions", sign_in)).error == "login.code_wrong"
    assert (await prove(platform, token, resident.phone, code)).status == 200
    assert (await prove(platform, token, resident.phone, code)).error == "phone.code_wrong"


async def test_a_code_meets_five_guesses(platform: Platform) -> None:
    resident = platform.residents[0]
    token = await wechat(platform)
    code = await platform.sms_code(resident.phone, purpose="phone")
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    for _ in range(5):
        assert (await prove(platform, token, resident.phone, wrong)).error == "phone.code_wrong"
    assert (await prove(platform, token, resident.phone, code)).error == "phone.code_wrong"
    for _ in range(24):
        await prove(platform, token, resident.phone, wrong)
    assert (await prove(platform, token, resident.phone, wrong)).error == "phone_code.too_many"


async def test_the_texts_tell_what_a_code_is_for(platform: Platform) -> None:
    phone = platform.residents[0].phone
    for purpose in ("sign_in", "phone", "consent"):
        await platform.sms_code(phone, purpose=purpose)
    inbox = await platform.http.get(f"{platform.sandbox_url}/sms/messages?phone={phone}")
    texts = [message["text"] for message in inbox.json["messages"]]
    assert len({text.replace(text[text.index("验证码") :], "") for text in texts}) == 3
