"""Real-name verification by policy, through a claim: sources, partial evidence, tries (I1, A3.1, B6.2)."""

import asyncio
import time
from collections import Counter
from typing import Any

import pytest
from pymongo.database import Database

from sandbox.city import Resident
from server.identity.tries import BUDGETS, TriesPolicy
from tests.harness import CITY, Answer, Platform

pytestmark = [pytest.mark.feature("I1"), pytest.mark.gen_test(timeout=60)]


async def asked(platform: Platform, *services: str) -> list[int]:
    """How often each source was asked."""
    doors = [await platform.http.get(f"{platform.sandbox_url}/control/{service}") for service in services]
    return [int(door.json["requests"]) for door in doors]


async def wechat(platform: Platform, name: str) -> str:
    """A session of an account that has proven no phone."""
    answer = await platform.http.post("/api/v1/sessions", {"method": "wechat", "code": f"wx:{name}"})
    return str(answer.json["token"])


async def try_from(
    platform: Platform, token: str, resident: Resident, device: str | None = None, **changes: str
) -> Answer:
    headers = {} if device is None else {"X-Device-Id": device}
    body = platform.application(resident, **changes)
    return await platform.http.post("/api/v1/cards", body, token=token, headers=headers)


async def test_name_and_number_open_nothing(platform: Platform, db: Database[Any]) -> None:
    """Neither with no phone, nor with a stranger's own, nor with the owner's unproven (decision 16)."""
    owner, stranger = platform.residents[0], platform.residents[1]
    without, own = await wechat(platform, "nobody"), await platform.sign_in(stranger)
    for token in (without, own):
        unproven = await platform.claim(token, owner)
        assert (unproven.status, unproven.error) == (422, "phone.code_required")
    assert await asked(platform, "real_name", "mobile") == [0, 0]
    assert db.cards.count_documents({}) == 0
    own_phone = await platform.claim(own, owner, phone=stranger.phone)
    assert (own_phone.status, own_phone.error) == (422, "identity.mismatch")
    assert db.persons.count_documents({}) == 0
    assert (await platform.claim(await platform.sign_in(owner), owner)).status == 201


async def test_the_answer_is_the_same_whoever_said_no(platform: Platform) -> None:
    owner, stranger = platform.residents[0], platform.residents[1]
    unknown = CITY.residents[3].id_no[:14] + "0013"
    token = await platform.sign_in(stranger)
    answers = [
        await platform.claim(token, owner, phone=stranger.phone),  # the operator
        await platform.claim(token, owner, phone=stranger.phone, name="李四"),  # both
        await platform.claim(token, stranger, name="李四"),  # a number that is known, another's name
    ]
    bodies = {(answer.status, answer.error, answer.json["error"]["message"]) for answer in answers}
    assert len(bodies) == 1
    assert unknown not in str(bodies)


async def test_partial_evidence_waits_on_the_card_and_is_not_asked_for_again(
    platform: Platform, db: Database[Any]
) -> None:
    resident = platform.residents[0]
    token = await platform.sign_in(resident)
    await platform.fault("mobile", refuse=503)
    waiting = await platform.claim(token, resident)
    assert (waiting.status, waiting.json["pending_reason"]) == (202, "source")
    row = db.cards.find_one()
    assert row is not None
    assert [one["source"] for one in row["proof"]["evidence"]] == ["authority"]
    for _ in range(3):
        platform.clock.advance(700)
        await platform.work()
    assert await asked(platform, "real_name", "mobile") == [1, 4]
    assert db.cards.find_one()["status"] == "pending"
    await platform.fault("mobile")
    platform.clock.advance(700)
    await platform.work()
    assert await asked(platform, "real_name", "mobile") == [1, 5]
    card = db.cards.find_one()
    assert card["status"] == "active"
    assert [one["source"] for one in card["proof"]["evidence"]] == ["authority", "mobile", "phone"]
    entries = list(db.audit.find({"action": "cards.claim"}).sort("_id", 1))
    assert [(e["outcome"], e["detail"]["confirmed_by"]) for e in entries] == [
        ("pending", ["authority"]),
        ("active", ["authority", "mobile", "phone"]),
    ]


async def test_a_refusal_after_a_wait_is_told_and_counted(platform: Platform, db: Database[Any]) -> None:
    owner, stranger = platform.residents[0], platform.residents[1]
    token = await platform.sign_in(stranger)
    await platform.fault("mobile", refuse=503)
    assert (await platform.claim(token, owner, phone=stranger.phone)).status == 202
    await platform.fault("mobile")
    platform.clock.advance(11)
    await platform.work()
    assert db.cards.find_one()["status"] == "refused"
    assert db.persons.count_documents({}) == 0
    entry = db.audit.find_one({"action": "cards.claim", "outcome": "refused"})
    assert entry is not None
    assert entry["detail"]["refused_by"] == ["mobile"]
    spent = {row["_id"].split("|")[0]: row["spent"] for row in db.budgets.find({"held": {"$exists": True}})}
    assert spent == dict.fromkeys(
        ("identity_mismatch", "identity_mismatch_address", "identity_mismatch_person"), 1
    )


