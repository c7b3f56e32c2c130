"""A dynamic code lives shortly and is accepted once, whoever asks, whatever restarts (I11, QR-1 to QR-11)."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from pymongo.database import Database

from server.verification.throttle import TerminalPolicy
from tests.api.calls import another_process, call, scan_body
from tests.harness import Answer, Platform

pytestmark = [pytest.mark.feature("C5", "V1"), pytest.mark.gen_test(timeout=60)]

ALTERED = {"code.malformed", "code.forged", "code.expired", "issuer.unknown"}


async def scan(platform: Platform, code: str, session: Any = None) -> str:
    """ "accepted", or the code of the refusal."""
    reply = await platform.scan(platform.partner(), code, session)
    return (reply.error or ("accepted", ""))[0]


@pytest.mark.parametrize(
    ("after_s", "outcome"),
    [
        (0, "accepted"),
        (60, "accepted"),
        (64.999, "accepted"),
        (65, "accepted"),
        (65.001, "code.expired"),
        (3600, "code.expired"),
        (-5, "accepted"),
        (-5.001, "code.expired"),
    ],
)
async def test_a_code_lives_the_refresh_and_a_step_of_skew(
    platform: Platform, after_s: float, outcome: str
) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    platform.clock.advance(60)
    code = await platform.code(token, card_id)
    platform.clock.advance(after_s)
    assert await scan(platform, code) == outcome


@pytest.mark.parametrize("platform_changes", [{"code_refresh_seconds": 10}])
async def test_the_centres_refresh_decides(platform: Platform, platform_changes: dict[str, Any]) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    codes = [await platform.code(token, card_id) for _ in range(2)]
    platform.clock.advance(15)
    assert await scan(platform, codes[0]) == "accepted"
    platform.clock.advance(0.001)
    assert await scan(platform, codes[1]) == "code.expired"


async def test_64_terminals_at_once_one_success(platform: Platform, db: Database[Any]) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    session = await platform.partner().open_session("T-0001")
    body = scan_body(await platform.code(token, card_id))
    answers = await asyncio.gather(
        *(call(platform, body, session=session).send(platform.http) for _ in range(64))
    )
    assert Counter(answer.status for answer in answers) == {200: 1, 409: 63}
    assert {answer.error for answer in answers if answer.status == 409} == {"code.already_used"}
    assert db.usages.count_documents({}) == 1


async def test_two_processes_at_once_one_success(platform: Platform) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    session = await platform.partner().open_session("T-0001")
    async with another_process(platform) as other:
        for _ in range(5):
            body = scan_body(await platform.code(token, card_id))
            answers: list[Answer] = await asyncio.gather(
                *(
                    call(platform, body, session=session).send(process.http)
                    for process in (platform, other)
                    for _ in range(8)
                )
            )
            assert Counter(answer.status for answer in answers) == {200: 1, 409: 15}
    report = await platform.app.verifier.verify()
    assert report.problems == []


async def test_a_used_code_stays_used_after_a_restart(platform: Platform) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    code = await platform.code(token, card_id)
    async with another_process(platform) as first:
        assert await scan(first, code) == "accepted"
    async with another_process(platform) as restarted:
        assert await scan(restarted, code) == "code.already_used"
        assert await scan(restarted, await platform.code(token, card_id)) == "accepted"


async def test_a_newer_code_voids_the_older_ones(platform: Platform) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    used, oldest = [await platform.code(token, card_id) for _ in range(2)]
    assert await scan(platform, used) == "accepted"
    platform.clock.advance(1)
    newer = await platform.code(token, card_id)
    assert await scan(platform, oldest) == "accepted"
    platform.clock.advance(1)
    newest, older = await platform.code(token, card_id), newer
    assert await scan(platform, newest) == "accepted"
    assert await scan(platform, older) == "code.superseded"
    assert await scan(platform, used) == "code.already_used"


@pytest.mark.parametrize("most", [1000, 2])
async def test_cards_read_together_are_judged_apart(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Also when so much was accepted since that the common answer is cut off."""
    monkeypatch.setattr("server.verification.store.MAX_NEWER", most)
    used, unused = [
        [await platform.holder(resident) for resident in some]
        for some in (platform.residents[:2], platform.residents[2:4])
    ]
    codes = {card: await platform.code(token, card) for token, card in [*used, *unused]}
    for _ in range(3):
        platform.clock.advance(1)
        for token, card in used:
            assert await scan(platform, await platform.code(token, card)) == "accepted"
    told = await asyncio.gather(*(scan(platform, code) for code in codes.values()))
    assert told == ["code.superseded", "code.superseded", "accepted", "accepted"]


