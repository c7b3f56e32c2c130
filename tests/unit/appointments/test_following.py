"""Bookings follow their pool also when somebody moves them in the same moment, or died before looking."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from server.appointments.booking.model import Appointment, State
from server.appointments.slots.model import Pool, PoolSlot
from tests.unit.appointments.memory import Crash
from tests.unit.appointments.world import ON, POOLS, STARTS, Memory, World

pytestmark = pytest.mark.feature("M2")
FEE_FEN = 500


async def put(world: World, *, schedule_id: str = "P", capacity: int = 2, **more: Any) -> None:
    """A schedule with one slot that has a fee: a booking of it is held until it is paid."""
    slot = PoolSlot("s", STARTS, STARTS + timedelta(hours=1), capacity, FEE_FEN)
    pool = Pool(*(POOLS, schedule_id, "clinic", "D", "内科", "二层", ON, (slot,)), **more)
    await world.pools.put(pool, world.memory.clock.now())


async def close_for_another(world: World) -> None:
    """The schedule is closed, and whoever has booked moves to "Q"."""
    await put(world, schedule_id="Q")
    await put(world, is_closed=True, moves_to="Q")


async def follow(world: World) -> None:
    event: Any = SimpleNamespace(data={"institution_id": POOLS, "schedule_id": "P"})
    await world.following.follow_pool(event)


def between(world: World, act: Callable[[], Awaitable[Any]]) -> None:
    """Does it once, after the bookings were read and before the first of them follows."""
    read = world.store.list_live_of_schedule

    async def read_and_act(*wanted: str) -> list[Appointment]:
        found = await read(*wanted)
        await act()
        return found

    world.store.list_live_of_schedule = read_and_act  # type: ignore[method-assign]


def row_of(world: World, appointment_id: str) -> dict[str, Any]:
    return world.memory.appointments.rows[appointment_id]


def test_what_is_paid_while_its_schedule_closes_is_cancelled() -> None:
    async def run() -> None:
        world = World(Memory.new())
        await put(world)
        one = await world.book("p1", POOLS)
        assert one.state is State.HELD
        await put(world, is_closed=True)
        between(world, lambda: world.service.paid(one.appointment_id))
        await follow(world)
        row = row_of(world, one.appointment_id)
        assert (row["state"], row["because"]) == ("cancelled", "closed")

    asyncio.run(run())


def test_what_is_paid_while_its_schedule_moves_is_moved() -> None:
    async def run() -> None:
        world = World(Memory.new())
        await put(world)
        one = await world.book("p1", POOLS)
        await close_for_another(world)
        between(world, lambda: world.service.paid(one.appointment_id))
        await follow(world)
        row = row_of(world, one.appointment_id)
        assert (row["state"], row["at"]["schedule_id"]) == ("confirmed", "Q")
        assert [event["name"] for event in row["outbox"]["events"]][-1] == "appointment.moved"

    asyncio.run(run())


def test_what_moves_while_it_is_paid_is_firm_where_it_moves_to() -> None:
    async def run() -> None:
        world = World(Memory.new())
        await put(world)
        one = await world.book("p1", POOLS)
        await close_for_another(world)
        make_firm, moves = world.carrier.make_firm, [lambda: follow(world)]

        async def move_and_make_firm(held: Appointment) -> Appointment:
            for move in moves[:]:
                moves.remove(move)
                await move()
            return await make_firm(held)

        world.carrier.make_firm = move_and_make_firm  # type: ignore[method-assign]
        paid = await world.service.paid(one.appointment_id)
        assert (paid.state, paid.at.schedule_id, paid.is_paid) == (State.CONFIRMED, "Q", True)
        assert row_of(world, one.appointment_id)["is_paid"]

    asyncio.run(run())


def test_two_workers_that_follow_at_once_move_once() -> None:
    async def run() -> None:
        world = World(Memory.new())
        other = World(world.memory)
        await put(world)
        one = await world.book("p1", POOLS)
        await close_for_another(world)
        between(world, lambda: follow(other))
        await follow(world)
        row = row_of(world, one.appointment_id)
        assert (row["state"], row["at"]["schedule_id"]) == ("held", "Q")
        names = [event["name"] for event in row["outbox"]["events"]]
        assert names.count("appointment.moved") == 1

    asyncio.run(run())


@pytest.mark.parametrize(("moves_to", "ends_as"), [(None, "released"), ("Q", "held")])
def test_a_booking_whose_process_died_before_it_looked_follows_by_its_own_event(
    moves_to: str | None, ends_as: str
) -> None:
    async def run() -> None:
        memory = Memory.new()
        dying, living = World(memory), World(memory)
        await put(living)
        await put(living, schedule_id="Q")
        insert = dying.store.insert_each

        async def close_and_insert(*booked: Any) -> Any:
            await put(living, is_closed=True, moves_to=moves_to)
            await follow(living)
            return await insert(*booked)

        async def die(one: Appointment) -> int:
            raise Crash

        dying.store.insert_each = close_and_insert  # type: ignore[method-assign]
        dying.carrier.capacity = die  # type: ignore[method-assign]
        with pytest.raises(Crash):
            await dying.book("p1", POOLS)
        [row] = memory.appointments.rows.values()
        assert (row["state"], row["at"]["schedule_id"]) == ("held", "P")
        held: Any = SimpleNamespace(data={"appointment_id": row["_id"]})
        for _ in range(2):
            await living.following.follow_booked(held)
        row = row_of(living, row["_id"])
        assert (row["state"], row["at"]["schedule_id"]) == (ends_as, moves_to or "P")

    asyncio.run(run())
