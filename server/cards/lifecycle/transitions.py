"""The one table of what may happen to a card after it exists (A2, A6): who, from which state, to which.

What keeps a card from being used is a set of *holds*, one for each cause: the holder reported it lost, froze
it, the centre froze it, a merge of persons froze it.  The status follows from the holds, so undoing one cause
never undoes another, and a card that was lost before a merge is lost again after the merge is reversed.
Pure: `LifecycleStore.move` stores what `apply` says, as one conditional update.
"""

from dataclasses import dataclass
from enum import StrEnum

from server.cards.model import Card, Status


class Action(StrEnum):
    REPORT_LOST = "report_lost"
    FREEZE = "freeze"
    REACTIVATE = "reactivate"
    REISSUE = "reissue"
    CANCEL = "cancel"


class Role(StrEnum):
    """Who acts: the holder; the guardian of a child or ward; a grown child for a parent's card, whose consent
    is the factor that only the parent can give; the card centre; the institution that gave the card out by
    mistake, before anybody else has it; the register of persons."""

    HOLDER = "holder"
    GUARDIAN = "guardian"
    CARER = "carer"
    CENTRE = "centre"
    ISSUER = "issuer"
    MERGE = "merge"


ROLE_OF_RELATION = {
    "self": Role.HOLDER,
    "child": Role.GUARDIAN,
    "ward": Role.GUARDIAN,
    "parent": Role.CARER,
}

LOST, BY_HOLDER, BY_CENTRE, BY_MERGE = "lost", "holder", "centre", "merge:"
"The holds; a merge's ends with the merge's id, because a person may be in several."

_FAMILY = frozenset({Role.HOLDER, Role.GUARDIAN, Role.CARER})
_ISSUED = frozenset({Status.ACTIVE, Status.FROZEN, Status.LOST})
_HELD = _ISSUED - {Status.ACTIVE}


@dataclass(frozen=True)
class Rule:
    """One line of the table.  `needs_factor`: a PIN, or a code sent to the card's own phone just now."""

    action: Action
    roles: frozenset[Role]
    statuses: frozenset[Status]
    event: str
    needs_factor: bool = False


TABLE = (
    Rule(Action.REPORT_LOST, _FAMILY, frozenset({Status.ACTIVE, Status.FROZEN}), "card.lost"),
    Rule(Action.FREEZE, _FAMILY, frozenset({Status.ACTIVE}), "card.frozen"),
    Rule(Action.REACTIVATE, _FAMILY, _HELD, "card.reactivated", needs_factor=True),
    Rule(Action.REISSUE, _FAMILY, _ISSUED, "card.reissued", needs_factor=True),
    Rule(Action.CANCEL, _FAMILY - {Role.CARER}, _ISSUED, "card.cancelled", needs_factor=True),
    Rule(Action.FREEZE, frozenset({Role.CENTRE, Role.MERGE}), _ISSUED, "card.frozen"),
    Rule(Action.REACTIVATE, frozenset({Role.CENTRE, Role.MERGE}), _HELD, "card.reactivated"),
    Rule(Action.CANCEL, frozenset({Role.CENTRE}), _ISSUED, "card.cancelled"),
    Rule(Action.CANCEL, frozenset({Role.ISSUER}), frozenset({Status.ACTIVE}), "card.cancelled"),
)


@dataclass(frozen=True)
class State:
    status: Status
    holds: frozenset[str] = frozenset()


def state_of(card: Card) -> State:
    return State(card.status, card.holds)


@dataclass(frozen=True)
class Outcome:
    """What a legal transition leads to; `event` is None when only one of several causes went away."""

    state: State
    event: str | None
    needs_factor: bool
    is_reissue: bool


def apply(state: State, action: Action, role: Role, merge_id: str = "") -> Outcome | None:
    """What the action leads to, or None when it is not legal: not in the table, or the card is held for a
    cause stronger than who asks (holder < centre < merge)."""
    rule = next(
        (r for r in TABLE if r.action is action and role in r.roles and state.status in r.statuses), None
    )
    holds = None if rule is None else _holds_after(state.holds, action, role, merge_id)
    if rule is None or holds is None:
        return None
    after = State(Status.CANCELLED if action is Action.CANCEL else status_of(holds), holds)
    untold = action is Action.REACTIVATE and after.status is not Status.ACTIVE
    return Outcome(after, None if untold else rule.event, rule.needs_factor, action is Action.REISSUE)


def may(state: State, role: Role) -> tuple[Action, ...]:
    """What is legal now for this role, in the order of the actions."""
    return tuple(action for action in Action if apply(state, action, role) is not None)


def status_of(holds: frozenset[str]) -> Status:
    """A stop by the centre or a merge shows before the holder's own: it is not theirs to lift."""
    if not holds:
        return Status.ACTIVE
    return Status.LOST if LOST in holds and not _stronger_than_holder(holds) else Status.FROZEN


def frozen_because(holds: frozenset[str]) -> str | None:
    """The strongest cause a frozen card is held for: "merge:<id>", "centre" or "holder"."""
    merges = sorted(hold for hold in holds if hold.startswith(BY_MERGE))
    if merges:
        return merges[0]
    return BY_CENTRE if BY_CENTRE in holds else BY_HOLDER if BY_HOLDER in holds else None


def merges_of(holds: frozenset[str]) -> list[str]:
    """The ids of the merges a card is held for."""
    return sorted(hold.removeprefix(BY_MERGE) for hold in _merges(holds))


def _holds_after(holds: frozenset[str], action: Action, role: Role, merge_id: str) -> frozenset[str] | None:
    if action in (Action.FREEZE, Action.REPORT_LOST):
        hold = LOST if action is Action.REPORT_LOST else _hold_of(role, merge_id)
        return None if hold in holds else holds | {hold}
    if role is Role.MERGE:
        return holds - {_hold_of(role, merge_id)} if _hold_of(role, merge_id) in holds else None
    if role is Role.CENTRE and action is Action.REACTIVATE and BY_CENTRE in holds:
        return holds - {BY_CENTRE}
    stronger = _merges(holds) if role is Role.CENTRE else _stronger_than_holder(holds)
    return None if stronger else frozenset()


def _hold_of(role: Role, merge_id: str) -> str:
    return {Role.CENTRE: BY_CENTRE, Role.MERGE: BY_MERGE + merge_id}.get(role, BY_HOLDER)


def _merges(holds: frozenset[str]) -> frozenset[str]:
    return frozenset(hold for hold in holds if hold.startswith(BY_MERGE))


def _stronger_than_holder(holds: frozenset[str]) -> frozenset[str]:
    return holds - {LOST, BY_HOLDER}