async def test_a_newer_code_that_was_refused_voids_nothing(platform: Platform) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    older = await platform.code(token, card_id)
    platform.clock.advance(1)
    newer = await platform.code(token, card_id)
    refused = await platform.scan(platform.partner(), newer, terminal_id="T-none")
    assert refused.status == 403
    assert await scan(platform, older) == "accepted"
    assert await scan(platform, newer) == "accepted"


async def test_a_card_does_not_void_the_codes_of_another(platform: Platform) -> None:
    one, other = [await platform.holder(resident) for resident in platform.residents[:2]]
    older = await platform.code(*one)
    platform.clock.advance(1)
    assert await scan(platform, await platform.code(*other)) == "accepted"
    assert await scan(platform, older) == "accepted"


async def test_every_altered_character_is_refused(platform: Platform) -> None:
    await platform.decide(TerminalPolicy, refused=100_000)
    token, card_id = await platform.holder(platform.residents[0])
    session = await platform.partner().open_session("T-0001")
    code = await platform.code(token, card_id)
    altered = [
        code[:place] + chr(ord(code[place]) ^ bit) + code[place + 1 :]
        for place in range(len(code))
        for bit in (1, 2, 4, 8, 16)
    ]
    answers = [await call(platform, scan_body(text), session=session).send(platform.http) for text in altered]
    assert {answer.status for answer in answers} == {422}
    assert {answer.error for answer in answers} <= ALTERED
    assert await scan(platform, code, session) == "accepted"


async def test_parts_of_two_good_codes_make_no_third(platform: Platform) -> None:
    one, other = [await platform.holder(resident) for resident in platform.residents[:2]]
    mine, theirs = (await platform.code(*one)).split(":"), (await platform.code(*other)).split(":")
    crossed = ":".join([theirs[0], *mine[1:]])
    assert await scan(platform, crossed) == "code.forged"
    token = mine[2]
    other_kid = ":".join([mine[0], "0", "FE" + token[2:], mine[3]])
    assert await scan(platform, other_kid) == "code.forged"
    later = f"{int(token[2:10], 16) + 30:08X}"
    longer_life = ":".join([mine[0], "0", token[:2] + later + token[10:], mine[3]])
    assert await scan(platform, longer_life) == "code.forged"


async def test_codes_of_the_key_before_are_good_while_they_live(platform: Platform) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    await platform.app.keys.rotate("code")
    platform.clock.advance(9)
    before = await platform.code(token, card_id)
    platform.clock.advance(2)
    after = await platform.code(token, card_id)
    assert before.split(":")[2][:2] != after.split(":")[2][:2]
    assert await scan(platform, before) == "accepted"
    assert await scan(platform, after) == "accepted"


@pytest.mark.parametrize("kind", ["dynamic", "static"])
async def test_a_lost_answer_can_be_asked_for_again(platform: Platform, db: Database[Any], kind: str) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    client, code = platform.partner(), await platform.code(token, card_id, kind)
    body = {"code": code, "scene": "010101", "terminal_id": "T-0001"}

    async def ask(key: str, of: Platform = platform) -> Any:
        return await of.partner().call("POST", "/partner/v1/verifications", body, idempotency_key=key)

    first = await ask("scan-1")
    assert (first.status, (await ask("scan-1")).body) == (200, first.body)
    # The process died after the use was stored and before the answer was: another one takes over.
    died = db.idempotency.update_one({"answer": {"$exists": True}}, {"$unset": {"answer": "", "status": ""}})
    assert died.modified_count == 1
    platform.clock.advance(31)
    async with another_process(platform) as other:
        taken_over = await ask("scan-1", other)
    assert taken_over.body["verification_id"] == first.body["verification_id"]
    assert taken_over.body["verified_at"] == first.body["verified_at"]
    assert db.usages.count_documents({}) == 1
    if kind == "dynamic":
        assert (await ask("scan-2")).error[0] == "code.already_used"
        assert (await client.call("POST", "/partner/v1/verifications", body)).status == 409
