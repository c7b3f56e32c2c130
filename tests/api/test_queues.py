"""The platform's own queues through a hospital's desk: order, calls, missed calls, returns, two at once."""

import asyncio
from typing import Any

import pytest

from server.visits.queues.model import QueuePolicy
from tests.harness import Platform
from tests.visits import QUEUE, Desk, confirmed, settle

pytestmark = [pytest.mark.feature("M4"), pytest.mark.gen_test(timeout=60)]


async def line_up(platform: Platform, desk: Desk, number: int) -> list[Any]:
    """`number` people of one card, booked in that order, who have joined the queue."""
    _, card_id = await platform.holder(platform.residents[0])
    await desk.open_queue()
    visits = []
    for index in range(number):
        visit = await confirmed(platform, card_id, 10 + index)
        joined = await desk.send("POST", f"/queues/{QUEUE}/tokens", {"visit_id": visit["visit_id"]})
        visits.append({**visit, **joined})
    return visits


async def order(desk: Desk) -> list[str]:
    return [token["number"] for token in (await desk.send("GET", f"/queues/{QUEUE}"))["following"]]


async def test_who_misses_the_call_returns_some_places_back(platform: Platform) -> None:
    desk = await Desk.of(platform)
    await platform.decide(QueuePolicy, return_places_back=2, max_returns=2)
    await line_up(platform, desk, 5)
    first = await desk.call()
    assert (first["number"], first["place"], first["state"]) == ("001", "3 诊室", "called")
    assert await desk.refused(
        "POST", f"/queues/{QUEUE}/tokens/{first['token_id']}/transitions", {"action": "return"}
    ) == ("token.not_in_state")
    assert (await desk.move(first["token_id"], "recall"))["state"] == "called"
    assert (await desk.move(first["token_id"], "miss"))["state"] == "missed"
    assert await order(desk) == ["002", "003", "004", "005"]
    assert (await desk.move(first["token_id"], "return"))["state"] == "waiting"
    assert await order(desk) == ["002", "003", "001", "004", "005"]
    second = await desk.call()
    await desk.move(second["token_id"], "miss")
    await desk.move(second["token_id"], "return")
    assert await order(desk) == ["003", "001", "002", "004", "005"]
    await desk.call()
    for _ in range(1):
        assert (await desk.call())["number"] == "001"
        await desk.move(first["token_id"], "miss")
        await desk.move(first["token_id"], "return")
    await desk.call()
    await desk.call()
    assert (await desk.call())["number"] == "001"
    await desk.move(first["token_id"], "miss")
    path = f"/queues/{QUEUE}/tokens/{first['token_id']}/transitions"
    assert await desk.refused("POST", path, {"action": "return"}) == "token.returns_spent"
    assert (await desk.move(first["token_id"], "leave"))["state"] == "left"
    assert await order(desk) == ["005"]
    board = await desk.send("GET", f"/queues/{QUEUE}")
    assert board["waiting"] == 1
    await settle(platform)


async def test_desks_that_call_at_once_get_each_their_own(platform: Platform) -> None:
    desk = await Desk.of(platform)
    people = await line_up(platform, desk, 12)
    called = await asyncio.gather(*(desk.call(place=f"{n} 诊室") for n in range(16)))
    numbers = [token["number"] for token in called if token is not None]
    assert sorted(numbers) == sorted(person["number"] for person in people)
    assert called.count(None) == 4


async def test_a_call_asked_again_is_the_same_call(platform: Platform) -> None:
    desk = await Desk.of(platform)
    await line_up(platform, desk, 3)
    first = await desk.call(idempotency_key="call-1")
    idempotency = platform.app.mongo.collection("idempotency")
    assert await idempotency.delete({}) > 0, "the answer is lost, as by a kill before it was kept"
    again = await desk.call(idempotency_key="call-1")
    assert again["token_id"] == first["token_id"]
    assert (await desk.call(idempotency_key="call-2"))["number"] == "002"
    missed = await desk.move(first["token_id"], "miss", idempotency_key="miss-1")
    await idempotency.delete({})
    assert await desk.move(first["token_id"], "miss", idempotency_key="miss-1") == missed


async def test_who_is_near_is_told_once(platform: Platform) -> None:
    desk = await Desk.of(platform)
    await platform.decide(QueuePolicy, near_places=2)
    await line_up(platform, desk, 4)
    tokens = platform.app.mongo.collection("queue_tokens")

    async def near() -> list[str]:
        await platform.work()
        return sorted([row["number"] async for row in tokens.each({"is_near": True})])

    assert await near() == ["001", "002"]
    await desk.call()
    assert await near() == ["001", "002", "003"]


async def test_whose_day_is_over_waits_no_more(platform: Platform) -> None:
    desk = await Desk.of(platform)
    [visit] = await line_up(platform, desk, 1)
    platform.clock.advance(86_400)
    assert await desk.call() is None
    path = f"/queues/{QUEUE}/tokens/{visit['token_id']}/transitions"
    assert await desk.refused("POST", path, {"action": "leave"}) == "token.not_found"
