"""Numbered changes of what is stored.  Each runs once, in order, before a process serves.

A migration must be safe to run again from its start: a crash leaves it unrecorded.
"""

from collections.abc import Awaitable, Callable

from server.core.mongo import Collection, Document

Migration = Callable[[Callable[[str], Collection]], Awaitable[None]]


async def _first(_: Callable[[str], Collection]) -> None:
    """The schema as it was first written; indexes are made by `app.prepare_database`."""


MIGRATIONS: dict[int, Migration] = {1: _first}


async def migrate(collection: Callable[[str], Collection]) -> int:
    """Runs what has not run; returns the number the database is at now."""
    kept = collection("migrations")
    last = await kept.find({}, limit=1, sort=[("_id", -1)])
    number = last[0]["_id"] if last else 0
    for step in sorted(step for step in MIGRATIONS if step > number):
        await MIGRATIONS[step](collection)
        row: Document = {"_id": step, "done": True}
        await kept.update({"_id": step}, {"$set": row}, upsert=True)
        number = step
    return int(number)
