"""Budgets, kept answers and versions: what every process must see alike (I7)."""

import asyncio

import pytest

from server.core import budgets as budgets_module
from server.core.budgets import Budget, Budgets
from server.core.clock import HeldClock
from server.core.crypto.keyring import CurrentKeys, Keyring
from server.core.errors import Conflict, InvalidInput, TooMany
from server.core.idempotency import LEASE, Idempotency
from server.core.mongo import Mongo
from server.core.secrets import Sealer
from server.core.versions import VersionedCache, Versions

pytestmark = [pytest.mark.feature("C1", "V4"), pytest.mark.gen_test(timeout=30)]

THREE = Budget("try", limit=3, window_s=60)


def sealer(clock: HeldClock) -> Sealer:
    keys = [Keyring().make_next(purpose, clock.now()) for purpose in ("field", "fingerprint")]
    return Sealer(CurrentKeys(Keyring(keys), clock.now))


async def test_a_budget_is_shared_by_all_processes(mongo: Mongo, clock: HeldClock) -> None:
    processes = [Budgets(mongo.collection("budgets"), clock) for _ in range(4)]
    results = await asyncio.gather(
        *(process.spend(THREE, "amy") for process in processes for _ in range(16)), return_exceptions=True
    )
    assert len([result for result in results if isinstance(result, str)]) == 3
    refused = [result for result in results if isinstance(result, TooMany)]
    assert len(refused) == 61
    assert {(error.code, error.retry_after_s) for error in refused} == {("try.too_many", 61)}


async def test_a_budget_is_of_one_subject_and_one_window(mongo: Mongo, clock: HeldClock) -> None:
    budgets = Budgets(mongo.collection("budgets"), clock)
    for _ in range(3):
        await budgets.spend(THREE, "amy")
    await budgets.spend(THREE, "bob")
    await budgets.spend(Budget("other", 1, 60), "amy")
    clock.advance(59.999)
    with pytest.raises(TooMany) as refused:
        await budgets.spend(THREE, "amy")
    assert refused.value.retry_after_s == 1
    clock.advance(0.001)
    await budgets.spend(THREE, "amy")


async def test_the_same_thing_is_counted_once_in_a_window(mongo: Mongo, clock: HeldClock) -> None:
    processes = [Budgets(mongo.collection("budgets"), clock) for _ in range(2)]
    for thing in ("a", "b", "c"):
        await asyncio.gather(*(one.spend_once(THREE, "amy", thing) for one in processes * 8))
    with pytest.raises(TooMany):
        await processes[0].require_left([(THREE, "amy")])
    with pytest.raises(TooMany):
        await processes[0].spend_once(THREE, "amy", "d")
    await processes[0].spend_once(THREE, "bob", "a")
    clock.advance(60)
    await processes[0].spend_once(THREE, "amy", "a")


async def test_a_receipt_gives_one_back(mongo: Mongo, clock: HeldClock) -> None:
    budgets = Budgets(mongo.collection("budgets"), clock)
    receipts = [await budgets.spend(THREE, "amy") for _ in range(3)]
    await budgets.refund(receipts[0])
    await budgets.spend(THREE, "amy")
    with pytest.raises(TooMany):
        await budgets.spend(THREE, "amy")
    clock.advance(60)
    await budgets.refund(receipts[1])
    for _ in range(3):
        await budgets.spend(THREE, "amy")
    with pytest.raises(TooMany):
        await budgets.spend(THREE, "amy")


async def test_attempts_that_are_held_and_spent_share_one_limit(
    mongo: Mongo, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets_module, "LOOKS", 1)
    monkeypatch.setattr(budgets_module, "LOOK_EVERY_S", 0)
    budgets = Budgets(mongo.collection("budgets"), clock)
    for attempt in ("a", "b", "c", "a"):
        await budgets.hold(THREE, "amy", attempt)
    with pytest.raises(TooMany) as undecided:
        await budgets.hold(THREE, "amy", "d")
    assert undecided.value.retry_after_s == 60
    await budgets.settle(THREE, "amy", "a", costs=False)
    await budgets.hold(THREE, "amy", "d")
    for attempt in ("b", "b", "c", "d"):
        with pytest.raises(TooMany):
            await budgets.hold(THREE, "amy", "e")
        await budgets.settle(THREE, "amy", attempt, costs=True)
    with pytest.raises(TooMany) as spent:
        await budgets.hold(THREE, "amy", "e")
    assert spent.value.retry_after_s == 61
    await budgets.hold(THREE, "bob", "e")


