"""A release that is refused: one code says that the patient is there, the others say nothing of the place."""

import asyncio
from datetime import timedelta

import pytest

from server.appointments.booking.carrying import RELEASE_FOR, THERE
from server.appointments.booking.model import Appointment, State
from server.gateways.his.model import REFUSAL_CODES, RefusalCode
from tests.unit.appointments.world import HIS, STARTS, Memory, World

pytestmark = pytest.mark.feature("M2")


async def given_back(world: World, code: RefusalCode) -> Appointment:
    """A firm booking that is cancelled, while its hospital refuses every release so."""
    booked = await world.book("p1", HIS)
    assert booked.state is State.CONFIRMED
    world.memory.hospital.refuses_release = code
    return await world.carrier.carry(await world.carrier.end(booked, "by_resident"))


async def again(world: World, one: Appointment, later: timedelta = timedelta(minutes=5)) -> Appointment:
    """The booking after the worker had its turn, so much later."""
    world.memory.clock.advance(later.total_seconds())
    await world.upkeep.continue_due()
    found = await world.store.find(one.appointment_id)
    assert found is not None
    return found


@pytest.mark.parametrize("code", sorted(set(REFUSAL_CODES) - {THERE}))
def test_another_refusal_is_asked_again_until_the_place_is_free(code: RefusalCode) -> None:
    async def run() -> None:
        world = World(Memory.new())
        one = await given_back(world, code)
        for _ in range(2):
            assert (one.state, one.owes_release, one.release_refused) == (State.CANCELLED, True, code)
            assert one.hospital_code is None, "why it ended is another matter"
            one = await again(world, one)
        assert world.memory.hospital.taken == 1
        world.memory.hospital.refuses_release = None
        one = await again(world, one)
        assert (one.owes_release, one.release_refused, world.memory.hospital.taken) == (False, None, 0)

    asyncio.run(run())


def test_a_patient_who_is_there_is_let_be() -> None:
    async def run() -> None:
        world = World(Memory.new())
        one = await given_back(world, THERE)
        assert (one.owes_release, one.hospital_code, one.release_refused) == (False, THERE, None)
        assert await world.upkeep.continue_due() == 0

    asyncio.run(run())


def test_what_is_refused_to_the_end_is_given_up_with_its_reason() -> None:
    async def run() -> None:
        world = World(Memory.new())
        one = await given_back(world, "request.refused")
        one = await again(world, one, STARTS + timedelta(hours=1) + RELEASE_FOR - world.memory.clock.now())
        assert (one.owes_release, one.hospital_code) == (False, "request.refused")
        assert await world.upkeep.continue_due() == 0

    asyncio.run(run())
