"""`python -m tests.bench.registrations 10000 1000000`: one registration against one indexed find, by size.

Both are asked in this process, without HTTP: a find without Tornado around it is faster than B1, so the ratio
is stricter than the one of the performance targets.  The other figure is the rate at the last size against
that at the first: every size has a database of its own, and the rounds go round all of them, so that what
else the machine does meets all alike.  The people are families (`persons.py`): common names are common.
"""

import argparse
import asyncio
import gc
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from server import app as composition
from server.core.audit import Actor
from server.core.ids import new_id
from server.core.mongod import EmbeddedMongod
from server.core.observability import configure_logging
from server.identity.documents import Document
from server.identity.index import blocking_of
from server.identity.model import Contact, Guardian, Origin, Particulars, Person
from server.settings import Settings
from tests.bench.persons import Population, Somebody

ORIGIN = Origin("batch", Actor("app", "bench"))
AT_ONCE, REGISTRATIONS, FINDS, BATCH = 32, 400, 1500, 1000
PASSPORTS = 20  # one in so many shows a passport instead of the citizen number
CACHE_GB = 4.0  # the index of the largest register lies in memory, as a server's would
Act = Callable[[], Awaitable[object]]


class Size:
    """One database of so many persons, and what was measured there."""

    def __init__(self, persons: int, app: composition.App) -> None:
        self.persons, self.app = persons, app
        self._crowd, self._made = _crowd(seed=persons), 0
        self.keys: list[str] = []
        self.rates: list[float] = []
        self.finds: list[float] = []
        self.cpu_us: list[float] = []

    def next(self) -> Particulars:
        self._made += 1
        return said_of(next(self._crowd), self._made)

    async def fill(self) -> None:
        """Rows as registrations leave them; one by one they would take an hour.  What lies there stays,
        and those who are registered afterwards are other people."""
        persons = self.app.mongo.collection("persons")
        store, now = self.app.services.identity._index._store, self.app.services.identity._clock.now()
        there = await persons._motor.estimated_document_count()
        for start in range(0, self.persons if there == 0 else 0, BATCH):
            said = [self.next() for _ in range(min(BATCH, self.persons - start))]
            people = [Person.of(new_id(now), one, (), ORIGIN, now) for one in said]
            await persons.insert_each([store.as_row(one, blocking_of(one, store)) for one in people])
        self.keys = [row["documents"][0]["key"] for row in await persons.find({}, limit=2000)]
        self._crowd, self._made = _crowd(seed=self.persons + there + 1), max(there, self.persons)
        gc.collect()
        gc.freeze()  # a million people made are not walked through again while others are measured

    async def round(self, rng: random.Random) -> None:
        persons, identity = self.app.mongo.collection("persons"), self.app.services.identity
        said, spent = [self.next() for _ in range(REGISTRATIONS)], time.process_time()
        self.rates.append(
            await rate([lambda one=one: identity.register(one, (), ORIGIN) for one in said])  # type: ignore[misc]
        )
        self.cpu_us.append((time.process_time() - spent) / REGISTRATIONS * 1e6)
        key = self.keys
        self.finds.append(await rate([lambda: persons.find_one({"documents.key": rng.choice(key)})] * FINDS))


def _crowd(seed: int) -> Iterator[Somebody]:
    population = Population(seed)
    while True:
        yield from population.family()


def said_of(somebody: Somebody, number: int) -> Particulars:
    """As a hospital's list says it."""
    document = Document("01", somebody.id_no, somebody.born_on, somebody.gender)  # type: ignore[arg-type]
    if number % PASSPORTS == 0:
        document = Document("03", f"E{number:08d}", somebody.born_on, somebody.gender)  # type: ignore[arg-type]
    parent = somebody.guardian
    guardian = None if parent is None else Guardian(parent.name, "parent", parent.phone)
    return Particulars(
        somebody.name,
        document,
        Contact(somebody.phone, "".join(somebody.address), guardian=guardian),
    )


async def rate(acts: list[Act]) -> float:
    """How many a second, 32 at once."""
    waiting, started = iter(acts), time.perf_counter()

    async def one_after_another() -> None:
        for act in waiting:
            await act()

    await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))
    return len(acts) / (time.perf_counter() - started)


def report(sizes: list[Size]) -> None:
    first = sizes[0]
    for size in sizes:
        ratio = statistics.median(a / b for a, b in zip(size.rates, size.finds, strict=True))
        against = [a / b for a, b in zip(size.rates, first.rates, strict=True)]
        spread = (max(size.cpu_us) - min(size.cpu_us)) / statistics.median(size.cpu_us)
        print(
            f"{size.persons:>8} persons: {statistics.median(size.rates):.0f} registrations/s, "
            f"{statistics.median(size.finds):.0f} finds/s, {ratio:.3f} ×; "
            f"{statistics.median(size.cpu_us):.0f} CPU-µs each (spread {spread:.0%}); "
            f"{statistics.median(against):.2f} × the rate at {first.persons} "
            f"({min(against):.2f} to {max(against):.2f}), in CPU "
            f"{statistics.median(first.cpu_us) / statistics.median(size.cpu_us):.2f} ×",
            flush=True,
        )


def settings(uri: str, size: int) -> Settings:
    values: dict[str, Any] = {
        "environment": "test",
        "mongodb_uri": uri,
        "mongodb_database": f"bench_{size}",
        "master_key": "00112233445566778899aabbccddeeff",
        **{f"{name}_url": "http://127.0.0.1:9" for name in ("sms", "real_name")},
        **{f"{name}_{part}": "bench" for name in ("sms", "real_name") for part in ("app_id", "secret")},
    }
    return Settings(**values)


async def main(numbers: list[int], rounds: int, folder: str) -> None:
    configure_logging("error")
    with EmbeddedMongod(folder, cache_gb=CACHE_GB) as mongod:
        sizes, rng = [], random.Random(6)
        try:
            for number in numbers:
                started = time.perf_counter()
                size = Size(number, await composition.build(settings(mongod.uri, number)))
                sizes.append(size)
                await size.fill()
                print(f"{number} persons are there after {time.perf_counter() - started:.0f} s", flush=True)
            for size in sizes:
                await size.round(rng)  # the first one warms up
                size.rates, size.finds, size.cpu_us = [], [], []
            for _ in range(rounds):
                for size in sizes:
                    await size.round(rng)
            report(sizes)
        finally:
            for size in sizes:
                await size.app.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.registrations")
    parser.add_argument("sizes", type=int, nargs="+")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--keep", type=Path, help="a folder for the databases, used again by the next run")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ehc-bench-") as temporary:
        asyncio.run(main(arguments.sizes, arguments.rounds, str(arguments.keep or temporary)))
