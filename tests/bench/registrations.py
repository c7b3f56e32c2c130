"""`python -m tests.bench.registrations 10000 200000`: one registration against one indexed find, by size.

Both are asked in this process, without HTTP: a find without Tornado around it is faster than B1, so the ratio
is stricter than the one of the performance targets.  The other figure is the rate at the last size against
that at the first.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import date, timedelta

from server import app as composition
from server.core.audit import Actor
from server.core.ids import new_id
from server.core.mongod import EmbeddedMongod
from server.core.observability import configure_logging
from server.identity.documents import Document
from server.identity.index import blocking_of
from server.identity.model import Contact, Origin, Particulars, Person
from server.settings import Settings

SURNAMES = (
    "王李张刘陈杨黄赵周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
)
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂兰雨桐欣怡浩然国庆建华志玉秀英文"
ORIGIN = Origin("batch", Actor("app", "bench"))
AT_ONCE, ROUNDS, REGISTRATIONS, FINDS, BATCH = 32, 5, 400, 1500, 1000
Act = Callable[[], Awaitable[object]]


class Crowd:
    """Made-up people, no two with one number; the numbers have no check digit, for nobody reads them."""

    def __init__(self) -> None:
        self._rng = random.Random(5)
        self._made = 0

    def next(self) -> Particulars:
        rng, self._made = self._rng, self._made + 1
        born_on = date(1940, 1, 1) + timedelta(days=rng.randrange(30_000))
        name = rng.choice(SURNAMES) + "".join(rng.choice(GIVEN) for _ in range(rng.choice((1, 2, 2, 2))))
        document = Document("01", f"990101{born_on:%Y%m%d}{self._made:08d}", born_on, "male")
        contact = Contact(f"1{3_000_000_000 + self._made}", f"云溪市槐荫路{rng.randrange(999)}号")
        return Particulars(name, document, contact)


async def rate(acts: list[Act]) -> float:
    """How many a second, 32 at once."""
    waiting, started = iter(acts), time.perf_counter()

    async def one_after_another() -> None:
        for act in waiting:
            await act()

    await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))
    return len(acts) / (time.perf_counter() - started)


async def measure(app: composition.App, sizes: list[int]) -> None:
    crowd, persons, identity = Crowd(), app.mongo.collection("persons"), app.services.identity
    store, now, rng = identity._index._store, identity._clock.now(), random.Random(6)
    stored, rates = 0, []
    for size in sizes:
        for start in range(stored, size, BATCH):
            crowded = [
                Person.of(new_id(now), crowd.next(), (), ORIGIN, now) for _ in range(min(BATCH, size - start))
            ]
            await persons.insert_each([store.as_row(one, blocking_of(one, store)) for one in crowded])
        stored = size
        keys = [row["documents"][0]["key"] for row in await persons.find({}, limit=2000)]
        ours, theirs = [], []
        for _ in range(ROUNDS):
            said = [crowd.next() for _ in range(REGISTRATIONS)]
            ours.append(await rate([lambda one=one: identity.register(one, (), ORIGIN) for one in said]))  # type: ignore[misc]
            theirs.append(
                await rate([lambda keys=keys: persons.find_one({"documents.key": rng.choice(keys)})] * FINDS)
            )
        rates.append(statistics.median(ours))
        ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
        print(
            f"{size} persons: {rates[-1]:.0f} registrations/s, {statistics.median(theirs):.0f} finds/s, "
            f"{ratio:.3f} ×; {rates[-1] / rates[0]:.2f} × the rate at {sizes[0]}",
            flush=True,
        )


async def main(sizes: list[int]) -> None:
    configure_logging("error")
    with tempfile.TemporaryDirectory(prefix="ehc-bench-") as folder, EmbeddedMongod(folder) as mongod:
        values = {
            "environment": "test",
            "mongodb_uri": mongod.uri,
            "mongodb_database": "bench",
            "master_key": "00112233445566778899aabbccddeeff",
            **{f"{name}_url": "http://127.0.0.1:9" for name in ("sms", "real_name")},
            **{f"{name}_{part}": "bench" for name in ("sms", "real_name") for part in ("app_id", "secret")},
        }
        app = await composition.build(Settings(**values))  # type: ignore[arg-type]
        try:
            await measure(app, sizes)
        finally:
            await app.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.registrations")
    parser.add_argument("sizes", type=int, nargs="+")
    asyncio.run(main(parser.parse_args().sizes))
