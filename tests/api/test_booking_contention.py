"""Exact under contention (I3, I4): capacity C, ten times as many attempts by 64 clients → C bookings."""

import asyncio
import os
from collections import Counter

import pytest

from server.appointments.fairness.policy import FairBookingPolicy
from tests.api.booking import crowd, load, open_hospital, outcome_of, schedule, slot_ref
from tests.api.calls import another_process
from tests.harness import Platform

pytestmark = [pytest.mark.feature("M2"), pytest.mark.gen_test(timeout=3600)]
# In full, 100 and 30: `python -m tests.faults --only contention`.
CAPACITY, RUNS = int(os.environ.get("EHC_CAPACITY", "12")), int(os.environ.get("EHC_RUNS", "3"))
CLIENTS = 64


async def test_capacity_c_and_ten_times_as_many_attempts_make_exactly_c(platform: Platform) -> None:
    """On two processes over one database; a third of the attempts are of somebody who asks twice at once."""
    await open_hospital(platform)
    await platform.decide(FairBookingPolicy, account_attempts=1000, family_open=100)  # the same in every run
    people = await crowd(platform, CAPACITY * 7)
    appointments = platform.app.mongo.collection("appointments")
    async with another_process(platform) as other:
        for run in range(RUNS):
            content = schedule(platform, CAPACITY, slots=1, days=1 + run)
            await load(platform, f"run-{run}", content)
            ref = slot_ref(content, f"run-{run}")
            asks = [(one, platform) for one in people] + [(one, other) for one in people[: CAPACITY * 3]]
            waiting, outcomes = list(reversed(asks)), Counter[str]()

            async def client() -> None:
                while waiting:  # noqa: B023
                    booker, process = waiting.pop()  # noqa: B023
                    outcomes[await outcome_of(process, booker, ref)] += 1  # noqa: B023

            await asyncio.gather(*(client() for _ in range(CLIENTS)))
            assert outcomes["confirmed"] == CAPACITY, outcomes
            assert set(outcomes) <= {"confirmed", "slot.full", "appointment.exists"}, outcomes
            live = await appointments.find({"seat_in": {"$regex": f"run-{run}~"}}, limit=10 * CAPACITY)
            assert sorted(row["seat"] for row in live) == list(range(1, CAPACITY + 1))
            assert len({row["person_id"] for row in live}) == CAPACITY


async def test_ten_places_given_back_are_sold_again_to_the_last(platform: Platform) -> None:
    await open_hospital(platform)
    content = schedule(platform, 10, slots=1)
    await load(platform, "one", content)
    ref = slot_ref(content, "one")
    people = await crowd(platform, 30)
    first, rest = people[:10], people[10:]
    assert await asyncio.gather(*(outcome_of(platform, one, ref) for one in first)) == ["confirmed"] * 10
    services = platform.app.services
    booked, _ = await services.appointments.list_of_account(first[0].account_id, None, is_past=False)
    cancelling = services.appointments.cancel(first[0].account_id, booked[0].appointment_id)
    taking = [outcome_of(platform, one, ref) for one in rest]
    await asyncio.gather(cancelling, *taking)
    outcomes = Counter([await outcome_of(platform, one, ref) for one in rest])
    assert outcomes["appointment.exists"] + outcomes["confirmed"] == 1
    live = await platform.app.mongo.collection("appointments").count({"seat_in": {"$exists": True}})
    assert live == 10
