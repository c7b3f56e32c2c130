"""Claiming a card (A3.1): one person, one card, whoever and however often asks (C1, I1)."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from pymongo.database import Database

from sandbox.city import Resident
from tests.harness import ADULTS, Platform

pytestmark = [pytest.mark.feature("C1", "I1", "I3"), pytest.mark.gen_test(timeout=60)]

BORN_LAST_CENTURY = [resident for resident in ADULTS if resident.birth_on.year < 2000]
HARD_NAMES = [r for r in ADULTS if "·" in r.name or any(ord(c) > 0xFFFF for c in r.name)][:8]


async def wechat(platform: Platform, name: str) -> str:
    """A session of an account that has proven no phone."""
    answer = await platform.http.post("/api/v1/sessions", {"method": "wechat", "code": f"wx:{name}"})
    assert answer.status == 201, answer.body
    return str(answer.json["token"])


def counts(db: Database[Any]) -> tuple[int, int]:
    """(live cards, persons)"""
    return db.cards.count_documents({"is_live": True}), db.persons.count_documents({})


async def test_the_straight_path(platform: Platform, db: Database[Any]) -> None:
    resident = platform.residents[0]
    token = await platform.sign_in(resident)
    claimed = await platform.claim(token, resident, notice_version="2026-11")
    assert claimed.status == 201
    card = claimed.json
    assert card["status"] == "active"
    assert (card["relation"], card["claimed_at"]) == ("self", "2026-11-22T08:00:00Z")
    assert len(card["ehealth_card_id"]) == 64
    assert card["person"] == {
        "name_masked": resident.name[0] + "*" * (len(resident.name) - 1),
        "gender": resident.gender,
        "id_type": "01",
        "id_no_masked": resident.id_no[:3] + "*" * 11 + resident.id_no[-4:],
        "phone_masked": resident.phone[:3] + "****" + resident.phone[-4:],
    }
    one = await platform.http.get(f"/api/v1/cards/{card['card_id']}", token=token)
    listed = await platform.http.get("/api/v1/cards", token=token)
    assert one.json == card
    assert listed.json == {"cards": [card]}
    assert db.cards.find_one()["ties"][0]["notice_version"] == "2026-11"
    assert db.persons.find_one()["evidence"][0]["serial_no"].startswith("rn-")


async def test_a_repeat_finds_the_same_card(platform: Platform, db: Database[Any]) -> None:
    resident = platform.residents[0]
    token, card_id = await platform.holder(resident)
    again = await platform.claim(token, resident)
    assert (again.status, again.json["card_id"]) == (200, card_id)
    assert counts(db) == (1, 1)


async def test_one_account_asking_64_times_at_once_makes_one_card(
    platform: Platform, db: Database[Any]
) -> None:
    resident = platform.residents[0]
    token = await platform.sign_in(resident)
    answers = await asyncio.gather(*(platform.claim(token, resident) for _ in range(64)))
    statuses = Counter(answer.status for answer in answers)
    assert statuses[201] == 1
    assert set(statuses) <= {200, 201}
    assert len({answer.json["card_id"] for answer in answers}) == 1
    assert counts(db) == (1, 1)
    assert db.cards.count_documents({}) == 1


async def test_many_accounts_asking_at_once_make_one_card(platform: Platform, db: Database[Any]) -> None:
    await platform.accept(("authority",))
    resident = platform.residents[0]
    tokens = await asyncio.gather(*(wechat(platform, f"n{n}") for n in range(32)))
    answers = await asyncio.gather(*(platform.claim(token, resident) for token in tokens))
    statuses = Counter(answer.status for answer in answers)
    assert statuses == {201: 1, 409: 31}
    errors = {answer.error for answer in answers if answer.status == 409}
    assert errors <= {"card.held_by_another_account", "card.claim_in_progress"}
    assert counts(db) == (1, 1)


async def test_many_persons_claimed_twice_at_once_have_a_card_each(
    platform: Platform, db: Database[Any]
) -> None:
    await platform.accept(("authority",))
    residents = platform.residents[:20]
    token = await wechat(platform, "amy")
    answers = await asyncio.gather(*(platform.claim(token, r) for r in residents for _ in range(2)))
    assert {answer.status for answer in answers} <= {200, 201}
    assert counts(db) == (20, 20)


async def test_a_mismatch_is_refused_and_does_not_block_the_true_owner(
    platform: Platform, db: Database[Any]
) -> None:
    await platform.accept(("authority",))
    owner = platform.residents[0]
    stranger = await wechat(platform, "stranger")
    refused = await platform.claim(stranger, owner, name="李四")
    assert (refused.status, refused.error) == (422, "identity.mismatch")
    assert owner.id_no not in refused.body.decode()
    assert counts(db) == (0, 0)
    _, card_id = await platform.holder(owner)
    assert counts(db) == (1, 1)
    late = await platform.claim(stranger, owner, name="李四")
    assert (late.status, late.error) == (422, "identity.mismatch")
    assert card_id not in late.body.decode()


async def test_another_account_needs_the_phone_the_card_was_claimed_with(
    platform: Platform, db: Database[Any]
) -> None:
    await platform.accept(("authority",))
    owner, other = platform.residents[0], platform.residents[1]
    first = await platform.claim(await wechat(platform, "amy"), owner)
    assert first.status == 201
    for token in (await wechat(platform, "bob"), await platform.sign_in(other)):
        refused = await platform.claim(token, owner)
        assert (refused.status, refused.error) == (409, "card.held_by_another_account")
        assert (await platform.http.get("/api/v1/cards", token=token)).json == {"cards": []}
    token = await platform.sign_in(owner)
    joined = await platform.claim(token, owner)
    assert (joined.status, joined.json["card_id"]) == (201, first.json["card_id"])
    assert (await platform.claim(token, owner)).status == 200
    assert counts(db) == (1, 1)


@pytest.mark.parametrize("first_is_short", [True, False])
async def test_15_digits_and_18_are_the_same_person(
    platform: Platform, db: Database[Any], first_is_short: bool
) -> None:
    resident = BORN_LAST_CENTURY[0]
    short = resident.id_no[:6] + resident.id_no[8:17]
    token = await platform.sign_in(resident)
    numbers = (short, resident.id_no) if first_is_short else (resident.id_no, short)
    first, second = [await platform.claim(token, resident, id_no=number) for number in numbers]
    assert (first.status, second.status) == (201, 200)
    assert first.json["card_id"] == second.json["card_id"]
    assert first.json["person"] == second.json["person"]
    assert counts(db) == (1, 1)


@pytest.mark.parametrize("resident", HARD_NAMES, ids=lambda resident: resident.id_no[-4:])
async def test_rare_characters_and_middle_dots_are_names(platform: Platform, resident: Resident) -> None:
    token = await platform.sign_in(resident)
    for written in (resident.name, f"  {resident.name} ", *(resident.name.replace("·", d) for d in "•・‧．")):
        claimed = await platform.claim(token, resident, name=written)
        assert claimed.status in (200, 201), written
        assert claimed.json["person"]["name_masked"] == resident.name[0] + "*" * (len(resident.name) - 1)


async def test_namesakes_are_different_people(platform: Platform, db: Database[Any]) -> None:
    one, other = platform.residents[0], platform.residents[2]
    assert one.name == other.name
    assert (await platform.holder(one))[1] != (await platform.holder(other))[1]
    assert counts(db) == (2, 2)


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        ({"id_no": "99010119900307001"}, "document.invalid_number", "length"),
        ({"id_no": "9901011990030700１X"}, "document.invalid_number", "characters"),
        ({"id_no": "990101199002300017"}, "document.invalid_number", "date"),
        ({"id_no": "990101209901010017"}, "document.invalid_number", "date"),
        ({"id_no": "990101199003070011"}, "document.invalid_number", "checksum"),
        ({"id_no": "000000199003070011"}, "document.invalid_number", "region"),
        ({"name": "王"}, "name.invalid", "length"),
        ({"name": "王3"}, "name.invalid", "characters"),
        ({"name": "王\u0000三"}, "name.invalid", "characters"),
        ({"name": "·王三"}, "name.invalid", "dot"),
        ({"phone": "123"}, "phone.invalid", None),
        ({"notice_version": "1999-01"}, "notice.unknown_version", None),
    ],
)
async def test_a_rule_that_is_broken_is_named(
    platform: Platform, db: Database[Any], changes: dict[str, str], code: str, reason: str | None
) -> None:
    resident = platform.residents[0]
    refused = await platform.claim(await platform.sign_in(resident), resident, **changes)
    assert (refused.status, refused.error) == (422, code)
    assert refused.json["error"]["detail"].get("reason") == reason
    for value in changes.values():
        assert value not in refused.json["error"]["message"]
    assert counts(db) == (0, 0)


async def asked_of_authority(platform: Platform) -> int:
    door = await platform.http.get(f"{platform.sandbox_url}/control/real_name")
    return int(door.json["requests"])


async def test_wrong_pairs_tried_at_once_have_the_same_budget(platform: Platform, db: Database[Any]) -> None:
    await platform.accept(("authority",))
    token = await wechat(platform, "guesser")
    others = platform.residents[:40]
    answers = await asyncio.gather(*(platform.claim(token, other, name="李不对") for other in others))
    assert Counter(answer.status for answer in answers) == {422: 5, 429: 35}
    assert await asked_of_authority(platform) == 5
    assert db.cards.count_documents({}) == 5
    assert (await platform.claim(token, platform.residents[-1])).status == 429
    assert await asked_of_authority(platform) == 5


async def test_guessing_the_name_of_a_card_at_once_has_the_same_budget(platform: Platform) -> None:
    """Within the budget a right name is told from a wrong one; beyond it they look alike."""
    await platform.accept(("authority",))
    owner = platform.residents[0]
    await platform.holder(owner)
    token = await wechat(platform, "guesser")
    wrong = [f"李{chr(0x4E00 + number)}" for number in range(40)]
    answers = await asyncio.gather(*(platform.claim(token, owner, name=name) for name in wrong))
    assert Counter(answer.status for answer in answers) == {422: 5, 429: 35}
    late = [await platform.claim(token, owner, name=name) for name in (owner.name, wrong[0], "李六")]
    assert [(answer.status, answer.error) for answer in late] == [(429, "identity_mismatch.too_many")] * 3


async def test_a_right_pair_costs_nothing(platform: Platform) -> None:
    await platform.accept(("authority",))
    owner = platform.residents[0]
    await platform.holder(owner)
    token = await wechat(platform, "bob")
    for _ in range(7):
        assert (await platform.claim(token, owner)).status == 409
    assert (await platform.claim(token, owner, name="李一")).status == 422


async def test_the_sixth_mismatch_of_an_account_is_too_many(platform: Platform) -> None:
    await platform.accept(("authority",))
    owner, other = platform.residents[0], platform.residents[1]
    token = await wechat(platform, "guesser")
    for name in ("李一", "李二", "李三", "李四", "李五"):
        assert (await platform.claim(token, owner, name=name)).status == 422
    spent = await platform.claim(token, owner, name="李六")
    assert (spent.status, spent.error) == (429, "identity_mismatch.too_many")
    assert 1 <= int(spent.headers["Retry-After"]) <= 86_401
    assert (await platform.claim(token, owner)).status == 429
    assert (await platform.claim(await platform.sign_in(other), other)).status == 201
    platform.clock.advance(int(spent.headers["Retry-After"]))
    assert (await platform.claim(token, owner)).status == 201
