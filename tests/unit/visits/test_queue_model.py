"""The queue as a state machine: rivals between every read and write, crashes before and after (M4, F1, F7).

The service is the real one; its stores are in memory, do what the real ones promise, and are made to lose the
race or the process at the moment the machine chooses.
"""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from server.core.clock import HeldClock
from server.core.errors import Conflict
from server.core.mongo import Duplicate
from server.visits.queues.model import TABLE, Action, Queue, QueuePolicy, State, Token
from server.visits.queues.service import Joiner, QueueService

pytestmark = pytest.mark.feature("M4")

QUEUE = Queue("D-01", "i", "内科", "3 层")
CRASHES = st.sampled_from([None, None, None, "before", "after"])


class Crash(Exception):
    """The process is gone."""


class Queues:
    def __init__(self) -> None:
        self.turns = 0

    async def find(self, key: str) -> Queue | None:
        return QUEUE if key == QUEUE.key else None

    async def take_turn(self, key: str, day: str) -> int:
        self.turns += 1
        return self.turns


class Tokens:
    """`rival` runs once before the next write; `crash` says on which side of it the process dies."""

    def __init__(self) -> None:
        self.rows: dict[str, Token] = {}
        self.call_keys: dict[str, str] = {}
        self.events: list[tuple[str, str]] = []
        self.rival: Any = None
        self.crash: str | None = None

    async def _write(self, apply: Any) -> Any:
        rival, self.rival = self.rival, None
        if rival is not None:
            crash, self.crash = self.crash, None
            await rival()
            self.crash = crash
        crash, self.crash = self.crash, None
        if crash == "before":
            raise Crash
        done = apply()
        if crash == "after":
            raise Crash
        return done

    def _taken(self, token: Token) -> bool:
        return token.state is State.WAITING and any(
            one.rank == token.rank and one.token_id != token.token_id and one.state is State.WAITING
            for one in self.rows.values()
        )

    async def insert(self, token: Token, *events: Any) -> None:
        def apply() -> None:
            if any(one.visit_id == token.visit_id for one in self.rows.values()) or self._taken(token):
                raise Duplicate
            self.rows[token.token_id] = token
            self.events += [(name, token.token_id) for name, _ in events]

        await self._write(apply)

    async def move(
        self, before: Token, after: Token, now: datetime, *events: Any, call_key: str | None = None
    ) -> bool:
        def apply() -> bool:
            if self.rows[before.token_id].moves != before.moves:
                return False
            if self._taken(after) or self.call_keys.get(call_key or "", before.token_id) != before.token_id:
                raise Duplicate
            kept = after.last_request or self.rows[before.token_id].last_request
            self.rows[before.token_id] = replace(after, moves=before.moves + 1, last_request=kept)
            if call_key is not None:
                self.call_keys[call_key] = before.token_id
            self.events += [(name, before.token_id) for name, _ in events]
            return True

        return bool(await self._write(apply))

    async def find(self, token_id: str) -> Token | None:
        return self.rows.get(token_id)

    async def find_in_line(self, line: str, visit_id: str) -> Token | None:
        return next((one for one in self.rows.values() if one.visit_id == visit_id), None)

    async def find_called_by(self, call_key: str) -> Token | None:
        token_id = self.call_keys.get(call_key)
        return None if token_id is None else self.rows[token_id]

    def waiting(self) -> list[Token]:
        found = [one for one in self.rows.values() if one.state is State.WAITING]
        return sorted(found, key=lambda one: one.rank or 0)

    async def list_of_line(self, line: str, state: State, limit: int) -> list[Token]:
        found = [one for one in self.rows.values() if one.state is state]
        return sorted(found, key=lambda one: one.rank or 0)[:limit]

    async def ranks_waiting(self, line: str, limit: int) -> list[int]:
        return [one.rank or 0 for one in self.waiting()][:limit]

    async def count_waiting(self, line: str, before: int | None = None) -> int:
        return sum(before is None or (one.rank or 0) < before for one in self.waiting())


class Rules:
    async def get(self, model: Any) -> Any:
        return QueuePolicy(max_returns=2, return_places_back=2)


