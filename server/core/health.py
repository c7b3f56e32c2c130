"""Whether this process can do its work now."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from server.core.errors import Unavailable
from server.core.mongo import Mongo


class Health:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self.is_stopping = False
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Around each request, so that stopping can wait for it."""
        self._under_way += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if self._under_way == 0:
                self._idle.set()

    async def drained(self) -> None:
        """Returns when no request is under way."""
        await self._idle.wait()

    async def require_ready(self) -> None:
        """Unavailable while the database cannot be reached or the process is stopping."""
        if self.is_stopping:
            raise Unavailable("server.stopping", "this process is stopping; another one answers")
        await self._mongo.ping()
