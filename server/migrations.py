"""Numbered changes of what is stored.  Each runs once, in order, before a process serves.

A migration must be safe to run again from its start: a crash leaves it unrecorded.
"""

from collections.abc import Awaitable, Callable

from server.core.mongo import Collection, Document
from server.core.secrets import Sealer
from server.identity.migration import find_by_newest_keys, store_persons_anew
from server.medications.migration import name_ticks_anew

Migration = Callable[[Callable[[str], Collection], Sealer], Awaitable[None]]


async def _first(_: Callable[[str], Collection], __: Sealer) -> None:
    """The schema as it was first written; indexes are made by `app.prepare_database`."""


async def _persons(collection: Callable[[str], Collection], sealer: Sealer) -> None:
    """Persons with several documents, everything personal in one sealed object."""
    await store_persons_anew(collection("persons"), sealer)


async def _blocking(collection: Callable[[str], Collection], sealer: Sealer) -> None:
    """Persons found by the blocking keys of the matching engine."""
    await store_persons_anew(collection("persons"), sealer)


async def _narrower_blocking(collection: Callable[[str], Collection], sealer: Sealer) -> None:
    """Blocking keys of 16 digits, the surname's with the sex."""
    await find_by_newest_keys(collection("persons"), sealer)


async def _ticks(collection: Callable[[str], Collection], sealer: Sealer) -> None:
    """Ticks of medicine that outlive other meal times."""
    await name_ticks_anew(collection("medication_plans"), sealer)


MIGRATIONS: dict[int, Migration] = {
    1: _first,
    2: _persons,
    3: _blocking,
    4: _narrower_blocking,
    5: _ticks,
}


async def migrate(collection: Callable[[str], Collection], sealer: Sealer) -> int:
    """Runs what has not run; returns the number the database is at now."""
    kept = collection("migrations")
    last = await kept.find({}, limit=1, sort=[("_id", -1)])
    number = last[0]["_id"] if last else 0
    for step in sorted(step for step in MIGRATIONS if step > number):
        await MIGRATIONS[step](collection, sealer)
        row: Document = {"_id": step, "done": True}
        await kept.update({"_id": step}, {"$set": row}, upsert=True)
        number = step
    return int(number)
