"""Which tasks an event of a visit ends, and which it begins, as data (M5; the numbered steps of B3.1.1).

The next task is the first of those that are open, in the order of the table of tasks: so a patient with an
examination and a prescription pays first, is examined, and fetches the medicine at last.  A centre whose
hospitals work otherwise sets another table; no code changes.
"""

from typing import ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from server.core.policies import Policy

What = Literal[
    "check_in",
    "see_doctor",
    "book_examination",
    "pay",
    "be_examined",
    "wait_for_report",
    "fetch_report",
    "fetch_medicine",
    "answer_survey",
]
Happened = Literal[
    "booked",
    "checked_in",
    "consulted",
    "ordered",
    "examination_booked",
    "prescribed",
    "paid",
    "examined",
    "report_ready",
    "dispensed",
    "finished",
]
HAPPENINGS: tuple[Happened, ...] = get_args(Happened)


class TaskKind(BaseModel):
    """`step`: which of the numbered steps of B3.1.1 it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    what: What
    step: int = Field(ge=1, le=19)


class Rule(BaseModel):
    """After `event` the tasks `ends` are done, and `begins` are to do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    event: Happened
    ends: tuple[What, ...] = ()
    begins: tuple[What, ...] = ()


def _tasks() -> tuple[TaskKind, ...]:
    table: tuple[tuple[What, int], ...] = (
        ("check_in", 4),
        ("see_doctor", 6),
        ("book_examination", 8),
        ("pay", 11),
        ("be_examined", 9),
        ("wait_for_report", 14),
        ("fetch_report", 14),
        ("fetch_medicine", 15),
        ("answer_survey", 19),
    )
    return tuple(TaskKind(what=what, step=step) for what, step in table)


def _rules() -> tuple[Rule, ...]:
    table: tuple[tuple[Happened, tuple[What, ...], tuple[What, ...]], ...] = (
        ("booked", (), ("check_in",)),
        ("checked_in", ("check_in",), ("see_doctor",)),
        ("consulted", ("check_in", "see_doctor", "fetch_report"), ()),
        # Whoever orders, prescribes or examines knows the patient by then.
        ("ordered", ("see_doctor",), ("book_examination", "pay", "be_examined")),
        ("examination_booked", ("book_examination",), ()),
        ("prescribed", ("see_doctor",), ("pay", "fetch_medicine")),
        ("paid", ("pay",), ()),
        # Whoever was examined or has the medicine has paid, or pays later: nobody is sent to pay for it now.
        ("examined", ("see_doctor", "book_examination", "pay", "be_examined"), ("wait_for_report",)),
        ("report_ready", ("wait_for_report",), ("fetch_report",)),
        ("dispensed", ("pay", "fetch_medicine"), ()),
        ("finished", get_args(What), ("answer_survey",)),
    )
    return tuple(Rule(event=event, ends=ends, begins=begins) for event, ends, begins in table)


class GuidancePolicy(Policy):
    """`tasks` in the order they are done; `rules`, one for each event."""

    NAME: ClassVar[str] = "guidance"
    SENTENCE: ClassVar[str] = "where a patient is sent after each event of a visit"

    tasks: tuple[TaskKind, ...] = Field(default_factory=_tasks, min_length=1, max_length=50)
    rules: tuple[Rule, ...] = Field(default_factory=_rules, min_length=1, max_length=50)

    @model_validator(mode="after")
    def _is_whole(self) -> "GuidancePolicy":
        tasks = [kind.what for kind in self.tasks]
        if len(set(tasks)) != len(tasks) or len({rule.event for rule in self.rules}) != len(self.rules):
            raise ValueError("each task and each event stands once")
        if any(what not in tasks for rule in self.rules for what in rule.begins):
            raise ValueError("a rule begins tasks of the table only")
        return self

    def rule_of(self, event: Happened) -> Rule:
        """What follows from the event; nothing when the table does not name it."""
        return next((rule for rule in self.rules if rule.event == event), Rule(event=event))
