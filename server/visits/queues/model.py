"""What a token in a queue is, and the order of a queue.  Pure.

A token's `rank` is one whole number, unique in its queue and day; the queue is the waiting tokens by rank:

    level (1 digit)  moment (6)  turn (5)  room (6)

`level` is 0 for an emergency and 1 for everybody else; `moment` is the second of the day the person is ranked
at; `turn` is the token's number, so that the earlier joined goes first; `room` is left free for tokens that
come back between two others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Literal

from pydantic import Field

from server.core.clock import CITY_AHEAD_S, city_day
from server.core.policies import Policy

ROOM = 10**6
MAX_TURN = 10**5
MOMENTS = 10**6
DAY_S = 86_400
# A queue holds a day's patients of one door; more than these are not told their exact place.
MAX_WAITING = 2_000


class QueuePolicy(Policy):
    """How a queue is ordered, in minutes and places.

    Whoever has booked is ranked at the booked time when there by then (and `late_grace_min` later), else
    when they came; whoever has not is ranked `walk_in_behind_min` after they came.  From `elderly_from`
    years of age one is ranked `elderly_ahead_min` earlier.  An emergency goes first.
    """

    NAME: ClassVar[str] = "queues"
    SENTENCE: ClassVar[str] = "in which order patients are called, and where one returns who missed the call"

    late_grace_min: int = Field(15, ge=0, le=240)
    walk_in_behind_min: int = Field(30, ge=0, le=480)
    elderly_from: int = Field(70, ge=50, le=120)
    elderly_ahead_min: int = Field(30, ge=0, le=240)
    return_places_back: int = Field(3, ge=0, le=50)
    max_returns: int = Field(3, ge=0, le=20)
    near_places: int = Field(3, ge=1, le=20)


class State(StrEnum):
    """waiting → called → done | missed → waiting …; waiting or missed → left."""

    WAITING = "waiting"
    CALLED = "called"
    MISSED = "missed"
    DONE = "done"
    LEFT = "left"


class Action(StrEnum):
    """What a desk does with a token besides calling the next one."""

    RECALL = "recall"
    MISS = "miss"
    RETURN = "return"
    FINISH = "finish"
    LEAVE = "leave"


# action → the states it is for, and the state after it.  Whoever comes back with a report returns when done.
TABLE: dict[Action, tuple[frozenset[State], State]] = {
    Action.RECALL: (frozenset({State.CALLED}), State.CALLED),
    Action.MISS: (frozenset({State.CALLED}), State.MISSED),
    Action.RETURN: (frozenset({State.MISSED, State.DONE}), State.WAITING),
    Action.FINISH: (frozenset({State.CALLED}), State.DONE),
    Action.LEAVE: (frozenset({State.WAITING, State.MISSED}), State.LEFT),
}
EVENTS: dict[Action, str] = {
    Action.RECALL: "queue.called",
    Action.MISS: "queue.missed",
    Action.RETURN: "queue.returned",
    Action.FINISH: "queue.done",
    Action.LEAVE: "queue.left",
}
Priority = Literal["emergency", "elderly"]


@dataclass(frozen=True)
class Queue:
    """A door patients wait before.  `key` is unique: institution and the institution's own id."""

    queue_id: str
    institution_id: str
    name: str
    place: str
    department_id: str | None = None
    doctor_id: str | None = None

    @property
    def key(self) -> str:
        return queue_key(self.institution_id, self.queue_id)


def queue_key(institution_id: str, queue_id: str) -> str:
    return f"{institution_id}|{queue_id}"


@dataclass(frozen=True)
class Told:
    """What a hospital with a queue of its own says of a token: places ahead, and when it said so."""

    at: datetime
    ahead: int | None = None


@dataclass(frozen=True)
class Token:
    """One person's place in one queue on one day (`line` is both).  `place` is where to go when called."""

    token_id: str
    line: str
    queue_id: str
    institution_id: str
    visit_id: str
    number: str
    state: State
    joined_at: datetime
    place: str
    rank: int | None = None
    priority: Priority | None = None
    moves: int = 0
    "How many times it has changed: who waits for a change says of which number."
    returns: int = 0
    called_at: datetime | None = None
    returned_at: datetime | None = None
    is_near: bool = False
    told: Told | None = None
    last_request: str | None = None
    "The repeatable request that moved it last."
    about: Mapping[str, Any] = field(default_factory=dict)
    "What the events of the token tell of its visit: ids and names of places."

    @property
    def is_live(self) -> bool:
        return self.state in (State.WAITING, State.CALLED, State.MISSED)

    @property
    def since(self) -> datetime:
        """From when on it is as it is: called last, or come back since, or joined."""
        known = [at for at in (self.called_at, self.returned_at) if at is not None]
        return max(known, default=self.joined_at)


def line_of(key: str, day: date) -> str:
    return f"{key}|{day.isoformat()}"


def day_of_line(line: str) -> date:
    return date.fromisoformat(line.rpartition("|")[2])


def ranked_at(
    policy: QueuePolicy,
    arrived_at: datetime,
    booked_for: datetime | None,
    priority: Priority | None,
) -> datetime:
    """The moment the person is ranked at; says nothing of the level."""
    if booked_for is None:
        at = arrived_at + timedelta(minutes=policy.walk_in_behind_min)
    elif arrived_at <= booked_for + timedelta(minutes=policy.late_grace_min):
        at = booked_for
    else:
        at = arrived_at
    return at - timedelta(minutes=policy.elderly_ahead_min) if priority == "elderly" else at


def rank_of(at: datetime, turn: int, priority: Priority | None, day: date) -> int:
    """The rank of a token that joins on `day` as the `turn`-th, ranked at `at`; ValueError for a turn that
    no day has."""
    if not 1 <= turn < MAX_TURN:
        raise ValueError(f"a day has at most {MAX_TURN - 1} turns")
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(seconds=CITY_AHEAD_S)
    second = int((at - midnight).total_seconds()) + DAY_S  # a day of room before midnight
    moment = min(max(second, 0), MOMENTS - 1)
    level = 0 if priority == "emergency" else 1
    return ((level * MOMENTS + moment) * MAX_TURN + turn) * ROOM


def rank_back(waiting: Sequence[int], places: int) -> int | None:
    """The rank after the first `places` of the waiting ranks, which ascend; None when nobody waits.

    It lies in the room of the token before it, which has space for twenty; where none is left one goes one
    place further.
    """
    if not waiting:
        return None
    if places <= 0:
        lower = (waiting[0] - 1) // ROOM * ROOM
        middle = (lower + waiting[0]) // 2
        return middle if middle > lower else lower - ROOM // 2
    last = len(waiting) - 1
    for index in range(min(places - 1, last), last + 1):
        before = waiting[index]
        upper = (before // ROOM + 1) * ROOM
        middle = (before + (upper if index == last else min(upper, waiting[index + 1]))) // 2
        if middle > before:
            return middle
    return (waiting[-1] // ROOM + 1) * ROOM + ROOM // 2


def elderly(born_on: date, now: datetime, policy: QueuePolicy) -> bool:
    today = city_day(now)
    age = today.year - born_on.year - ((today.month, today.day) < (born_on.month, born_on.day))
    return age >= policy.elderly_from
