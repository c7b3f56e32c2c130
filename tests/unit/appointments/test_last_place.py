"""The last place can be sold (I4): who asks twice keeps nobody out of a place that stays free."""

import asyncio

import pytest

from server.core.errors import Conflict
from tests.unit.appointments.world import CAPACITY, POOLS, Memory, World

pytestmark = pytest.mark.feature("M2")


def test_a_person_who_asks_twice_at_once_takes_one_place_and_leaves_the_other() -> None:
    async def run() -> list[str]:
        world = World(Memory.new())
        await world.load(CAPACITY)
        asking = [world.book(person, POOLS) for person in ("p1", "p1", "p2", "p3")]
        answers = await asyncio.gather(*asking, return_exceptions=True)
        return [
            one.code if isinstance(one, Conflict) else one.state.value for one in answers if one is not None
        ]

    assert CAPACITY == 2
    assert asyncio.run(run()) == ["confirmed", "appointment.exists", "confirmed", "slot.full"]
