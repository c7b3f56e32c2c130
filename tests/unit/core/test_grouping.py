"""Group commit: who asks while a batch is under way joins the next one."""

import asyncio
from collections.abc import Sequence

import pytest

from server.core.errors import Unavailable
from server.core.grouping import Group


def test_a_lone_question_is_a_batch_of_one_and_company_shares_the_next() -> None:
    batches: list[list[int]] = []

    async def scenario() -> None:
        first_is_running, may_end = asyncio.Event(), asyncio.Event()

        async def run(questions: list[int]) -> Sequence[int]:
            batches.append(questions)
            first_is_running.set()
            await may_end.wait()
            return [question * 10 for question in questions]

        group: Group[int, int] = Group(run)
        first = asyncio.ensure_future(group.ask(1))
        await first_is_running.wait()
        others = [asyncio.ensure_future(group.ask(number)) for number in (2, 3, 4)]
        await asyncio.sleep(0)
        may_end.set()
        assert await asyncio.gather(first, *others) == [10, 20, 30, 40]
        assert await group.ask(5) == 50

    asyncio.run(scenario())
    assert batches == [[1], [2, 3, 4], [5]]


def test_a_failing_member_fails_alone() -> None:
    async def scenario() -> list[object]:
        async def run(questions: list[int]) -> Sequence[int | BaseException]:
            return [KeyError(q) if q == 2 else q for q in questions]

        group: Group[int, int] = Group(run)
        return await asyncio.gather(*(group.ask(q) for q in (1, 2, 3)), return_exceptions=True)

    one, two, three = asyncio.run(scenario())
    assert (one, three) == (1, 3)
    assert isinstance(two, KeyError)


def test_a_failing_batch_fails_its_members_and_no_other_batch() -> None:
    async def scenario() -> None:
        async def run(questions: list[str]) -> Sequence[str]:
            if "bad" in questions:
                raise OSError("down")
            return questions

        group: Group[str, str] = Group(run)
        results = await asyncio.gather(group.ask("a"), group.ask("bad"), return_exceptions=True)
        assert all(isinstance(result, OSError) for result in results)
        assert await group.ask("b") == "b"

    asyncio.run(scenario())


@pytest.mark.parametrize("answers", [[], [1], [1, 2, 3]])
def test_too_few_or_too_many_answers_leave_nobody_waiting(answers: list[int]) -> None:
    async def scenario() -> None:
        async def run(questions: list[int]) -> Sequence[int]:
            return answers if len(questions) == 2 else questions

        group: Group[int, int] = Group(run)
        results = await asyncio.wait_for(
            asyncio.gather(group.ask(1), group.ask(2), return_exceptions=True), timeout=2
        )
        assert all(isinstance(result, Exception) for result in results)
        assert await group.ask(3) == 3

    asyncio.run(scenario())


def test_a_member_that_went_away_harms_nobody() -> None:
    async def scenario() -> None:
        started = asyncio.Event()

        async def run(questions: list[int]) -> Sequence[int]:
            started.set()
            await asyncio.sleep(0)
            return questions

        group: Group[int, int] = Group(run)
        gone, stays = asyncio.ensure_future(group.ask(1)), asyncio.ensure_future(group.ask(2))
        await started.wait()
        gone.cancel()
        assert await stays == 2
        assert gone.cancelled()

    asyncio.run(scenario())


def test_batches_and_the_queue_are_bounded() -> None:
    sizes: list[int] = []

    async def scenario() -> None:
        may_go, first_is_running = asyncio.Event(), asyncio.Event()

        async def run(questions: list[int]) -> Sequence[int]:
            sizes.append(len(questions))
            first_is_running.set()
            await may_go.wait()
            return questions

        group: Group[int, int] = Group(run, max_batch=4, max_waiting=10)
        first = asyncio.ensure_future(group.ask(0))
        await first_is_running.wait()
        waiting = [asyncio.ensure_future(group.ask(number)) for number in range(10)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable) as full:
            await group.ask(99)
        assert full.value.code == "server.busy"
        may_go.set()
        assert await asyncio.gather(first, *waiting) == [0, *range(10)]

    asyncio.run(scenario())
    assert sizes == [1, 4, 4, 2]
