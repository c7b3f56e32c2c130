"""A platform's own queue: joining, calling, missing, coming back (M4).

Every move is one conditional update of one token, so two desks that call at once get two tokens, and whatever
dies leaves a token as it was or as it was to be.  A request that moved a token leaves its key there: asked
again, it is answered with what it did.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from server.core.clock import Clock, city_day
from server.core.errors import Conflict, NotFound, Unavailable
from server.core.ids import new_id
from server.core.mongo import Duplicate
from server.core.policies import Policies
from server.visits.queues.model import (
    EVENTS,
    TABLE,
    Action,
    Priority,
    Queue,
    QueuePolicy,
    State,
    Token,
    day_of_line,
    line_of,
    queue_key,
    rank_back,
    rank_of,
    ranked_at,
)
from server.visits.queues.store import QueueStore, TokenStore

# Each try that fails means that somebody else's call succeeded.
MAX_TRIES = 200
SHOWN = 50
LONGEST_DAY = timedelta(days=1)
ROOM_FOR_RETURN = 64


@dataclass(frozen=True)
class Joiner:
    """Who joins: a visit, when it came, what it had booked."""

    visit_id: str
    arrived_at: datetime
    booked_for: datetime | None
    priority: Priority | None
    about: Mapping[str, Any]


@dataclass(frozen=True)
class Board:
    """What a screen before the door shows."""

    queue: Queue
    waiting: int
    called: list[Token]
    following: list[Token]


class QueueService:
    def __init__(self, queues: QueueStore, tokens: TokenStore, policies: Policies, clock: Clock) -> None:
        self._queues = queues
        self._tokens = tokens
        self._policies = policies
        self._clock = clock

    # -- the doors
    async def put(self, queue: Queue) -> None:
        await self._queues.put(queue)

    async def get(self, institution_id: str, queue_id: str) -> Queue:
        """NotFound `queue.not_found`."""
        queue = await self._queues.find(queue_key(institution_id, queue_id))
        if queue is None:
            raise NotFound("queue.not_found", "the institution has no such queue")
        return queue

    async def queue_for(
        self, institution_id: str, department_id: str, doctor_id: str | None, name: str, place: str
    ) -> Queue:
        """The doctor's own queue, else the department's; made now when the department has none."""
        known = await self._queues.list_of_department(institution_id, department_id)
        for wanted in (doctor_id, None):
            for queue in known:
                if queue.doctor_id == wanted:
                    return queue
        made = Queue(department_id, institution_id, name, place, department_id)
        await self._queues.insert_once(made)
        return made

    async def board(self, institution_id: str, queue_id: str) -> Board:
        queue = await self.get(institution_id, queue_id)
        line = self._line(queue)
        called = await self._tokens.list_of_line(line, State.CALLED, SHOWN)
        following = await self._tokens.list_of_line(line, State.WAITING, SHOWN)
        return Board(queue, await self._tokens.count_waiting(line), called, following)

    # -- a person
    async def join(self, queue: Queue, joiner: Joiner) -> Token:
        """The visit's place in today's line; the one it has when it has joined before."""
        line = self._line(queue)
        found = await self._tokens.find_in_line(line, joiner.visit_id)
        if found is not None:
            return found
        policy = await self._policies.get(QueuePolicy)
        now = self._clock.now()
        day = city_day(now)
        turn = await self._queues.take_turn(queue.key, day.isoformat())
        at = ranked_at(policy, joiner.arrived_at, joiner.booked_for, joiner.priority)
        token = Token(
            token_id=new_id(now),
            line=line,
            queue_id=queue.queue_id,
            institution_id=queue.institution_id,
            visit_id=joiner.visit_id,
            number=f"{turn:03d}",
            state=State.WAITING,
            joined_at=now,
            place=queue.place,
            rank=rank_of(at, turn, joiner.priority, day),
            priority=joiner.priority,
            about=dict(joiner.about),
        )
        try:
            await self._tokens.insert(token, ("queue.joined", event_data(token)))
        except Duplicate:  # the phone and the desk came at once
            found = await self._tokens.find_in_line(line, joiner.visit_id)
            assert found is not None, "a turn is given once, so the visit itself was there before"
            return found
        return token

    async def ahead_of(self, token: Token) -> int | None:
        """How many are before it; None when it does not wait."""
        if token.state is not State.WAITING:
            return None
        if token.rank is None:
            return None if token.told is None else token.told.ahead
        return await self._tokens.count_waiting(token.line, token.rank)

    async def current_of(self, visit_ids: Sequence[str]) -> dict[str, Token]:
        """Where each of these visits waits now: its newest live token of today, else its newest of today."""
        now, found = self._clock.now(), dict[str, Token]()
        for token in await self._tokens.list_of_visits(visit_ids, now - LONGEST_DAY):
            known = found.get(token.visit_id)
            if day_of_line(token.line) == city_day(now) and (
                known is None or (token.is_live and not known.is_live)
            ):
                found[token.visit_id] = token
        return found

    async def door_of(self, token_id: str) -> tuple[Token, Queue] | None:
        """A token of one of the platform's own queues, and its queue; None for one of a hospital's."""
        token = await self._tokens.find(token_id)
        if token is None or token.rank is None:
            return None
        queue = await self._queues.find(queue_key(token.institution_id, token.queue_id))
        return None if queue is None else (token, queue)

    # -- a desk
    async def call_next(
        self, institution_id: str, queue_id: str, place: str | None, request_key: str | None
    ) -> Token | None:
        """The first who waits, called to `place`; None when nobody does.  The same token for the same key."""
        queue = await self.get(institution_id, queue_id)
        line = self._line(queue)
        if request_key is not None:
            called = await self._tokens.find_called_by(request_key)
            if called is not None:
                return called
        for _ in range(MAX_TRIES):
            waiting = await self._tokens.list_of_line(line, State.WAITING, 1)
            if not waiting:
                return None
            now = self._clock.now()
            token = replace(
                waiting[0],
                state=State.CALLED,
                called_at=now,
                place=place or queue.place,
                last_request=request_key,
            )
            try:
                if await self._tokens.move(
                    waiting[0], token, now, ("queue.called", event_data(token)), call_key=request_key
                ):
                    return _moved(token)
            except Duplicate:  # the first attempt of this request came through after all
                assert request_key is not None, "only a key can be there before"
                return await self._tokens.find_called_by(request_key)
        raise Unavailable("queue.busy", "many desks call at once", retry_after_s=1)

    async def act(
        self, institution_id: str, queue_id: str, token_id: str, action: Action, request_key: str | None
    ) -> Token:
        """What the desk does with a token.

        NotFound `queue.not_found`, `token.not_found`; Conflict `token.not_in_state` (detail.state),
        `token.returns_spent`.
        """
        queue = await self.get(institution_id, queue_id)
        for _ in range(MAX_TRIES):
            token = await self._tokens.find(token_id)
            if token is None or token.line != self._line(queue) or token.rank is None:
                raise NotFound("token.not_found", "there is no such token in today's queue")
            if request_key is not None and token.last_request == request_key:
                return token
            after = await self._after(token, action, request_key)
            event = (EVENTS[action], event_data(after))
            try:
                if await self._tokens.move(token, after, self._clock.now(), event):
                    return _moved(after)
            except Duplicate:  # somebody else came back to the very same place
                continue
        raise Unavailable("queue.busy", "many desks call at once", retry_after_s=1)

    async def _after(self, token: Token, action: Action, request_key: str | None) -> Token:
        starts, ends = TABLE[action]
        if token.state not in starts:
            raise Conflict("token.not_in_state", "the token is not in a state for this", state=token.state)
        after = replace(token, state=ends, last_request=request_key)
        if action is Action.RECALL:
            return replace(after, called_at=self._clock.now())
        if action is not Action.RETURN:
            return after
        policy = await self._policies.get(QueuePolicy)
        if token.returns >= policy.max_returns:
            raise Conflict("token.returns_spent", "it has come back as often as the rule allows")
        places = policy.return_places_back
        ranks = await self._tokens.ranks_waiting(token.line, places + ROOM_FOR_RETURN)
        rank = rank_back(ranks, places)
        return replace(
            after,
            rank=token.rank if rank is None else rank,
            returned_at=self._clock.now(),
            returns=token.returns + 1,
            is_near=False,
        )

    # -- a reaction: the line has moved
    async def tell_near(self, line: str) -> None:
        """Tells those whose turn is near, once each; called after whatever moves the line."""
        policy = await self._policies.get(QueuePolicy)
        first = await self._tokens.list_of_line(line, State.WAITING, policy.near_places)
        for ahead, token in enumerate(first):
            if not token.is_near and token.rank is not None:
                near = replace(token, is_near=True)
                data = event_data(near, ahead=ahead)
                await self._tokens.move(token, near, self._clock.now(), ("queue.near", data))

    def _line(self, queue: Queue) -> str:
        return line_of(queue.key, city_day(self._clock.now()))


def event_data(token: Token, **more: Any) -> dict[str, Any]:
    """What an event of the token tells: ids, its number and where to go."""
    return {
        **token.about,
        "token_id": token.token_id,
        "line": token.line,
        "visit_id": token.visit_id,
        "number": token.number,
        "place": token.place,
        "times": token.returns,
        **more,
    }


def _moved(token: Token) -> Token:
    return replace(token, moves=token.moves + 1)
