"""Work that would block the loop runs in bounded pools; a pool that is full says so instead of growing."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from server.core.errors import Unavailable

MAX_WAITING = 500
T = TypeVar("T")


async def run_in(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """The result of `work`, computed in the pool; Unavailable `server.busy` when too much waits there."""
    if pool._work_queue.qsize() > MAX_WAITING:
        raise Unavailable("server.busy", "too much work is waiting", retry_after_s=1)
    return await asyncio.get_running_loop().run_in_executor(pool, work)
