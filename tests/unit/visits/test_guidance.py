"""Where a patient is sent after each event (M5)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.visits.guidance import HAPPENINGS, GuidancePolicy, Happened
from server.visits.model import MAX_STEPS, MAX_TASKS, State, Visit, Word, after, meant_by_done, next_task
from server.visits.queues.model import Queue, Token
from server.visits.queues.model import State as TokenState

pytestmark = pytest.mark.feature("M5")

RULES = GuidancePolicy()
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
VISIT = Visit("v", "c", "p", "i", "医院", "内科", State.EXPECTED, NOW, place="3 层")


def went(*events: Happened | tuple[Happened, str], visit: Visit = VISIT) -> Visit:
    for number, event in enumerate(events):
        name, about = event if isinstance(event, tuple) else (event, None)
        visit = after(visit, Word(name, NOW + timedelta(minutes=number), about=about), RULES)
    return visit


def todo(visit: Visit) -> list[str]:
    return [task.what for task in visit.tasks]


@pytest.mark.parametrize(
    ("events", "tasks"),
    [
        (("booked",), ["check_in"]),
        (("booked", "checked_in"), ["see_doctor"]),
        (("booked", "checked_in", "consulted"), []),
        (("booked", "checked_in", "ordered"), ["book_examination", "pay", "be_examined"]),
        (("booked", "checked_in", "prescribed"), ["pay", "fetch_medicine"]),
        (("booked", "checked_in", "examined"), ["wait_for_report"]),
        (("prescribed",), ["pay", "fetch_medicine"]),
        (("prescribed", "paid"), ["fetch_medicine"]),
        (("ordered",), ["book_examination", "pay", "be_examined"]),
        (("ordered", "examination_booked", "paid"), ["be_examined"]),
        (("ordered", "paid", "examined", "report_ready"), ["fetch_report"]),
        (("ordered", "prescribed", "finished"), ["answer_survey"]),
    ],
)
def test_the_open_tasks_in_the_order_they_are_done(events: tuple[Happened, ...], tasks: list[str]) -> None:
    assert todo(went(*events)) == tasks


def test_an_order_of_several_ends_its_own_tasks_only() -> None:
    visit = went(("ordered", "A"), ("ordered", "B"), ("examined", "A"))
    left = [(task.what, task.about) for task in visit.tasks]
    assert left == [
        ("book_examination", "B"),
        ("pay", "B"),
        ("be_examined", "B"),
        ("wait_for_report", "A"),
    ]
    assert ("be_examined", "B") not in [
        (task.what, task.about) for task in went("examined", visit=visit).tasks
    ]


def test_the_hospitals_words_go_to_what_begins() -> None:
    word = Word("prescribed", NOW, place="1 层药房", title="先缴费")
    task = next_task(went("booked", "checked_in"), None)
    assert task is not None and (task.what, task.place) == ("see_doctor", "3 层")
    for before in (went("consulted"), went("booked", "checked_in")):
        paying = after(before, word, RULES).tasks[0]
        assert (paying.what, paying.place, paying.title) == ("pay", "1 层药房", "先缴费")


def test_the_place_of_a_booked_examination_is_where_one_is_examined() -> None:
    visit = went("booked", "checked_in", ("ordered", "A"), ("ordered", "B"))
    visit = after(visit, Word("examination_booked", NOW, place="2 层超声科", about="B"), RULES)
    places = {(task.what, task.about): task.place for task in visit.tasks if task.place}
    assert places == {("be_examined", "B"): "2 层超声科"}
    assert (
        after(went("booked"), Word("examination_booked", NOW, place="2 层"), RULES).tasks[0].what
        == "check_in"
    )


def token(state: TokenState, called: int | None = None, returned: int | None = None) -> Token:
    called_at, returned_at = (
        None if minutes is None else NOW + timedelta(minutes=minutes) for minutes in (called, returned)
    )
    moments = {"called_at": called_at, "returned_at": returned_at}
    return Token("t", "l", "q", "i", "v", "001", state, NOW, "5 诊室", rank=1, **moments)


def test_the_queue_comes_before_every_task() -> None:
    visit = went("booked", "checked_in")
    for state, what in (
        (TokenState.WAITING, "wait"),
        (TokenState.CALLED, "go_in"),
        (TokenState.MISSED, "ask_at_desk"),
    ):
        task = next_task(visit, token(state, 2))
        assert task is not None and (task.what, task.place) == (what, "5 诊室")
    task = next_task(visit, token(TokenState.DONE, 2))
    assert task is not None and task.what == "see_doctor"


def test_a_call_is_over_once_the_doctor_has_seen_the_patient() -> None:
    visit = went("booked", "checked_in", "consulted", "prescribed")
    task = next_task(visit, token(TokenState.CALLED, 1))
    assert task is not None and task.what == "pay"
    again = next_task(visit, token(TokenState.CALLED, 5))
    assert again is not None and again.what == "go_in"
    back = next_task(visit, token(TokenState.WAITING, 1, returned=5))
    assert back is not None and back.what == "wait"


def test_what_a_nurse_orders_beforehand_sends_nobody_away_who_waits() -> None:
    visit = went("booked", "checked_in", "ordered")
    waiting, called = (next_task(visit, token(state, 1)) for state in (TokenState.WAITING, TokenState.CALLED))
    assert waiting is not None and waiting.what == "wait"
    assert called is not None and called.what == "book_examination"


@pytest.mark.parametrize(
    ("kind", "department_id", "events", "happened"),
    [
        ("clinic", "D-01", (), "consulted"),
        ("examination", "D-01", (), "examined"),
        ("clinic", "D-99", (), None),
        ("clinic", None, (), None),
        ("clinic", "D-01", ("consulted",), None),
        ("clinic", "D-01", ("finished",), None),
    ],
)
def test_done_in_the_booked_department_is_seen_there(
    kind: str, department_id: str | None, events: tuple[Happened, ...], happened: Happened | None
) -> None:
    visit = went("booked", "checked_in", *events, visit=replace(VISIT, kind=kind, department_id="D-01"))
    queue = Queue("q", "i", "候诊", "3 层", department_id)
    assert meant_by_done(visit, token(TokenState.DONE, 1), queue) == happened


def test_a_walk_in_of_no_department_is_seen_nowhere() -> None:
    visit = went("booked", "checked_in")
    assert meant_by_done(visit, token(TokenState.DONE, 1), Queue("q", "i", "候诊", "3 层")) is None


@given(st.lists(st.tuples(st.sampled_from(HAPPENINGS), st.sampled_from(["A", "B", "C", None])), max_size=80))
def test_whatever_is_told_in_whatever_order_it_stays_in_bounds(
    told: list[tuple[Happened, str | None]],
) -> None:
    visit = VISIT
    for event, about in told:
        visit = after(visit, Word(event, NOW, about=about), RULES)
        names = [(task.what, task.about) for task in visit.tasks]
        assert len(set(names)) == len(names) <= MAX_TASKS
        assert len(visit.steps) <= MAX_STEPS
        if any(step.event == "finished" for step in visit.steps):
            assert visit.state is State.FINISHED
    done = after(visit, Word("finished", NOW), RULES)
    assert todo(done) == ["answer_survey"]


def test_a_table_that_is_not_whole_is_refused() -> None:
    twice = [{"event": "paid"}, {"event": "paid"}]
    unknown = [{"event": "paid", "begins": ["pay"]}]
    with pytest.raises(ValueError, match="once"):
        GuidancePolicy.model_validate({"rules": twice})
    with pytest.raises(ValueError, match="of the table"):
        GuidancePolicy.model_validate({"rules": unknown, "tasks": [{"what": "check_in", "step": 4}]})
