"""What a review is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from server.core.audit import Actor
from server.identity.model import Evidence, Origin, Particulars

Decision = Literal["same", "new", "refused"]


@dataclass(frozen=True)
class Candidate:
    """A person who may be meant, and why: `because` has each field's share and no personal value."""

    person_id: str
    because: Mapping[str, Any]


@dataclass(frozen=True)
class Applicant:
    """Somebody who is to be registered: what was said of him, who confirmed it, where he came from."""

    said: Particulars
    evidence: tuple[Evidence, ...]
    origin: Origin


@dataclass(frozen=True)
class Decided:
    """How a review ended.  `person_id` is who he is: the candidate, or the new person."""

    decision: Decision
    person_id: str | None
    by: Actor
    at: datetime
    reason: str


@dataclass(frozen=True)
class PersonReview:
    """A question to staff: which of the candidates is it, or nobody the index knows?

    It is asked about an applicant, or about somebody whom the index has already (`subject_id`).
    `new_person_id` is kept for the applicant, should he be new: a decision carried out twice makes one."""

    review_id: str
    subject_key: str
    applicant: Applicant | None
    subject_id: str | None
    new_person_id: str
    candidates: tuple[Candidate, ...]
    opened_at: datetime
    decided: Decided | None = None
