"""The same request asked twice has one effect and one answer (invariant I7)."""

import asyncio
from typing import Any

import pytest
from pymongo.database import Database

from tests.api.calls import another_process
from tests.harness import Answer, Platform

pytestmark = [pytest.mark.feature("C1", "V1"), pytest.mark.gen_test(timeout=60)]


async def claim(platform: Platform, token: str, key: str, number: int = 0, **changes: Any) -> Answer:
    body = platform.application(platform.residents[number], **changes)
    return await platform.http.post("/api/v1/cards", body, token=token, headers={"Idempotency-Key": key})


async def test_the_same_key_and_body_get_the_same_bytes(platform: Platform, db: Database[Any]) -> None:
    token = await platform.sign_in(platform.residents[0])
    first = await claim(platform, token, "k-1")
    assert first.status == 201
    async with another_process(platform) as other:
        for process in (platform, other):
            again = await claim(process, token, "k-1")
            assert (again.status, again.body) == (201, first.body)
    assert db.cards.count_documents({}) == 1
    plain = (await platform.claim(token, platform.residents[0])).status
    assert plain == 200


async def test_a_refusal_is_repeated_too(platform: Platform) -> None:
    token = await platform.sign_in(platform.residents[0])
    first = await claim(platform, token, "k-1", name="李四")
    again = await claim(platform, token, "k-1", name="李四")
    assert first.status == 422
    assert (again.status, again.body) == (422, first.body)


async def test_the_same_key_with_another_body_has_no_effect(platform: Platform, db: Database[Any]) -> None:
    token = await platform.sign_in(platform.residents[0])
    await claim(platform, token, "k-1")
    other = await claim(platform, token, "k-1", number=1)
    assert (other.status, other.error) == (422, "idempotency.key_reused")
    assert db.cards.count_documents({}) == 1


async def test_a_key_belongs_to_its_caller(platform: Platform) -> None:
    one = await platform.sign_in(platform.residents[0])
    two = await platform.sign_in(platform.residents[1])
    assert (await claim(platform, one, "k-1")).status == 201
    assert (await claim(platform, two, "k-1", number=1)).status == 201


async def test_a_key_in_use_is_told_to_wait(platform: Platform, db: Database[Any]) -> None:
    token = await platform.sign_in(platform.residents[0])
    await platform.fault("real_name", delay_s=0.5)
    first = asyncio.ensure_future(claim(platform, token, "k-1"))
    for _ in range(1000):
        if db.cards.count_documents({}):
            break
        await asyncio.sleep(0)
    busy = await claim(platform, token, "k-1")
    assert (busy.status, busy.error) == (409, "idempotency.in_progress")
    done = await first
    assert done.status == 201
    assert (await claim(platform, token, "k-1")).body == done.body


async def test_64_at_once_have_one_effect(platform: Platform, db: Database[Any]) -> None:
    token = await platform.sign_in(platform.residents[0])
    answers = await asyncio.gather(*(claim(platform, token, "k-1") for _ in range(64)))
    assert {answer.status for answer in answers} <= {201, 409}
    assert len({answer.body for answer in answers if answer.status == 201}) == 1
    assert db.cards.count_documents({}) == 1


async def test_nothing_decided_leaves_the_key_free(platform: Platform) -> None:
    token = await platform.sign_in(platform.residents[0])
    for name in ("李一", "李二", "李三", "李四", "李五"):
        await platform.claim(token, platform.residents[0], name=name)
    spent = await claim(platform, token, "k-1")
    assert spent.status == 429
    platform.clock.advance(int(spent.headers["Retry-After"]))
    assert (await claim(platform, token, "k-1")).status == 201


@pytest.mark.parametrize("key", ["", "x" * 129, "a\tb", "clé"])
async def test_a_key_is_1_to_128_visible_characters(platform: Platform, key: str) -> None:
    token = await platform.sign_in(platform.residents[0])
    refused = await claim(platform, token, key)
    assert (refused.status, refused.error) == (400, "idempotency.key_invalid")
