"""A release as it happens (M7): families and grabbers who want the same places; 1,000, 50 and 200 in full
(`EHC_FAMILIES=1000`), a tenth of each in the quick set.

What is assumed of a grabber: one script with three accounts, three real persons and cards behind them, one
device for all three and an address of its own, asking for each account once a second from forty seconds
before the release on until twenty after it.  (Faster is blocked sooner.)  What is assumed of a family: one
person wants one place, a third of them tap up to three times too early, all ask within a minute of the
release, at the earliest 0.4 s after it, and look once more when they got none.
"""

import asyncio
import os
import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta

import pytest

from server.appointments.booking.asked import SlotRef
from server.appointments.booking.policy import BookingPolicy
from server.appointments.fairness.model import NoShow, blocked_until
from server.appointments.fairness.policy import FairBookingPolicy
from server.appointments.fairness.service import Booker, Fairness
from server.core.budgets import Budgets
from server.core.errors import EhcError, TooMany
from tests.unit.appointments.memory import MemoryCollection
from tests.unit.appointments.world import NOW, ON, POOLS, Memory, World

pytestmark = pytest.mark.feature("M7")
FAMILIES = int(os.environ.get("EHC_FAMILIES", "100"))
GRABBERS, ACCOUNTS, PLACES = FAMILIES // 20, 3, FAMILIES // 5
EARLY_S, LATE_S, EVERY_S = 40, 20, 1.0


@dataclass(frozen=True, order=True)
class Try:
    """`at_s` counts from the release."""

    at_s: float
    booker: Booker


def tries(rng: random.Random) -> list[Try]:
    found = []
    for number in range(GRABBERS):
        for account in range(ACCOUNTS):
            who = Booker(f"grabber-{number}-{account}", f"device-g{number}", f"10.9.{number}.1")
            steps = int((EARLY_S + LATE_S) / EVERY_S)
            found += [Try(-EARLY_S + step * EVERY_S + rng.uniform(0, 0.02), who) for step in range(steps)]
    for number in range(FAMILIES):
        who = Booker(f"family-{number}", f"device-f{number}", f"10.{number % 200}.0.1")
        early = rng.randint(1, 3) if rng.random() < 1 / 3 else 0
        found += [Try(rng.uniform(-15, 0), who) for _ in range(early)]
        first = 0.4 + min(rng.expovariate(1 / 6), 55)
        found += [Try(first, who), Try(first + rng.uniform(2, 8), who)]
    return sorted(found, key=lambda one: one.at_s)


class _Keyed:
    """Keyed indexes, without the keys."""

    def index(self, kind: str, value: str) -> str:
        return f"{kind}:{value}"


async def release(seed: int) -> tuple[Counter[str], dict[str, Counter[str]]]:
    """Who won how many places, by grabber and family; and what each of them was answered."""
    rng = random.Random(seed)
    memory = Memory.new()
    world, clock = World(memory), memory.clock
    budgets = Budgets(MemoryCollection("budgets", Budgets.INDEXES, memory.faults), clock)  # type: ignore[arg-type]
    policies = world.service._policies
    fairness = Fairness(world.store.find_no_shows, budgets, policies, _Keyed(), clock)  # type: ignore[arg-type]
    world.service._fairness = fairness
    released_at = clock.now() + timedelta(seconds=EARLY_S)
    await world.load(PLACES, released_at=released_at)
    answers: dict[str, Counter[str]] = {"grabber": Counter(), "family": Counter()}
    owed: defaultdict[str, bool] = defaultdict(lambda: True)
    now_s = -float(EARLY_S)
    for one in tries(rng):
        if one.at_s - now_s >= 0.5:
            await world.upkeep.continue_due()
        clock.advance(max(0.0, one.at_s - now_s))
        now_s = max(now_s, one.at_s)
        who = one.booker.account_id
        if not owed[who]:
            continue
        try:
            await world.service.book(one.booker, who, POOLS, str(SlotRef("clinic", "D", ON, "P~s")))
            owed[who] = False
            answer = "asked"
        except TooMany as refusal:
            assert refusal.retry_after_s > 0
            answer = "429"
        except EhcError as refusal:
            answer = refusal.code
        answers[who.partition("-")[0]][answer] += 1
    clock.advance(10)
    await world.upkeep.continue_due()
    won = Counter(
        row["account_id"].partition("-")[0] for row in memory.appointments.rows.values() if "seat_in" in row
    )
    return won, answers


def test_grabbers_win_next_to_nothing_and_no_family_is_refused_for_asking() -> None:
    won, answers = asyncio.run(release(20261122))
    print(won, answers)
    assert sum(won.values()) == PLACES, "the last place is sold too"
    assert won["grabber"] / PLACES < 0.05
    assert answers["family"]["429"] == 0
    assert answers["grabber"]["429"] > GRABBERS * ACCOUNTS * 20


def test_no_shows_block_for_a_time_counted_from_the_last() -> None:
    policy = FairBookingPolicy()
    days = [timedelta(days=number) for number in (1, 40, 89)]
    found = [NoShow(str(number), NOW - age) for number, age in enumerate(days)]
    assert blocked_until(policy, found, NOW) == NOW + timedelta(days=29)
    assert blocked_until(policy, found[:2], NOW) is None
    old = [*found[:2], NoShow("x", NOW - timedelta(days=91))]
    assert blocked_until(policy, old, NOW) is None
    assert blocked_until(policy, found, NOW + timedelta(days=30)) is None
    assert BookingPolicy().cancel_until(NOW) == NOW - timedelta(hours=2)
