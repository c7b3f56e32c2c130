"""What a slow system said last: shared by who asks at once, kept when it is silent, with its age."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from server.appointments.hospitals.last_known import Known, LastKnown
from server.core.clock import HeldClock
from server.core.errors import Unavailable

pytestmark = pytest.mark.feature("M1")

KEY = ("hospital-a", "departments")


class Slow:
    """Answers when it is let; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.answer: Callable[[], str] = lambda: "first"

    async def __call__(self) -> str:
        self.asked += 1
        await self.may_answer.wait()
        return self.answer()


def refuse() -> str:
    raise Unavailable("hospital.unavailable", "no answer")


def known() -> tuple[LastKnown, HeldClock]:
    clock = HeldClock(datetime(2026, 11, 22, 8, 0, tzinfo=UTC))
    return LastKnown(clock, timedelta(seconds=30)), clock


def test_who_asks_at_once_shares_one_question() -> None:
    async def go() -> None:
        last, _ = known()
        slow = Slow()
        asking = [asyncio.create_task(last.get(KEY, slow)) for _ in range(20)]
        await asyncio.sleep(0)
        slow.may_answer.set()
        assert {one.value for one in await asyncio.gather(*asking)} == {"first"}
        assert (await last.get(KEY, slow)).is_current
        assert slow.asked == 1

    asyncio.run(go())


def test_a_second_one_does_not_take_the_outdated_answer_for_the_new_one() -> None:
    async def go() -> None:
        last, _ = known()
        slow = Slow()
        slow.may_answer.set()
        await last.get(KEY, slow)
        last.outdate(KEY[0])
        slow.may_answer.clear()
        slow.answer = lambda: "second"
        first = asyncio.create_task(last.get(KEY, slow))
        await asyncio.sleep(0)
        second = asyncio.create_task(last.get(KEY, slow))
        await asyncio.sleep(0)
        slow.may_answer.set()
        assert [one.value for one in await asyncio.gather(first, second)] == ["second", "second"]
        assert slow.asked == 2

    asyncio.run(go())


def test_a_silent_system_leaves_what_it_said_with_its_age() -> None:
    async def go() -> None:
        last, clock = known()
        slow = Slow()
        slow.may_answer.set()
        before = await last.get(KEY, slow)
        clock.advance(3600)
        slow.answer = refuse
        assert await last.get(KEY, slow) == Known("first", before.as_of, is_current=False)
        clock.advance(12 * 3600)
        with pytest.raises(Unavailable):
            await last.get(KEY, slow)

    asyncio.run(go())
