"""Group commit: whoever asks while a batch is under way joins the next one.

No timer and no added wait when idle: a lone request is a batch of one.  Under load the batch grows to what
arrived during the last round trip, so the database sees one command where it would have seen hundreds.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from server.core.errors import Unavailable

Q = TypeVar("Q")
A = TypeVar("A")


class Group(Generic[Q, A]):
    """`run` takes a list of questions and returns one answer, or one exception, for each, in order.

    A question refused fails alone; a `run` that raises fails its own batch and nothing else.
    """

    def __init__(
        self,
        run: Callable[[list[Q]], Awaitable[Sequence[A | BaseException]]],
        *,
        lanes: int = 1,
        max_batch: int = 256,
        max_waiting: int = 8192,
    ) -> None:
        """`lanes` batches may be under way at once.  Where the order of batches means nothing, two keep the
        database busy while this process works on the answers of the other."""
        self._run = run
        self._lanes = lanes
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._waiting: deque[tuple[Q, asyncio.Future[A]]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, question: Q) -> A:
        """The answer to this question; Unavailable when the queue is full."""
        if len(self._waiting) >= self._max_waiting:
            raise Unavailable("server.busy", "too many requests are waiting", retry_after_s=1)
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if len(self._tasks) < self._lanes:
            self._tasks.add(asyncio.create_task(self._work()))
        return await future

    async def drain(self) -> None:
        """Returns when everything asked so far has its answer; who calls lets nobody ask meanwhile."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _work(self) -> None:
        try:
            while self._waiting:
                size = min(len(self._waiting), self._max_batch)
                batch = [self._waiting.popleft() for _ in range(size)]
                try:
                    answers = await self._run([question for question, _ in batch])
                    if len(answers) != len(batch):
                        raise ValueError("a batch gives one answer for each question")
                except Exception as failure:  # every member hears of it; the next batch starts afresh
                    answers = [failure] * len(batch)
                for (_, future), answer in zip(batch, answers, strict=True):
                    if future.cancelled():
                        continue
                    if isinstance(answer, BaseException):
                        future.set_exception(answer)
                    else:
                        future.set_result(answer)
        finally:  # at once: who asks next must find this lane free
            self._tasks.discard(asyncio.current_task())


def attempt(read: Callable[[Q], A], row: Q) -> A | BaseException:
    """What `read` makes of a row, or its exception: so that a broken row fails who asked for it, alone."""
    try:
        return read(row)
    except Exception as failure:  # becomes the answer to this one question
        return failure
