"""Booking against bare MongoDB: one slot that everybody wants, and ten thousand slots.

The raw loop takes places of one document with `find_one_and_update`, without HTTP, who and why; B1 with
find-and-modify is a bare Tornado that finds the card and takes a place of a random slot.
"""

import argparse
import json
import secrets
import statistics
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tornado.httpclient import AsyncHTTPClient

from server.appointments.hospitals.model import Hospital
from server.appointments.slots.model import Pool, PoolSlot, public_slot_id
from server.core.audit import Actor
from server.core.clock import SystemClock, today
from tests.bench.load import CLIENTS
from tests.bench.scans import Bench, Row, Work, shown, stage
from tests.bench.world import World

PLACES = 1_000
SLOTS, OF_A_SCHEDULE = 10_000, 20  # ten hours of half hours
FEW = 8
BY = Actor("system", "bench")
INSTITUTION = "bench"


class Booking:
    """Requests to book; before each round the places of the last are free again."""

    def __init__(self, world: World, database: Any) -> None:
        self._world, self._database = world, database
        self._on = today(SystemClock()) + timedelta(days=1)

    async def open(self) -> None:
        """The hospital, its one slot of a thousand places, and its ten thousand slots."""
        services = self._world.app.services
        await services.hospitals.put(Hospital(INSTITUTION, "bench", "pools"), BY)
        await services.slot_pools.put(self._pool("one", 1, PLACES), BY)
        for number in range(SLOTS // OF_A_SCHEDULE):
            await services.slot_pools.put(self._pool(f"many-{number}", OF_A_SCHEDULE, PLACES), BY)

    def _pool(self, schedule_id: str, slots: int, capacity: int) -> Pool:
        start = datetime.fromisoformat(f"{self._on.isoformat()}T09:00:00+08:00")
        made = tuple(
            PoolSlot(f"s{number}", start, start + timedelta(minutes=30), capacity) for number in range(slots)
        )
        return Pool(INSTITUTION, schedule_id, "clinic", "D", "bench", "bench", self._on, made)

    def one_slot(self, count: int) -> list[bytes]:
        return self._requests(count, lambda: public_slot_id("one", "s0"))

    def many_slots(self, count: int) -> list[bytes]:
        def any_slot() -> str:
            schedule = secrets.randbelow(SLOTS // OF_A_SCHEDULE)
            return public_slot_id(f"many-{schedule}", f"s{secrets.randbelow(OF_A_SCHEDULE)}")

        return self._requests(count, any_slot)

    def _requests(self, count: int, slot_id: Callable[[], str]) -> list[bytes]:
        """One of each person: somebody who books again would run into the limits."""
        self._database.appointments.delete_many({})
        return [self._request(*who, slot_id()) for who in self._world.signed_in[:count]]

    def _request(self, token: str, card_id: str, slot_id: str) -> bytes:
        ref = f"clinic:D:{self._on:%Y%m%d}:{slot_id}"
        body = json.dumps({"card_id": card_id, "institution_id": INSTITUTION, "slot_id": ref}).encode()
        head = (
            f"POST /api/v1/appointments HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {token}\r\nIdempotency-Key: {secrets.token_hex(16)}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def require_exact(self, count: int) -> None:
        """Ends the run when so many answers are not so many bookings."""
        stored = self._database.appointments.count_documents({"seat_in": {"$exists": True}})
        if stored != count:
            raise SystemExit(f"{count} bookings were answered, {stored} are stored")


def find_and_modify(world: World) -> Callable[[int], list[bytes]]:
    """Requests for B1 with find-and-modify."""

    def prepare(count: int) -> list[bytes]:
        cards = [secrets.choice(world.cards) for _ in range(count)]
        return [
            f"POST /b1/{card}/{secrets.randbelow(SLOTS)} HTTP/1.1\r\n"
            "Host: bench\r\nContent-Length: 0\r\n\r\n".encode()
            for card in cards
        ]

    return prepare


async def measure_booking(arguments: argparse.Namespace) -> list[Row]:
    requests = min(arguments.requests, PLACES)
    cards = {"platform": arguments.cards}
    async with stage(arguments, ("platform", "baselines"), cards, tokens=requests) as (bench, worlds):
        bench.requests = requests
        world: World = worlds["platform"]
        booking = Booking(world, bench.database)
        await booking.open()
        crowded = Work("book, one slot of 1,000", booking.one_slot, "platform", status=201)
        calm = Work(f"{FEW} clients", booking.one_slot, "platform", FEW, status=201)
        spread = Work("book, 10,000 slots", booking.many_slots, "platform", status=201)
        bare = Work("B1 with find-and-modify", find_and_modify(world), "baselines")
        results = [await against_raw(bench, crowded), await bench.compare(crowded, calm)]
        booking.require_exact(requests)
        results.append(await bench.compare(spread, bare))
        booking.require_exact(requests)
        return results


async def against_raw(bench: Bench, work: Work) -> Row:
    """The ratio to the raw loop, medians of the rounds in turn."""
    print(f"{work.name} against the raw loop ", end="", flush=True)
    await bench.run(work, bench.requests // 4)
    ours, raw = [], []
    for _ in range(bench.rounds):
        ours.append(await bench.run(work, bench.requests))
        url = f"http://127.0.0.1:{bench.ports['baselines']}/raw/{bench.requests}"
        answer = await AsyncHTTPClient().fetch(url, request_timeout=600)
        raw.append(bench.requests / json.loads(answer.body)["took_s"])
        print(".", end="", flush=True)
    ratio = statistics.median([one.rate / other for one, other in zip(ours, raw, strict=True)])
    print(f" {ratio:.2f} ×")
    baseline = f"raw find_one_and_update, {CLIENTS} at once"
    print(f"    {baseline:28} {statistics.median(raw):7.0f}/s")
    return {
        "name": work.name,
        "ratio": round(ratio, 3),
        "baseline": baseline,
        "n": bench.rounds,
        "ours": shown(work.name, ours),
        "theirs": {"rate": round(statistics.median(raw))},
    }
