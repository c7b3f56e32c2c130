"""Working off what is due: how many at once, what one that hangs or fails costs the others."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from server.core.due import work_off

pytestmark = [pytest.mark.feature("S4"), pytest.mark.gen_test]


class Waiting:
    """So many rows that are due, and how often somebody looked."""

    def __init__(self, number: int) -> None:
        self.rows = list(range(number))
        self.looks = 0
        self.done: list[int] = []
        self.busy = self.busiest = 0

    async def claim(self) -> int | None:
        self.looks += 1
        return self.rows.pop(0) if self.rows else None

    def doing(self, act: Callable[[int], Awaitable[None]]) -> Callable[[int], Awaitable[None]]:
        async def do(row: int) -> None:
            self.busy += 1
            self.busiest = max(self.busiest, self.busy)
            try:
                await act(row)
                self.done.append(row)
            finally:
                self.busy -= 1

        return do


async def turns(_: int) -> None:
    for _turn in range(20):
        await asyncio.sleep(0)


async def test_when_nothing_is_due_one_look_is_enough() -> None:
    waiting = Waiting(0)
    assert await work_off(waiting.claim, waiting.doing(turns), at_once=8, most=100) == 0
    assert waiting.looks == 1


async def test_everything_due_is_done_so_many_at_once_and_no_more() -> None:
    waiting = Waiting(50)
    assert await work_off(waiting.claim, waiting.doing(turns), at_once=8, most=1_000) == 50
    assert sorted(waiting.done) == list(range(50))
    assert waiting.busiest == 8


async def test_a_turn_has_an_end() -> None:
    waiting = Waiting(50)
    assert await work_off(waiting.claim, waiting.doing(turns), at_once=8, most=20) == 20
    assert waiting.looks == 20


async def test_one_that_hangs_holds_up_no_other() -> None:
    waiting, answered = Waiting(30), asyncio.Event()

    async def act(row: int) -> None:
        if row == 0:
            await answered.wait()
        elif len(waiting.done) == 28:
            answered.set()

    await work_off(waiting.claim, waiting.doing(act), at_once=3, most=100)
    assert waiting.done[-1] == 0 and len(waiting.done) == 30


async def test_one_that_fails_ends_no_other_and_is_told() -> None:
    waiting = Waiting(30)

    async def act(row: int) -> None:
        if row == 3:
            raise LookupError(row)

    with pytest.raises(LookupError):
        await work_off(waiting.claim, waiting.doing(act), at_once=4, most=100)
    assert sorted(waiting.done) == [row for row in range(30) if row != 3]