async def test_a_policy_that_asks_for_more_ends_a_waiting_claim_without_blame(
    platform: Platform, db: Database[Any]
) -> None:
    resident = platform.residents[0]
    token = await platform.sign_in(resident)
    await platform.fault("real_name", refuse=503)
    assert (await platform.claim(token, resident)).status == 202
    await platform.accept(("authority", "bank", "phone"))
    await platform.fault("real_name")
    platform.clock.advance(11)
    await platform.work()
    assert db.cards.find_one()["refused_because"] == "unproven"
    assert all(row.get("spent", 0) == 0 for row in db.budgets.find({"_id": {"$regex": "^identity_mismatch"}}))
    again = await platform.claim(token, resident)
    assert (again.status, again.error) == (422, "bank_card.required")


@pytest.mark.parametrize("kind", BUDGETS)
async def test_the_sixth_wrong_try_of_a_day_waits(platform: Platform, kind: str) -> None:
    """Of one account, one device, one address, and of one person; until the city's midnight."""
    limits = {"account": 500, "device": 500, "address": 500, "person": 500, kind: 5}
    await platform.decide(TriesPolicy, **limits)
    await platform.accept(("authority",))
    people = platform.residents
    tokens = [await wechat(platform, f"guesser-{number}") for number in range(6)]

    async def guess(number: int) -> Answer:
        token = tokens[0] if kind == "account" else tokens[number]
        device = "device-1" if kind == "device" else f"device-{number}"
        resident = people[0] if kind == "person" else people[number]
        return await try_from(platform, token, resident, device, name=f"李{chr(0x4E00 + number)}")

    assert [(await guess(number)).error for number in range(5)] == ["identity.mismatch"] * 5
    sixth = await guess(5)
    assert (sixth.status, sixth.error) == (429, f"{BUDGETS[kind].name}.too_many")
    assert sixth.headers["Retry-After"] == str(8 * 3600 + 1), "from four in the afternoon to midnight"
    platform.clock.advance(8 * 3600 - 1)
    assert (await guess(5)).status == 429
    platform.clock.advance(1)
    assert (await guess(5)).error == "identity.mismatch"


async def test_one_persons_number_has_five_tries_whoever_tries_at_once(platform: Platform) -> None:
    await platform.accept(("authority",))
    owner = platform.residents[0]
    await platform.holder(owner)
    tokens = await asyncio.gather(*(wechat(platform, f"n{number}") for number in range(24)))
    answers = await asyncio.gather(
        *(
            try_from(platform, token, owner, f"d{number}", name=f"李{chr(0x4E00 + number)}")
            for number, token in enumerate(tokens)
        )
    )
    assert Counter(answer.error for answer in answers) == {
        "identity.mismatch": 5,
        "identity_mismatch_person.too_many": 19,
    }


@pytest.mark.parametrize("device", ["", "x" * 65, "a b", "é"])
async def test_a_device_id_has_a_form(platform: Platform, device: str) -> None:
    resident = platform.residents[0]
    refused = await try_from(platform, await platform.sign_in(resident), resident, device)
    assert (refused.status, refused.error) == (400, "device.invalid")


async def test_whoever_is_under_fourteen_has_a_guardian_claim(platform: Platform) -> None:
    child = next(resident for resident in CITY.residents if resident.birth_on.year == 2019)
    refused = await platform.claim(await platform.sign_in(child), child)
    assert (refused.status, refused.error) == (422, "claim.guardian_required")
    assert await asked(platform, "real_name", "mobile") == [0, 0]


async def test_a_slow_source_holds_nobody_else_up(platform: Platform, db: Database[Any]) -> None:
    resident, other = platform.residents[0], platform.residents[1]
    token, holding = await platform.sign_in(resident), await platform.holder(other)
    await platform.fault("mobile", delay_s=30)
    claiming = asyncio.ensure_future(platform.claim(token, resident))
    while await asked(platform, "mobile") == [0]:
        assert not claiming.done()
    began = time.monotonic()
    for _ in range(5):
        await platform.code(*holding)
    assert time.monotonic() - began < 2
    assert not claiming.done()
    waiting = await claiming
    assert (waiting.status, waiting.json["status"]) == (202, "pending")
    assert time.monotonic() - began < 10
    assert [one["source"] for one in db.cards.find_one({"status": "pending"})["proof"]["evidence"]] == [
        "authority"
    ]


async def test_the_channel_is_how_the_account_signed_in(platform: Platform, db: Database[Any]) -> None:
    resident = platform.residents[0]
    code = {"method": "wechat", "code": "wx:amy", "phone_code": f"phone:{resident.phone}"}
    answer = await platform.http.post("/api/v1/sessions", code)
    assert (await platform.claim(answer.json["token"], resident)).status == 201
    entry = db.audit.find_one({"action": "cards.claim"})
    assert entry is not None
    assert (entry["detail"]["channel"], db.cards.find_one()["channel"]) == ("wechat", "wechat")
