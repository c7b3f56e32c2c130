"""A hospital's own queue, as it tells us of it: places are its word, and nothing is ordered here."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from server.core.clock import Clock, city_day
from server.core.errors import Conflict, Unavailable
from server.core.ids import new_id
from server.core.mongo import Duplicate
from server.core.policies import Policies
from server.gateways.his.model import QueueTicket
from server.visits.model import Visit
from server.visits.queues.model import QueuePolicy, State, Token, Told, line_of
from server.visits.queues.service import event_data
from server.visits.queues.store import TokenStore

QueueEvent = Literal["joined", "moved", "called", "missed", "returned", "done"]
STATES: dict[QueueEvent, State] = {
    "joined": State.WAITING,
    "moved": State.WAITING,
    "called": State.CALLED,
    "missed": State.MISSED,
    "returned": State.WAITING,
    "done": State.DONE,
}
TICKETS: dict[str, QueueEvent] = {
    "waiting": "joined",
    "called": "called",
    "missed": "missed",
    "done": "done",
}
MAX_TRIES = 20


@dataclass(frozen=True)
class QueueWord:
    """One thing a hospital tells of one person in one of its queues.  `at` is when it happened there."""

    event: QueueEvent
    at: datetime
    queue_id: str
    token_no: str | None = None
    ahead: int | None = None
    place: str | None = None


class HospitalQueues:
    def __init__(self, tokens: TokenStore, policies: Policies, clock: Clock) -> None:
        self._tokens = tokens
        self._policies = policies
        self._clock = clock

    async def take(self, visit: Visit, ticket: QueueTicket) -> Token:
        """What the hospital answered to a check-in."""
        event, at = TICKETS[ticket.state], self._clock.now()
        return await self.tell(
            visit, QueueWord(event, at, ticket.queue_id, ticket.token_no, ticket.ahead, ticket.place)
        )

    async def hear(self, visit: Visit, token: Token, ticket: QueueTicket) -> Token:
        """What the hospital answered when it was asked.  It takes the time of what was told last, so that
        nothing the hospital tells by itself is ever too late because somebody asked."""
        at = self._clock.now() if token.told is None else token.told.at
        event = TICKETS[ticket.state]
        return await self.tell(
            visit, QueueWord(event, at, token.queue_id, token.number, ticket.ahead, ticket.place or None)
        )

    async def tell(self, visit: Visit, word: QueueWord) -> Token:
        """The token as the hospital has it.  What happened before what is known already changes nothing, and
        neither does the same word twice.  Conflict `queue.not_joined` when nobody has said its number."""
        line = line_of(f"{visit.institution_id}|@{word.queue_id}", city_day(self._clock.now()))
        for _ in range(MAX_TRIES):
            token = await self._tokens.find_in_line(line, visit.visit_id)
            if token is None:
                token = await self._opened(visit, line, word)
                if token is not None:
                    return token
                continue
            after, events = await self._after(token, word)
            if after == token:
                return token
            if await self._tokens.move(token, after, self._clock.now(), *events):
                return replace(after, moves=token.moves + 1)
        raise Unavailable("queue.busy", "too much is told of this token at once", retry_after_s=1)

    async def _opened(self, visit: Visit, line: str, word: QueueWord) -> Token | None:
        """A new token; None when another word made it in this moment."""
        if word.token_no is None:
            raise Conflict("queue.not_joined", "tell that it joined first, with its token_no")
        now = self._clock.now()
        bare = Token(
            token_id=new_id(now),
            line=line,
            queue_id=word.queue_id,
            institution_id=visit.institution_id,
            visit_id=visit.visit_id,
            number=word.token_no,
            state=State.WAITING,
            joined_at=now,
            place=word.place or visit.place or visit.department,
            about=visit.about,
        )
        token, events = await self._after(bare, word)
        joined = ("queue.joined", event_data(token, ahead=word.ahead))
        try:
            await self._tokens.insert(token, joined, *[one for one in events if one[0] != "queue.joined"])
        except Duplicate:
            return None
        return token

    async def _after(self, token: Token, word: QueueWord) -> tuple[Token, list[tuple[str, dict[str, Any]]]]:
        if token.told is not None and word.at < token.told.at:
            return token, []
        state = STATES[word.event]
        told = Told(word.at, word.ahead if state is State.WAITING else None)
        comes_back = word.event == "returned" or (state is State.WAITING and token.state is not State.WAITING)
        after = replace(
            token,
            state=state,
            told=told,
            place=word.place or token.place,
            called_at=word.at if state is State.CALLED else token.called_at,
            returned_at=word.at if comes_back else token.returned_at,
            number=word.token_no or token.number,
            is_near=token.is_near and word.event != "returned",
        )
        if after == token:
            return token, []
        events: list[tuple[str, dict[str, Any]]] = []
        if word.event in ("joined", "moved") and token.state is not State.WAITING:
            events.append(("queue.returned", event_data(after, ahead=word.ahead)))
        elif word.event not in ("joined", "moved"):
            events.append((f"queue.{word.event}", event_data(after, ahead=word.ahead)))
        policy = await self._policies.get(QueuePolicy)
        is_near = state is State.WAITING and word.ahead is not None and word.ahead < policy.near_places
        if is_near and not after.is_near:
            after = replace(after, is_near=True)
            events.append(("queue.near", event_data(after, ahead=word.ahead)))
        return after, events