async def test_whoever_finds_no_room_waits_for_it(mongo: Mongo, clock: HeldClock) -> None:
    budgets = [Budgets(mongo.collection("budgets"), clock) for _ in range(2)]
    together, most = 0, 0

    async def attempt(number: int, *, costs: bool) -> bool:
        nonlocal together, most
        try:
            await budgets[number % 2].hold(THREE, "amy", str(number))
        except TooMany:
            return False
        together += 1
        most = max(most, together)
        await asyncio.sleep(0)
        together -= 1
        await budgets[number % 2].settle(THREE, "amy", str(number), costs=costs)
        return True

    assert all(await asyncio.gather(*(attempt(number, costs=False) for number in range(20))))
    assert 1 <= most <= 3
    assert (await asyncio.gather(*(attempt(number, costs=True) for number in range(20)))).count(True) == 3


async def test_an_answer_is_kept_and_sealed(mongo: Mongo, clock: HeldClock) -> None:
    kept = Idempotency(mongo.collection("idempotency"), sealer(clock), clock)
    row_id = kept.row_id("account:1", "POST /x", "k")
    assert await kept.begin(row_id, b"body") is None
    await kept.keep(row_id, 201, '{"name":"王三"}'.encode())
    found = await kept.begin(row_id, b"body")
    assert found is not None
    assert (found.status, found.body.decode()) == (201, '{"name":"王三"}')
    with pytest.raises(InvalidInput):
        await kept.begin(row_id, b"other")
    row = await mongo.collection("idempotency").find_one({})
    assert "王三" not in str(row)


async def test_a_first_request_that_died_is_taken_over_by_one(mongo: Mongo, clock: HeldClock) -> None:
    kept = Idempotency(mongo.collection("idempotency"), sealer(clock), clock)
    row_id = kept.row_id("account:1", "POST /x", "k")
    assert await kept.begin(row_id, b"body") is None
    with pytest.raises(Conflict):
        await kept.begin(row_id, b"body")
    clock.advance(LEASE.total_seconds())
    tries = await asyncio.gather(*(kept.begin(row_id, b"body") for _ in range(8)), return_exceptions=True)
    assert tries.count(None) == 1
    assert sum(isinstance(result, Conflict) for result in tries) == 7


async def test_an_abandoned_key_is_free_and_a_kept_one_is_not(mongo: Mongo, clock: HeldClock) -> None:
    kept = Idempotency(mongo.collection("idempotency"), sealer(clock), clock)
    assert await kept.begin("a", b"body") is None
    await kept.abandon("a")
    assert await kept.begin("a", b"other body") is None
    await kept.keep("a", 200, b"{}")
    await kept.abandon("a")
    assert (await kept.begin("a", b"other body")) is not None


def test_callers_routes_and_keys_do_not_meet() -> None:
    kept = Idempotency.row_id
    ids = {kept(None, a, b, c) for a in ("x", "y") for b in ("x", "y") for c in ("x", "y")}  # type: ignore[arg-type]
    assert len(ids) == 8


async def test_a_cache_drops_what_another_process_changed(mongo: Mongo) -> None:
    stored = {"a": 1}
    asked: list[str] = []

    async def load(key: str) -> int | None:
        asked.append(key)
        return stored.get(key)

    here, there = (Versions(mongo.collection("versions")) for _ in range(2))
    cache: VersionedCache[int] = VersionedCache(load)
    here.watch("partners", cache.forget)
    await here.poll()
    assert [await cache.find("a") for _ in range(3)] == [1, 1, 1]
    assert asked == ["a"]
    stored["a"] = 2
    await there.bump("other")
    await here.poll()
    assert await cache.find("a") == 1
    await there.bump("partners")
    await here.poll()
    assert await cache.find("a") == 2
    await here.poll()
    await cache.find("a")
    assert asked == ["a", "a"]


async def test_what_is_not_there_is_asked_for_again(mongo: Mongo) -> None:
    stored: dict[str, int] = {}

    async def load(key: str) -> int | None:
        return stored.get(key)

    cache: VersionedCache[int] = VersionedCache(load)
    assert await cache.find("a") is None
    stored["a"] = 1
    assert await cache.find("a") == 1


async def test_a_value_read_before_a_change_is_not_kept_after_it() -> None:
    reading, may_answer = asyncio.Event(), asyncio.Event()
    value = 1

    async def load(_: str) -> int:
        before = value
        reading.set()
        await may_answer.wait()
        return before

    cache: VersionedCache[int] = VersionedCache(load)
    asked = asyncio.ensure_future(cache.find("a"))
    await reading.wait()
    value = 2
    cache.forget()
    may_answer.set()
    assert await asked == 1
    assert await cache.find("a") == 2
