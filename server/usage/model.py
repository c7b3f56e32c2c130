"""What a use is that a hospital saw itself, and what becomes of each row of a batch."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Literal

from pydantic import Field

from server.core.errors import EhcError, InvalidInput
from server.core.policies import Policy

Outcome = Literal["accepted", "duplicate", "refused"]
MAX_BATCH = 500
AHEAD = timedelta(seconds=300)  # how far a hospital's clock may be before ours
FIRST_CARDS = datetime(2017, 1, 1, tzinfo=UTC)  # no electronic health card is older


class UsageReporting(Policy):
    NAME: ClassVar[str] = "usage_reporting"
    SENTENCE: ClassVar[str] = "When a use counts as told late, and what the next level is told of the person"

    late_after_hours: int = Field(24, ge=1, le=720, description="a use told later than this is marked late")
    names_persons: bool = Field(
        False, description="true: the next level gets our ids of person and card; false: keyed ones"
    )

    @property
    def late_after(self) -> timedelta:
        return timedelta(hours=self.late_after_hours)


@dataclass(frozen=True)
class ReportedUse:
    """One use as the institution tells it.  `event_id` is the institution's own name of it.

    Exactly one of `card_id`, `code` (the text that was read while we could not be asked), `patient_no` and
    `person_id` says whose card it was.  `step`, `channel`, `cost_type` are in the institution's codes.
    Direct: a code was shown.  Indirect 间接用卡: the card was found by a number, and no code was shown.
    """

    event_id: str
    step: str
    channel: str
    is_direct: bool
    used_at: datetime
    card_id: str | None = None
    code: str | None = None
    patient_no: str | None = None
    person_id: str | None = None
    department: str | None = None
    cost_type: str | None = None

    def require_told(self, now: datetime) -> None:
        """InvalidInput `usage.subject_unclear`, `usage.impossible_time`."""
        named = (self.card_id, self.code, self.patient_no, self.person_id)
        if sum(one is not None for one in named) != 1:
            raise InvalidInput("usage.subject_unclear", "name the card in exactly one way")
        if not FIRST_CARDS <= self.used_at <= now + AHEAD:
            raise InvalidInput("usage.impossible_time", "a use cannot have been then")


@dataclass(frozen=True)
class Receipt:
    """What became of one row.  `refusal` says why it is not kept; a duplicate was kept before."""

    event_id: str
    is_duplicate: bool = False
    is_late: bool = False
    refusal: EhcError | None = None

    @property
    def outcome(self) -> Outcome:
        if self.refusal is not None:
            return "refused"
        return "duplicate" if self.is_duplicate else "accepted"


@dataclass(frozen=True)
class UsedCard:
    """Whose card a use was."""

    card_id: str
    person_id: str
