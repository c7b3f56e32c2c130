"""Caches that every process drops within a second of a change.

What is read on every scan (apps, terminals, sessions, policies) is kept in memory.  Whoever changes such a
thing bumps its version after the change and before answering; every process looks at all versions twice a
second with one small query, and forgets what has moved.  So a suspension is prompt, and a scan pays nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

from server.core.mongo import Collection

POLL_INTERVAL_S = 0.5
MAX_STALE_S = 1.0
MAX_VERSIONS = 100
MAX_ENTRIES = 100_000

log = structlog.get_logger()
V = TypeVar("V")


class VersionedCache(Generic[V]):
    """Values by key; emptied as a whole when its version moves or the versions cannot be read."""

    def __init__(self, load: Callable[[str], Awaitable[V | None]]) -> None:
        self._load = load
        self._entries: dict[str, V] = {}
        self._generation = 0

    async def find(self, key: str) -> V | None:
        """The value, or None when there is none (which is not remembered: it may come to be)."""
        if key in self._entries:
            return self._entries[key]
        generation = self._generation
        value = await self._load(key)
        if value is not None and generation == self._generation:
            if len(self._entries) >= MAX_ENTRIES:
                self._entries.clear()
            self._entries[key] = value
        return value

    def forget(self) -> None:
        self._generation += 1
        self._entries.clear()


class Versions:
    """The collection `versions`: one small row for each cached noun."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._caches: dict[str, list[Callable[[], None]]] = {}
        self._reloads: dict[str, list[Callable[[], Awaitable[None]]]] = {}
        self._seen: dict[str, int] = {}
        self._read_at_s = 0.0

    def watch(self, name: str, forget: Callable[[], None]) -> None:
        """Calls `forget` when the version has moved, and when the versions cannot be read."""
        self._caches.setdefault(name, []).append(forget)

    def reload_on(self, name: str, reload: Callable[[], Awaitable[None]]) -> None:
        """Awaits `reload` when the version has moved, again at every poll until it succeeds."""
        self._reloads.setdefault(name, []).append(reload)

    async def bump(self, name: str) -> None:
        await self._collection.update({"_id": name}, {"$inc": {"version": 1}}, upsert=True)
        self._forget(name)

    async def poll(self) -> None:
        """Forgets what has moved since the last poll."""
        rows = await self._collection.find({}, limit=MAX_VERSIONS)
        for row in rows:
            name, version = row["_id"], row["version"]
            if self._seen.get(name) == version:
                continue
            self._forget(name)
            for reload in self._reloads.get(name, []):
                await reload()
            self._seen[name] = version
        self._read_at_s = asyncio.get_running_loop().time()

    async def run(self) -> None:
        """Polls for ever.  While the database is away nothing cached is trusted longer than a second."""
        while True:
            try:
                async with asyncio.timeout(MAX_STALE_S):
                    await self.poll()
            except Exception as error:  # whatever it is: without this loop a suspension would never arrive
                log.warning("versions.unreadable", error=type(error).__name__)
            if asyncio.get_running_loop().time() - self._read_at_s > MAX_STALE_S:
                for name in self._caches:
                    self._forget(name)
            await asyncio.sleep(POLL_INTERVAL_S)

    def _forget(self, name: str) -> None:
        for forget in self._caches.get(name, []):
            forget()
