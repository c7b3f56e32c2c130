"""What a visit is: what has happened, what is to do, and the next place and task (M5).  Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from server.core.policies import Policy
from server.visits.guidance import GuidancePolicy, Happened
from server.visits.queues.model import Queue, Token
from server.visits.queues.model import State as TokenState

MAX_STEPS = 60
MAX_TASKS = 40
MAX_SEEN = 60


class VisitPolicy(Policy):
    """When one may check in, in minutes before the booked time and after its end; how exact a phone's place
    must be, in metres, to be asked at all."""

    NAME: ClassVar[str] = "visits"
    SENTENCE: ClassVar[str] = "when a patient may check in, and how exact the phone's place must be"

    opens_before_min: int = Field(60, ge=0, le=1440)
    closes_after_min: int = Field(60, ge=0, le=1440)
    worst_accuracy_m: int = Field(300, ge=10, le=5000)


class State(StrEnum):
    """expected → checked_in → finished; expected → cancelled."""

    EXPECTED = "expected"
    CHECKED_IN = "checked_in"
    FINISHED = "finished"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Step:
    """Something that happened."""

    event: Happened
    at: datetime
    place: str | None = None


@dataclass(frozen=True)
class Task:
    """Something to do: `title` is in the hospital's own words, `about` names the order it belongs to."""

    what: str
    place: str | None = None
    title: str | None = None
    about: str | None = None
    step: int | None = None


@dataclass(frozen=True)
class Visit:
    """One person's coming to one institution, booked or not.  `registration_no` is the hospital's."""

    visit_id: str
    card_id: str
    person_id: str | None
    institution_id: str
    institution: str
    department: str
    state: State
    created_at: datetime
    kind: str = "clinic"
    appointment_id: str | None = None
    registration_no: str | None = None
    department_id: str | None = None
    doctor: str | None = None
    doctor_id: str | None = None
    place: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    checked_in_at: datetime | None = None
    checked_in_by: str | None = None
    steps: tuple[Step, ...] = ()
    tasks: tuple[Task, ...] = ()
    moves: int = 0
    "How many times it has changed."

    @property
    def is_over(self) -> bool:
        return self.state in (State.FINISHED, State.CANCELLED)

    def window(self, policy: VisitPolicy) -> tuple[datetime, datetime] | None:
        """From when until when one may check in; None: always, for nothing was booked."""
        if self.starts_at is None:
            return None
        ends_at = self.ends_at or self.starts_at
        return (
            self.starts_at - timedelta(minutes=policy.opens_before_min),
            ends_at + timedelta(minutes=policy.closes_after_min),
        )

    @property
    def about(self) -> dict[str, Any]:
        """What its events, and those of its tokens, tell: ids and names of places."""
        return {
            "visit_id": self.visit_id,
            "appointment_id": self.appointment_id,
            "card_id": self.card_id,
            "person_id": self.person_id,
            "institution_id": self.institution_id,
            "institution": self.institution,
            "department": self.department,
            "doctor": self.doctor,
        }


@dataclass(frozen=True)
class Word:
    """What somebody tells of a visit: the event, and where to go next as the hospital has it."""

    event: Happened
    at: datetime
    place: str | None = None
    title: str | None = None
    about: str | None = None


def after(visit: Visit, word: Word, policy: GuidancePolicy) -> Visit:
    """The visit once the event has happened.

    An event that names an order (`about`) ends the tasks of that order; one that names none ends all of the
    kind.  Where the hospital says the next place, the first task that begins gets it; where an examination
    was booked, being examined does.
    """
    rule = policy.rule_of(word.event)
    steps_of = {kind.what: kind.step for kind in policy.tasks}
    left = [task for task in visit.tasks if not (task.what in rule.ends and _is_of(task, word.about))]
    has = {(task.what, task.about) for task in left}
    begun = [
        Task(what, about=word.about, step=steps_of[what])
        for what in rule.begins
        if (what, word.about) not in has
    ]
    order = [kind.what for kind in policy.tasks]
    tasks = sorted([*left, *begun], key=lambda task: order.index(task.what) if task.what in order else 99)
    if word.place is not None or word.title is not None:
        tasks = _placed(tasks, begun, word)
    state = {"checked_in": State.CHECKED_IN, "finished": State.FINISHED}.get(word.event, visit.state)
    return replace(
        visit,
        state=visit.state if visit.is_over else state,
        steps=(*visit.steps, Step(word.event, word.at, word.place))[-MAX_STEPS:],
        tasks=tuple(tasks[:MAX_TASKS]),
    )


def _is_of(task: Task, about: str | None) -> bool:
    return about is None or task.about is None or task.about == about


def _placed(tasks: list[Task], begun: list[Task], word: Word) -> list[Task]:
    """The hospital's next place goes to the task it is about, else to the first that this event begins, else
    to the first of all."""
    if (what := PLACE_IS_OF.get(word.event)) is not None:
        fitting = [task for task in tasks if task.what == what and _is_of(task, word.about)]
    else:
        fitting = [task for task in tasks if task in begun] or tasks
    if not fitting:
        return tasks
    index = tasks.index(fitting[0])
    placed = replace(fitting[0], place=word.place, title=word.title or fitting[0].title)
    return [*tasks[:index], placed, *tasks[index + 1 :]]


# A token's state → what its person is to do; they come before every task of the visit.
TOKEN_TASKS = {
    TokenState.WAITING: "wait",
    TokenState.CALLED: "go_in",
    TokenState.MISSED: "ask_at_desk",
}
# Of what task an event says the place, where that is not the next one.
PLACE_IS_OF: dict[Happened, str] = {"examination_booked": "be_examined"}
# What is done where the place was booked; the place of everything else is the hospital's to say.
WHERE_BOOKED = frozenset({"check_in", "see_doctor"})
# What happens behind the door a token was called to; orders and prescriptions come from behind it too, but a
# nurse may order something while the patient still waits.
ENDS_WAIT: frozenset[Happened] = frozenset({"consulted", "examined", "dispensed", "finished"})
ENDS_CALL = ENDS_WAIT | {"ordered", "prescribed"}
# What it means that the queue of the booked department is done with somebody, by the kind of the visit.
MEANT_BY_DONE: dict[str, Happened] = {"examination": "examined"}


def next_task(visit: Visit, token: Token | None) -> Task | None:
    """The next place and task; None when nothing is to do."""
    if visit.state is State.CANCELLED:
        return None
    if token is not None and token.is_live and not has_been_in(visit.steps, token):
        return Task(TOKEN_TASKS[token.state], token.place, step=5)
    return first_task(visit)


def first_task(visit: Visit) -> Task | None:
    """The first that is open, with its place as far as that is known."""
    first = visit.tasks[0] if visit.tasks else None
    if first is not None and first.place is None and first.what in WHERE_BOOKED:
        return replace(first, place=visit.place)
    return first


def has_been_in(steps: Sequence[Step], token: Token) -> bool:
    """Whether something that happens behind the door was told since the token was called, came back or
    joined."""
    ends = ENDS_WAIT if token.state is TokenState.WAITING else ENDS_CALL
    return any(step.event in ends and step.at >= token.since for step in steps)


def meant_by_done(visit: Visit, token: Token, queue: Queue) -> Happened | None:
    """What has happened to somebody one of our queues is done with: the consultation or examination they had
    booked; None in another department's queue, and when somebody has said so already."""
    is_booked = queue.department_id is not None and queue.department_id == visit.department_id
    if visit.state is not State.CHECKED_IN or not is_booked or has_been_in(visit.steps, token):
        return None
    return MEANT_BY_DONE.get(visit.kind, "consulted")