def now(work: Any) -> Any:
    """What the coroutine returns; nothing in it waits."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits")


class Line(RuleBasedStateMachine):
    @initialize()
    def open(self) -> None:
        self.clock = HeldClock(datetime(2026, 11, 23, 1, 0, tzinfo=UTC))
        self.tokens = Tokens()
        self.service = QueueService(Queues(), self.tokens, Rules(), self.clock)  # type: ignore[arg-type]
        self.joined: set[str] = set()
        self.keys = 0
        self.answers: dict[str, str | None] = {}
        self.returned: Counter[str] = Counter()

    def _key(self) -> str:
        self.keys += 1
        return f"k{self.keys}"

    def _until_answered(self, ask: Any, crash: str | None) -> Any:
        """As a correct client: whatever it did not hear about it asks again."""
        self.tokens.crash = crash
        try:
            return now(ask())
        except Crash:
            return now(ask())
        finally:
            self.tokens.crash = self.tokens.rival = None

    @rule(
        visit=st.integers(0, 11),
        booked=st.one_of(st.none(), st.integers(-60, 60)),
        priority=st.sampled_from([None, None, None, "elderly", "emergency"]),
        crash=CRASHES,
        twice=st.booleans(),
    )
    def join(self, visit: int, booked: int | None, priority: Any, crash: str | None, twice: bool) -> None:
        at = self.clock.now()
        joiner = Joiner(
            f"v{visit}", at, None if booked is None else at + timedelta(minutes=booked), priority, {}
        )
        if twice:  # the phone and the desk at once
            self.tokens.rival = lambda: self.service.join(QUEUE, joiner)
        token = self._until_answered(lambda: self.service.join(QUEUE, joiner), crash)
        assert token.visit_id == joiner.visit_id
        self.joined.add(joiner.visit_id)

    @rule(crash=CRASHES, rivals=st.integers(0, 2))
    def call(self, crash: str | None, rivals: int) -> None:
        before = [one.token_id for one in self.tokens.waiting()]
        key, others = self._key(), [self._key() for _ in range(rivals)]

        async def rival() -> None:
            for other in others:
                called = await self.service.call_next("i", "D-01", None, other)
                self.answers[other] = called and called.token_id

        self.tokens.rival = rival if rivals else None
        called = self._until_answered(lambda: self.service.call_next("i", "D-01", None, key), crash)
        self.answers[key] = called and called.token_id
        taken = [self.answers[one] for one in (*others, key) if self.answers.get(one)]
        assert sorted(taken) == sorted(before[: len(taken)]), "the first, each once"
        if called is None:
            assert not self.tokens.waiting()

    @rule(crash=CRASHES, action=st.sampled_from(Action), which=st.integers(0, 30), rival=st.booleans())
    def act(self, crash: str | None, action: Action, which: int, rival: bool) -> None:
        if not self.tokens.rows:
            return
        tokens = sorted(self.tokens.rows)
        token = self.tokens.rows[tokens[which % len(tokens)]]
        key = self._key()
        if rival:
            other = self._key()

            async def call() -> None:
                called = await self.service.call_next("i", "D-01", None, other)
                self.answers[other] = called and called.token_id

            self.tokens.rival = call
        try:
            moved = self._until_answered(
                lambda: self.service.act("i", "D-01", token.token_id, action, key), crash
            )
        except Conflict as refusal:
            assert refusal.code in ("token.not_in_state", "token.returns_spent")
            return
        assert moved.state is TABLE[action][1]
        if action is Action.RETURN:
            self.returned[token.token_id] += 1

    @rule(which=st.integers(0, 50))
    def ask_again(self, which: int) -> None:
        """A key that was answered gets the same token, however much has happened since."""
        if self.answers:
            key = sorted(self.answers)[which % len(self.answers)]
            if self.answers[key] is not None:
                again = now(self.service.call_next("i", "D-01", None, key))
                assert again.token_id == self.answers[key]

    @rule(crash=CRASHES)
    def tell_near(self, crash: str | None) -> None:
        self.tokens.crash = crash
        try:
            now(self.service.tell_near("i|D-01|2026-11-23"))
        except Crash:
            now(self.service.tell_near("i|D-01|2026-11-23"))
        self.tokens.crash = None

    @rule(seconds=st.integers(1, 600))
    def time_goes_on(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @invariant()
    def nobody_is_lost_or_there_twice(self) -> None:
        if hasattr(self, "tokens"):
            assert Counter(one.visit_id for one in self.tokens.rows.values()) == Counter(self.joined)

    @invariant()
    def nobody_is_called_twice_for_one_wait(self) -> None:
        if hasattr(self, "tokens"):
            calls = Counter(self.tokens.call_keys.values())
            for token_id, number in calls.items():
                assert number <= 1 + self.returned[token_id]

    @invariant()
    def the_order_is_total(self) -> None:
        if hasattr(self, "tokens"):
            ranks = [one.rank for one in self.tokens.waiting()]
            assert len(set(ranks)) == len(ranks)

    @invariant()
    def what_was_acknowledged_was_told(self) -> None:
        """Each change has its event, in the same write."""
        if hasattr(self, "tokens"):
            told = Counter(name for name, _ in self.tokens.events)
            assert told["queue.joined"] == len(self.tokens.rows)
            assert told["queue.called"] >= len(self.tokens.call_keys)


Line.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestLine = Line.TestCase
