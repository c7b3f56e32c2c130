"""The table of transitions: only what is legal happens, and one cause's end never ends another's (C4)."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from server.cards.lifecycle.transitions import Action, Role, State, apply, frozen_because, may
from server.cards.model import Status

pytestmark = pytest.mark.feature("C4")

ACTIVE = State(Status.ACTIVE)
OVER_OR_NOT_YET = (Status.PENDING, Status.CANCELLED, Status.REFUSED)
STRENGTH = {
    Role.HOLDER: 0,
    Role.GUARDIAN: 0,
    Role.CARER: 0,
    Role.ISSUER: 1,
    Role.CENTRE: 1,
    Role.MERGE: 2,
}
PUTS_HOLD = (Action.FREEZE, Action.REPORT_LOST)


def strength(hold: str) -> int:
    return 2 if hold.startswith("merge:") else 1 if hold == "centre" else 0


@pytest.mark.parametrize(
    ("role", "legal"),
    [
        (Role.HOLDER, "report_lost freeze reissue cancel"),
        (Role.GUARDIAN, "report_lost freeze reissue cancel"),
        (Role.CARER, "report_lost freeze reissue"),
        (Role.CENTRE, "freeze cancel"),
        (Role.ISSUER, "cancel"),
        (Role.MERGE, "freeze"),
    ],
)
def test_what_each_may_do_with_an_active_card(role: Role, legal: str) -> None:
    assert " ".join(may(ACTIVE, role)) == legal


@pytest.mark.parametrize("status", OVER_OR_NOT_YET)
@pytest.mark.parametrize("role", Role)
def test_nothing_moves_a_card_that_is_over_or_not_yet_there(status: Status, role: Role) -> None:
    assert may(State(status), role) == ()


@pytest.mark.parametrize("role", [Role.HOLDER, Role.GUARDIAN, Role.CARER])
@pytest.mark.parametrize("hold", ["centre", "merge:1"])
def test_a_family_lifts_nothing_the_centre_or_a_merge_holds(role: Role, hold: str) -> None:
    held = State(Status.FROZEN, frozenset({hold, "holder"}))
    assert may(held, role) == (Action.REPORT_LOST,)


def test_the_centre_lifts_what_the_holder_froze_and_not_what_a_merge_holds() -> None:
    by_holder = State(Status.LOST, frozenset({"lost", "holder"}))
    lifted = apply(by_holder, Action.REACTIVATE, Role.CENTRE)
    assert lifted is not None and lifted.state == ACTIVE
    assert apply(State(Status.FROZEN, frozenset({"merge:1"})), Action.REACTIVATE, Role.CENTRE) is None


def test_a_lost_card_is_lost_again_when_the_centre_or_a_merge_lets_go() -> None:
    state = State(Status.LOST, frozenset({"lost"}))
    for role in (Role.CENTRE, Role.MERGE):
        frozen = apply(state, Action.FREEZE, role, "7")
        assert frozen is not None and frozen.state.status is Status.FROZEN
        back = apply(frozen.state, Action.REACTIVATE, role, "7")
        assert back is not None and (back.state, back.event) == (state, None)


def test_a_merge_is_lifted_by_that_merge_only() -> None:
    held = State(Status.FROZEN, frozenset({"merge:1"}))
    assert apply(held, Action.REACTIVATE, Role.MERGE, "2") is None
    lifted = apply(held, Action.REACTIVATE, Role.MERGE, "1")
    assert lifted is not None and lifted.state == ACTIVE


@pytest.mark.parametrize(
    ("holds", "because"),
    [
        (set(), None),
        ({"lost", "holder"}, "holder"),
        ({"holder", "centre"}, "centre"),
        ({"merge:9", "centre"}, "merge:9"),
    ],
)
def test_the_strongest_cause_is_told(holds: set[str], because: str | None) -> None:
    assert frozen_because(frozenset(holds)) == because


class Life(RuleBasedStateMachine):
    """Anybody tries anything; what happened is kept beside, as plain as can be."""

    def __init__(self) -> None:
        super().__init__()
        self.state = ACTIVE
        self.causes: set[str] = set()
        self.is_over = False

    @rule(
        action=st.sampled_from(Action),
        role=st.sampled_from(Role),
        merge_id=st.sampled_from(["1", "2"]),
    )
    def try_it(self, action: Action, role: Role, merge_id: str) -> None:
        outcome = apply(self.state, action, role, merge_id)
        is_listed = action in may(self.state, role)
        assert is_listed == (apply(self.state, action, role) is not None)
        if self.is_over:
            assert outcome is None
            return
        if outcome is None:
            return
        before = set(self.causes)
        self.state = outcome.state
        self.causes = set(outcome.state.holds)
        self.is_over = outcome.state.status is Status.CANCELLED
        ended = before - self.causes
        assert all(strength(cause) <= STRENGTH[role] for cause in ended)
        if role is Role.MERGE:
            assert ended | (self.causes - before) == {f"merge:{merge_id}"}
        if action in PUTS_HOLD:
            assert before < self.causes and len(self.causes - before) == 1
        else:
            assert self.causes <= before
        assert outcome.is_reissue == (action is Action.REISSUE)
        takes_away = action in (Action.REACTIVATE, Action.REISSUE, Action.CANCEL)
        assert outcome.needs_factor == (takes_away and STRENGTH[role] == 0)

    @invariant()
    def the_status_is_what_the_causes_say(self) -> None:
        if self.is_over:
            assert self.state.status is Status.CANCELLED
        elif not self.causes:
            assert self.state.status is Status.ACTIVE
        elif self.causes <= {"lost", "holder"} and "lost" in self.causes:
            assert self.state.status is Status.LOST
        else:
            assert self.state.status is Status.FROZEN


# 250 lives of 50 steps: 12,500 tries.
Life.TestCase.settings = settings(max_examples=250, stateful_step_count=50, deadline=None)
TestLife = Life.TestCase
