"""What a merge is."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from server.core.audit import Actor


class MergeState(StrEnum):
    """proposed → done | refused; done → reversal_proposed → reversed | done.  A merge by rule begins done."""

    PROPOSED = "proposed"
    REFUSED = "refused"
    DONE = "done"
    REVERSAL_PROPOSED = "reversal_proposed"
    REVERSED = "reversed"


OPEN = frozenset({MergeState.PROPOSED, MergeState.DONE, MergeState.REVERSAL_PROPOSED})
PERSON_IS_MERGED = frozenset({MergeState.DONE, MergeState.REVERSAL_PROPOSED})


@dataclass(frozen=True)
class Step:
    """What somebody did with the merge: propose, approve, refuse, reverse …, and why."""

    what: str
    by: Actor
    at: datetime
    reason: str


@dataclass(frozen=True)
class Merge:
    """Two indexes found to be of one human being: `absorbed_id` points to `survivor_id` from then on.

    `because` explains a merge that a rule made; it holds no personal value."""

    merge_id: str
    absorbed_id: str
    survivor_id: str
    state: MergeState
    steps: tuple[Step, ...]
    because: dict[str, Any]

    def made_by(self, what: str) -> Actor | None:
        """Who did this step last."""
        return next((step.by for step in reversed(self.steps) if step.what == what), None)

    @property
    def event(self) -> dict[str, str]:
        """The data of person.merged and person.unmerged."""
        return {
            "merge_id": self.merge_id,
            "absorbed_id": self.absorbed_id,
            "survivor_id": self.survivor_id,
        }
