"""Events written with the change, delivered at least once and in order (I13, F27)."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from pymongo import MongoClient

from server.core.clock import HeldClock
from server.core.errors import Unavailable
from server.core.mongo import Collection, Mongo
from server.core.outbox import LEASE, MAX_ATTEMPTS, OUTBOX_INDEXES, Event, Relay, adding, outbox

pytestmark = [pytest.mark.feature("N3"), pytest.mark.gen_test(timeout=30)]


async def source_of(mongo: Mongo, clock: HeldClock, count: int, *names: str) -> Collection:
    """A collection of `count` rows, each with the events `names`."""
    source = mongo.collection("things")
    await source.ensure_indexes(OUTBOX_INDEXES)
    for number in range(count):
        events = [(name, {"n": number}) for name in (names or ("thing.made",))]
        await source.insert({"_id": number, "outbox": outbox(clock.now(), *events)})
    return source


async def test_each_event_is_delivered_in_its_order(mongo: Mongo, clock: HeldClock) -> None:
    source = await source_of(mongo, clock, 3, "a.one", "a.two", "a.three")
    seen: list[Event] = []

    async def react(event: Event) -> None:
        seen.append(event)

    relay = Relay([source], react, clock)
    assert await relay.backlog() == (3, 0)
    assert await relay.deliver_due() == 3
    for number in range(3):
        assert [e.name for e in seen if e.data["n"] == number] == ["a.one", "a.two", "a.three"]
    assert seen[0].happened_at == clock.now()
    assert len({event.event_id for event in seen}) == 9
    assert await relay.deliver_due() == 0
    assert await relay.backlog() == (0, 0)
    assert await source.find_one({"outbox": {"$exists": True}}) is None


async def test_a_failing_reaction_is_tried_again_later_and_later(mongo: Mongo, clock: HeldClock) -> None:
    source = await source_of(mongo, clock, 1, "a.one", "a.two")
    tried: list[str] = []

    async def react(event: Event) -> None:
        tried.append(event.name)
        if event.name == "a.two" and len(tried) < 6:
            raise Unavailable("sms.unavailable", "down")

    relay = Relay([source], react, clock)
    waits = []
    while (await relay.backlog())[0]:
        await relay.deliver_due()
        row = await source.find_one({})
        assert row is not None
        if "outbox" in row:
            waits.append((row["outbox"]["due_at"] - clock.now()).total_seconds())
            clock.advance(waits[-1] - 0.001)
            assert await relay.deliver_due() == 0
            clock.advance(0.001)
    assert waits == [2, 4]
    assert tried == ["a.one", "a.two"] * 3


async def test_poison_parks_with_its_reason_and_the_rest_goes_on(mongo: Mongo, clock: HeldClock) -> None:
    source = await source_of(mongo, clock, 30)
    delivered: Counter[int] = Counter()

    async def react(event: Event) -> None:
        if event.data["n"] % 10 == 3:
            raise KeyError("nobody declared it")
        if event.data["n"] == 4:
            raise Unavailable("thing.broken", "for good")
        delivered[event.data["n"]] += 1

    relay = Relay([source], react, clock)
    for _ in range(MAX_ATTEMPTS):
        await relay.deliver_due()
        clock.advance(600)
    assert set(delivered) == {n for n in range(30) if n % 10 != 3 and n != 4}
    assert set(delivered.values()) == {1}
    assert await relay.backlog() == (0, 4)
    parked = await source.find({"outbox.parked_at": {"$exists": True}}, limit=10, sort=[("_id", 1)])
    assert [(row["_id"], row["outbox"]["parked_because"]) for row in parked] == [
        (3, "KeyError"),
        (4, "thing.broken"),
        (13, "KeyError"),
        (23, "KeyError"),
    ]
    assert all(row["outbox"]["events"] for row in parked)
    assert await relay.deliver_due() == 0


async def test_two_relays_share_the_work(mongo: Mongo, clock: HeldClock) -> None:
    source = await source_of(mongo, clock, 60)
    seen: Counter[str] = Counter()

    async def react(event: Event) -> None:
        seen[event.event_id] += 1
        await asyncio.sleep(0)

    relays = [Relay([source], react, clock) for _ in range(4)]
    emptied = await asyncio.gather(*(relay.deliver_due() for relay in relays))
    assert sum(emptied) == 60
    assert len(seen) == 60
    assert set(seen.values()) == {1}


async def test_what_a_dead_relay_had_taken_is_delivered_after_its_lease(
    mongo: Mongo, clock: HeldClock
) -> None:
    source = await source_of(mongo, clock, 1)
    seen: list[str] = []
    stuck = asyncio.Event()

    async def hang(_: Event) -> None:
        stuck.set()
        await asyncio.get_running_loop().create_future()

    async def react(event: Event) -> None:
        seen.append(event.event_id)

    dying = asyncio.ensure_future(Relay([source], hang, clock).deliver_due())
    await stuck.wait()
    relay = Relay([source], react, clock)
    assert await relay.deliver_due() == 0
    clock.advance(LEASE.total_seconds())
    assert await relay.deliver_due() == 1
    assert len(seen) == 1
    dying.cancel()


async def test_a_relay_that_lost_its_lease_takes_nothing_out(
    mongo: Mongo, clock: HeldClock, mongo_client: MongoClient[Any], database_name: str
) -> None:
    source = await source_of(mongo, clock, 1)
    may_go, stuck = asyncio.Event(), asyncio.Event()

    async def slow(_: Event) -> None:
        stuck.set()
        await may_go.wait()

    paused = asyncio.ensure_future(Relay([source], slow, clock).deliver_due())
    await stuck.wait()
    clock.advance(LEASE.total_seconds())
    taken = mongo_client[database_name].things.update_one(
        {"outbox.due_at": {"$lte": clock.now()}}, {"$set": {"outbox.due_at": clock.now() + LEASE}}
    )
    assert taken.modified_count == 1
    may_go.set()
    assert await paused == 0
    assert await source.count({"outbox.due_at": {"$exists": True}}) == 1


async def test_what_is_not_due_waits(mongo: Mongo, clock: HeldClock) -> None:
    source = await source_of(mongo, clock, 1)

    async def react(_: Event) -> None:
        raise AssertionError

    clock.advance(-1)
    assert await Relay([source], react, clock).deliver_due() == 0


async def test_an_event_added_during_delivery_is_not_lost(mongo: Mongo, clock: HeldClock) -> None:
    source = await source_of(mongo, clock, 1, "a.one")
    seen: list[str] = []

    async def react(event: Event) -> None:
        if event.name == "a.one" and not seen:
            due, events = adding(clock.now(), ("a.two", {"n": 0}))
            await source.update({"_id": 0}, {"$set": due, "$push": events})
        seen.append(event.name)

    relay = Relay([source], react, clock)
    await relay.deliver_due()
    assert seen == ["a.one", "a.one", "a.two"]
    assert await relay.backlog() == (0, 0)
