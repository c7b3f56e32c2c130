"""Whether two records are of one person: a weight, its explanation by field, and a decision (B1.6(3)).

Pure: the store finds candidates by exact documents and by `records.blocking_keys`, this decides.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field

from server.core.policies import Policy
from server.identity.levels import LEVELS, MISSING, levels
from server.identity.records import MatchRecord, Traits, blocking_keys, traits
from server.identity.weights import Weights, shipped_weights

__all__ = [
    "Comparison",
    "Decision",
    "Explanation",
    "MatchRecord",
    "MatchingPolicy",
    "blocking_keys",
    "compare",
    "decide",
    "traits",
]

Outcome = Literal["same", "review", "new"]


class MatchingPolicy(Policy):
    """Thresholds nobody has set are the trained ones, moved for the size of this register."""

    NAME: ClassVar[str] = "matching"
    SENTENCE: ClassVar[str] = "From which weight on a record joins a person by itself, or waits for a human."

    same_from_bits: float | None = None
    review_from_bits: float | None = None
    population: int = Field(default=1_000_000, ge=1, description="persons in this register")
    lead_bits: float = Field(default=10, ge=0, description="how far the best person must lead the next one")

    def thresholds(self, weights: Weights) -> tuple[float, float]:
        """(same, review) in bits.  Twice the people are twice the strangers who look alike: one bit more."""
        moved = math.log2(self.population / weights.population)
        same = weights.same_from_bits + moved if self.same_from_bits is None else self.same_from_bits
        review = weights.review_from_bits + moved if self.review_from_bits is None else self.review_from_bits
        return same, min(same, review)


@dataclass(frozen=True)
class Explanation:
    """One field's part in a decision.  The sentence says how the values agree, never the values."""

    field: str
    level: str
    weight_bits: float
    sentence: str


@dataclass(frozen=True)
class Comparison:
    """`at_most` is the best outcome the rules allow, whatever the weight; `rule` says which one and why."""

    weight_bits: float
    explanations: tuple[Explanation, ...]
    at_most: Outcome = "same"
    rule: str | None = None

    @property
    def shares_proof(self) -> bool:
        """Then a human looks at it at the least: somebody has the other's document, or is the other."""
        return any(one.field == "documents" and one.level == "same" for one in self.explanations)


@dataclass(frozen=True)
class Decision:
    """`person_id` when the outcome is "same"; `candidates`: whom a human should look at, best first."""

    outcome: Outcome
    person_id: str | None
    candidates: tuple[str, ...]
    sentence: str


NAME_AGREES = ("same", "variant", "homophone", "near_homophone")
# A weight is a sum of evidence and may be large for twins or for a child who was given its parent's number:
# what no sum may decide alone.  Each row: best outcome, sentence, and the levels it speaks of.
RULES: tuple[tuple[Outcome, str, Mapping[str, tuple[str, ...]]], ...] = (
    ("new", "two whole numbers of one person's life are two people", {"documents": ("two_people",)}),
    (
        "review",
        "the same document under another name may be somebody else's document",
        {"documents": ("same",), "name": ("part", "different")},
    ),
    (
        "review",
        "without a document in common, another name may be a twin's, a brother's or a parent's",
        {
            "documents": (MISSING, "slip", "shared_card", "other_number", "nothing_shared"),
            "name": ("placeholder", "slip", "part", "different", MISSING),
        },
    ),
    (
        "review",
        "without a document in common, another sex may be a twin's",
        {
            "documents": (MISSING, "slip", "shared_card", "other_number", "nothing_shared"),
            "gender": ("different",),
        },
    ),
    (
        "review",
        "two numbers of one kind of document are one person's only when it was replaced",
        {"documents": ("other_number",)},
    ),
)


def at_most(found: Mapping[str, str]) -> tuple[Outcome, str | None]:
    """The best outcome the rules allow for these levels, and the sentence of the rule."""
    for outcome, sentence, condition in RULES:
        if all(found[field] in named for field, named in condition.items()):
            return outcome, sentence
    return "same", None


def compare(
    record: MatchRecord | Traits, person: MatchRecord | Traits, weights: Weights | None = None
) -> Comparison:
    """How much speaks for one person.  A caller with many candidates hands `traits` in, made once."""
    weights = weights or shipped_weights()
    found = levels(
        record if isinstance(record, Traits) else traits(record),
        person if isinstance(person, Traits) else traits(person),
    )
    explanations = tuple(
        Explanation(
            field,
            level,
            round(weights.bits(field, level), 2),
            "one of the records does not say" if level == MISSING else LEVELS[field][level],
        )
        for field, level in found.items()
    )
    return Comparison(round(weights.total_bits(found), 2), explanations, *at_most(found))


def decide(
    comparisons: Mapping[str, Comparison],
    policy: MatchingPolicy | None = None,
    weights: Weights | None = None,
) -> Decision:
    """What becomes of a record, given its comparison with each candidate person (by person_id)."""
    same_from, review_from = (policy or MatchingPolicy()).thresholds(weights or shipped_weights())
    lead = (policy or MatchingPolicy()).lead_bits
    fitting = sorted(
        (
            (comparison.weight_bits, person_id)
            for person_id, comparison in comparisons.items()
            if comparison.at_most != "new"
            and (comparison.weight_bits >= review_from or comparison.shares_proof)
        ),
        reverse=True,
    )
    candidates = tuple(person_id for _, person_id in fitting)
    if not fitting:
        return Decision("new", None, (), "nobody in the index is likely to be this person")
    best_weight, best = fitting[0]
    rule = comparisons[best].rule
    if rule is not None:
        return Decision("review", None, candidates, rule)
    if best_weight < same_from:
        return Decision("review", None, candidates, "it may be this person; the record says too little")
    if len(fitting) > 1 and fitting[1][0] > best_weight - lead:
        return Decision("review", None, candidates, "the record fits two persons")
    return Decision("same", best, candidates, "the record is this person's")
