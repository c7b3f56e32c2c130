"""A claim while the real-name authority cannot be reached: pending, never "verified" (I1, N3, B6.2)."""

from typing import Any

import pytest
from pymongo.database import Database

from server.core import budgets
from tests.harness import Platform

pytestmark = [pytest.mark.feature("C1", "C4", "I1", "N3"), pytest.mark.gen_test(timeout=60)]


async def turn(platform: Platform, seconds: float = 11) -> None:
    """Time passes, and the worker decides what is due and then tells of it."""
    platform.clock.advance(seconds)
    await platform.work()
    await platform.work()


async def card_of(platform: Platform, token: str, card_id: str) -> dict[str, Any]:
    answer = await platform.http.get(f"/api/v1/cards/{card_id}", token=token)
    assert answer.status == 200
    return dict(answer.json)


@pytest.mark.parametrize(
    "fault",
    [
        {"refuse": True},
        {"refuse": 500},
        {"garbage": True},
        {"lose_answer": True},
        {"answer": {"result": "maybe", "serial_no": "rn-1"}},
        {"answer": {"result": "match"}},
        {"answer": {"result": "match", "serial_no": 7}},
        {"refuse": 403},
    ],
    ids=str,
)
async def test_a_claim_waits_for_the_authority_and_is_resumed(
    platform: Platform, db: Database[Any], fault: dict[str, Any]
) -> None:
    resident = platform.residents[0]
    token = await platform.sign_in(resident)
    await platform.fault("real_name", **fault)
    waiting = await platform.claim(token, resident)
    assert (waiting.status, waiting.json["status"]) == (202, "pending")
    assert waiting.json["ehealth_card_id"] is None
    card_id = waiting.json["card_id"]
    no_code = await platform.http.get(f"/api/v1/cards/{card_id}/code", token=token)
    assert (no_code.status, no_code.error) == (409, "card.not_active")
    await turn(platform)
    assert (await card_of(platform, token, card_id))["status"] == "pending"
    assert await platform.messages(token) == []

    await platform.fault("real_name")
    await turn(platform, 600)
    card = await card_of(platform, token, card_id)
    assert card["status"] == "active"
    assert len(card["ehealth_card_id"]) == 64
    [message] = await platform.messages(token)
    assert (message["kind"], message["data"]["card_id"]) == ("card_ready", card_id)
    await turn(platform)
    assert len(await platform.messages(token)) == 1
    assert db.persons.count_documents({}) == 1


async def test_a_resumed_claim_that_is_refused_frees_the_document(
    platform: Platform, db: Database[Any]
) -> None:
    await platform.accept(("authority",))
    owner, stranger = platform.residents[0], platform.residents[1]
    token = await platform.sign_in(stranger)
    await platform.fault("real_name", refuse=True)
    waiting = await platform.claim(token, owner, name="李四")
    assert waiting.status == 202
    blocked = await platform.claim(await platform.sign_in(owner), owner)
    assert (blocked.status, blocked.error) == (409, "card.claim_in_progress")
    await platform.fault("real_name")
    await turn(platform)
    assert (await card_of(platform, token, waiting.json["card_id"]))["status"] == "refused"
    [message] = await platform.messages(token)
    assert message["kind"] == "card_refused"
    assert owner.id_no not in str(message)
    platform.clock.advance(1)
    assert (await platform.claim(await platform.sign_in(owner), owner)).status == 201
    assert db.persons.count_documents({}) == 1


@pytest.mark.parametrize("name", ["李不对", None])
async def test_undecided_claims_take_room_in_the_budget_of_mismatches(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    """Or an outage of the authority would be the time to guess."""
    await platform.accept(("authority",))
    monkeypatch.setattr(budgets, "LOOKS", 1)
    token = await platform.sign_in(platform.residents[0])
    changes = {} if name is None else {"name": name}
    await platform.fault("real_name", refuse=True)
    for resident in platform.residents[:5]:
        assert (await platform.claim(token, resident, **changes)).status == 202
    sixth = await platform.claim(token, platform.residents[5])
    assert (sixth.status, sixth.error) == (429, "identity_mismatch.too_many")
    assert sixth.headers["Retry-After"] == "60"
    assert (await platform.claim(token, platform.residents[0], **changes)).status == 202
    await platform.fault("real_name")
    await turn(platform)
    after = await platform.claim(token, platform.residents[5])
    assert after.status == (201 if name is None else 429)


async def test_the_claimant_may_ask_again_before_the_worker_does(platform: Platform) -> None:
    resident = platform.residents[0]
    token = await platform.sign_in(resident)
    await platform.fault("real_name", refuse=True, times=1)
    assert (await platform.claim(token, resident)).status == 202
    again = await platform.claim(token, resident)
    assert again.status == 200
    assert again.json["status"] == "active"


async def test_a_claim_whose_process_died_is_taken_up(platform: Platform, db: Database[Any]) -> None:
    resident = platform.residents[0]
    token, card_id = await platform.holder(resident)
    db.cards.update_one(
        {"_id": card_id},
        {
            "$set": {"status": "pending", "next_try_at": platform.clock.now(), "attempts": 0},
            "$unset": {"person_id": "", "outbox": ""},
        },
    )
    await turn(platform, 0)
    assert (await card_of(platform, token, card_id))["status"] == "active"
    assert [message["kind"] for message in await platform.messages(token)] == ["card_ready"]


async def test_tries_come_further_and_further_apart(platform: Platform, db: Database[Any]) -> None:
    resident = platform.residents[0]
    token = await platform.sign_in(resident)
    await platform.fault("real_name", refuse=True)
    await platform.claim(token, resident)
    waits = []
    for _ in range(9):
        due_at = db.cards.find_one()["next_try_at"]
        waits.append((due_at - platform.clock.now()).total_seconds())
        await turn(platform, waits[-1])
    assert waits == sorted(waits)
    assert waits[0] == 10
    assert waits[-1] == 600
