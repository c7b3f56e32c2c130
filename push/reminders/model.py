"""What a reminder is, and when one is no use any more."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import Field

from server.core.policies import Policy

Hours = Annotated[int, Field(ge=1, le=168)]


class ReminderPolicy(Policy):
    """`hours_before`: how long before a visit its patient is reminded; an institution may have others.
    `hold_minutes`: how long before a held place goes back.  `medication_late_minutes`: a dose that could not
    be told of for longer is not told of any more."""

    NAME: ClassVar[str] = "reminders"
    SENTENCE: ClassVar[str] = "when patients are reminded of visits, held places and medicine"

    hours_before: Annotated[list[Hours], Field(max_length=5)] = [24, 2]
    of_institutions: dict[str, Annotated[list[Hours], Field(max_length=5)]] = {}
    hold_minutes: Annotated[int, Field(ge=1, le=60)] = 5
    medication_late_minutes: Annotated[int, Field(ge=5, le=720)] = 60

    def hours_of(self, institution_id: str) -> list[int]:
        """The longest first."""
        chosen = self.of_institutions.get(institution_id, self.hours_before)
        return sorted(set(chosen), reverse=True)


@dataclass(frozen=True)
class Reminder:
    """`subject` is what it is about (an appointment, a plan); `made_by` the event that planned it: a later
    event of the subject ends what an earlier one planned.  After `stale_at` it is not sent any more.  `data`
    holds ids and the hospital's words, nothing personal."""

    reminder_id: str
    subject: str
    made_by: str
    kind: str
    card_id: str
    due_at: datetime
    stale_at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)
    attempts: int = 0
    claim: str = ""
