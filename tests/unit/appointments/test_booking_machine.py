"""Bookings through everything that can go wrong, in memory: lost answers, conflicts, crashes at every write.

`EHC_EXAMPLES` makes it longer: 2500 are some 100,000 operations; `-s` shows how many there were.
"""

import asyncio
import contextlib
import os
import random
import secrets
from collections import Counter
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from server.appointments.booking import seats
from server.appointments.booking.model import EVENTS, GRAPH, LIVE, State
from server.core.errors import EhcError
from tests.unit.appointments.memory import Crash
from tests.unit.appointments.world import CAPACITY, HIS, POOLS, Memory, World

pytestmark = pytest.mark.feature("M2")

PERSONS = st.sampled_from([f"p{number}" for number in range(6)])
INSTITUTIONS = st.sampled_from([HIS, POOLS])
EXAMPLES = int(os.environ.get("EHC_EXAMPLES", "30"))


LOOPS: list[asyncio.AbstractEventLoop] = []
"The one loop of all examples."
DONE: Counter[str] = Counter()
"How often each kind of thing was done to the platform, in all examples."


def setup_module() -> None:
    LOOPS.append(asyncio.new_event_loop())


def teardown_module() -> None:
    seats.secrets = secrets  # type: ignore[attr-defined]
    LOOPS.pop().close()
    print(f"{DONE.total()} operations: {dict(DONE)}")


class Bookings(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = LOOPS[0]
        chance = random.Random(1)  # the same seats for the same steps
        seats.secrets = SimpleNamespace(randbelow=chance.randrange, choice=chance.choice)  # type: ignore[attr-defined]
        self.memory = Memory.new()
        self.world = World(self.memory)
        self.capacity = CAPACITY
        self.seen: dict[str, State] = {}
        self._do(self.world.load(CAPACITY))

    def _do(self, work: Any) -> Any:
        """What came of it: refusals and outages are answers, a crash is a new process."""
        DONE[work.__name__] += 1
        try:
            return self.loop.run_until_complete(work)
        except EhcError as refusal:
            return refusal
        except Crash:
            DONE["crash"] += 1
            self._end_all()
            self.world = World(self.memory)
            return None

    def _end_all(self) -> None:
        """What was under way in a process ends with it."""
        self.memory.faults.disarm()

        async def end(left: set[asyncio.Task[Any]]) -> None:
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

        while left := asyncio.all_tasks(self.loop):
            with contextlib.suppress(Crash):  # of a task group every task above it hears too
                self.loop.run_until_complete(end(left))

    # -- what people and time do
    @rule(person=PERSONS, institution=INSTITUTIONS, request=st.sampled_from([None, "r1"]))
    def book(self, person: str, institution: str, request: str | None) -> None:
        booked = self._do(self.world.book(person, institution, request))
        if request is not None and hasattr(booked, "appointment_id") and booked.is_live:
            again = self._do(self.world.book(person, institution, request))
            assert not hasattr(again, "appointment_id") or again.appointment_id == booked.appointment_id

    @rule(person=PERSONS, act=st.sampled_from(["cancel", "confirm"]))
    def act(self, person: str, act: str) -> None:
        for row in list(self.memory.appointments.rows.values()):
            if row["account_id"] == person and State(row["state"]) in LIVE:
                self._do(getattr(self.world.service, act)(person, row["_id"]))

    @rule(person=PERSONS)
    def pay(self, person: str) -> None:
        for row in list(self.memory.appointments.rows.values()):
            if row["account_id"] == person and row["state"] == "held":
                self._do(self.world.service.paid(row["_id"]))

    @rule(person=PERSONS)
    def come(self, person: str) -> None:
        for row in list(self.memory.appointments.rows.values()):
            if row["account_id"] == person and row["state"] == "confirmed":
                self._do(self.world.service.mark_checked_in(row["_id"]))

    @rule(seconds=st.sampled_from([1, 31, 120, 901]))
    def pass_time(self, seconds: int) -> None:
        self.memory.clock.advance(seconds)

    @rule()
    def work(self) -> None:
        for job in (
            self.world.upkeep.continue_due,
            self.world.upkeep.release_expired,
            self.world.upkeep.close_over,
        ):
            self._do(job())

    @rule(capacity=st.integers(0, 3), is_closed=st.booleans())
    def load(self, capacity: int, is_closed: bool) -> None:
        if self._do(self.world.load(capacity, is_closed=is_closed)) is None:
            self._do(self._follow())

    async def _follow(self) -> None:
        event: Any = type("E", (), {"data": {"institution_id": POOLS, "schedule_id": "P"}})
        await self.world.following.follow_pool(event)

    # -- what goes wrong
    @rule(heard=st.booleans(), answers=st.booleans())
    def hospital_stumbles(self, heard: bool, answers: bool) -> None:
        self.memory.hospital.is_heard, self.memory.hospital.answers = heard, answers

    @rule(fee_fen=st.sampled_from([0, 500]), capacity=st.integers(0, 3))
    def hospital_changes(self, fee_fen: int, capacity: int) -> None:
        """It sells places elsewhere too."""
        hospital = self.memory.hospital
        hospital.fee_fen, hospital.capacity = fee_fen, max(capacity, hospital.taken)

    @rule(
        passages=st.integers(1, 6),
        kind=st.sampled_from(["crash before", "crash after", "lost before", "lost after"]),
    )
    def trip(self, passages: int, kind: str) -> None:
        self.memory.faults.arm(passages, kind)

    # -- what must hold at every moment
    @invariant()
    def seats_are_single(self) -> None:
        """I3."""
        live = [row for row in self.memory.appointments.rows.values() if "seat_in" in row]
        for keys in (("seat_in", "seat"), ("seat_in", "person_id")):
            assert max(Counter(tuple(row[key] for key in keys) for row in live).values(), default=0) <= 1
        for row in live:
            assert State(row["state"]) in LIVE and row["seat"] <= 3

    @invariant()
    def nothing_is_stuck(self) -> None:
        """I13: what is not decided has a scheduled next step."""
        for row in self.memory.appointments.rows.values():
            if row["state"] in ("holding", "confirming") or row["owes_release"]:
                assert row["next_try_at"] is not None
            if row["state"] == "held":
                assert row["hold_expires_at"] is not None

    @invariant()
    def states_follow_the_graph(self) -> None:
        for row in self.memory.appointments.rows.values():
            now, before = State(row["state"]), self.seen.get(row["_id"])
            assert before is None or now in reachable(before), (before, now)
            self.seen[row["_id"]] = now
            names = Counter(event["name"] for event in row.get("outbox", {}).get("events", []))
            names.pop("appointment.moved", None)
            assert max(names.values(), default=0) <= 1, names
            if now in EVENTS:
                assert names[EVENTS[now]] == 1, (now, names)

    def teardown(self) -> None:
        try:
            self.settle()
        finally:
            self._end_all()

    def settle(self) -> None:
        """All is well again: everything is decided, and both sides say the same."""
        hospital = self.memory.hospital
        self.memory.faults.disarm()
        hospital.is_heard = hospital.answers = True
        for _ in range(40):
            self.memory.clock.advance(301)
            self.work()
        for row in self.memory.appointments.rows.values():
            assert row["state"] not in ("holding", "held", "confirming"), row["state"]
            assert not row["owes_release"]
            if row["at"]["institution_id"] == HIS:
                lock = hospital.state(row["_id"]).state
                assert (lock == "confirmed") == (
                    row["state"] in ("confirmed", "checked_in", "completed", "no_show")
                )
        live = [row for row in self.memory.appointments.rows.values() if "seat_in" in row]
        assert sum(row["at"]["institution_id"] == HIS for row in live) <= 3
        with suppress(EhcError):
            self.loop.run_until_complete(self._follow())
        pool = self.memory.pools.rows[f"{POOLS}|P"]
        room = 0 if pool["is_closed"] else pool["slots"][0]["capacity"]
        left = [row for row in self.live_rows() if row["state"] != "checked_in"]
        assert sum(row["at"]["institution_id"] == POOLS for row in left) <= room

    def live_rows(self) -> list[dict[str, Any]]:
        return [row for row in self.memory.appointments.rows.values() if "seat_in" in row]


def reachable(state: State) -> set[State]:
    """Where the graph leads to, in any number of steps; itself too."""
    found, waiting = {state}, [state]
    while waiting:
        for following in GRAPH[waiting.pop()] - found:
            found.add(following)
            waiting.append(following)
    return found


Bookings.TestCase.settings = settings(max_examples=EXAMPLES, stateful_step_count=40, deadline=None)
TestBookings = Bookings.TestCase
