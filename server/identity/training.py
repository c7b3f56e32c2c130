"""Weights from labelled pairs, and how good they are (I5).

Pairs that agree alike in every field are counted together: a million pairs are a few thousand patterns.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from server.identity.levels import FIELDS, LEVELS, MISSING
from server.identity.matching import MatchingPolicy, Outcome, at_most
from server.identity.weights import Level, Weights

# The share of wrong pairs among automatic merges that training aims at; the promise is one in a thousand.
WRONG_MERGES = 0.0005
# A pair waits for a human while one in so many of its kind is one person.
WORTH_A_LOOK = 1 / 50
# How firmly a fitted weight is held at the counted one, in pairs: rare levels keep what was counted.
HOLD = 2.0
STEPS = 30


@dataclass(frozen=True)
class Pattern:
    """Pairs that agree alike in every field: how many there are, and how many of them are one person."""

    levels: Mapping[str, str]
    pairs: int
    matches: int


@dataclass(frozen=True)
class Quality:
    """Of pairs of rows: found by the engine, right among them, and there in truth."""

    found: int
    right: int
    true: int

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.true if self.true else 1.0

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def flat_weights() -> Weights:
    """Weights that say nothing: to compare rows before there are any."""
    flat = {field: {level: Level(0.0, 0.5, 0.5) for level in of_field} for field, of_field in LEVELS.items()}
    return Weights(0, 1, 0.0, 0.0, 0.0, flat, {})


def train(found: Iterable[Pattern], population: int, version: int, origin: Mapping[str, Any]) -> Weights:
    """Weights of labelled pairs.

    Fellegi and Sunter count how often each level is seen among pairs of one person (m) and of two (u), and
    weigh it log2(m/u) as if fields were independent.  In families they are not: phone, address, surname and
    guardian come together.  So the counted weights are where a logistic regression starts from and is held
    at; it stays a sum of one weight for each field.
    """
    found = [pattern for pattern in found if at_most(pattern.levels)[0] != "new"]
    m = {field: _shares(found, field, lambda pattern: pattern.matches) for field in FIELDS}
    u = {field: _shares(found, field, lambda pattern: pattern.pairs - pattern.matches) for field in FIELDS}
    names = [(field, level) for field in FIELDS for level in LEVELS[field]]
    counted = [math.log(m[field][level] / u[field][level]) for field, level in names]
    matches, pairs = sum(p.matches for p in found), sum(p.pairs for p in found)
    prior = math.log((matches + 1) / (pairs - matches + 1))
    fitted = _fit(found, names, [prior, *counted])
    bits = dict(zip(names, (value / math.log(2) for value in fitted[1:]), strict=True))
    for field, level in names:
        # Where a level is rare, chance and blocking may put it above full agreement: nobody would understand.
        bits[field, level] = min(bits[field, level], bits[field, "same"])
    table = {
        field: {
            level: Level(round(bits[field, level], 3), m[field][level], u[field][level])
            for level in LEVELS[field]
        }
        for field in FIELDS
    }
    weights = Weights(version, population, round(fitted[0] / math.log(2), 3), 0.0, 0.0, table, origin)
    same = _same_threshold(found, weights)
    review = min(same, _review_threshold(found, weights))
    return Weights(version, population, weights.prior_bits, same, review, table, origin)


def _shares(found: Iterable[Pattern], field: str, count: Callable[[Pattern], int]) -> dict[str, float]:
    # Half a pair more for each level: what was never seen is rare, not impossible.
    seen = dict.fromkeys(LEVELS[field], 0.5)
    for pattern in found:
        level = pattern.levels[field]
        if level != MISSING:
            seen[level] += count(pattern)
    total = sum(seen.values())
    return {level: round(number / total, 9) or 1e-9 for level, number in seen.items()}


def _fit(found: list[Pattern], names: list[tuple[str, str]], start: list[float]) -> list[float]:
    """Newton's method on the patterns; `start` and the answer are natural logarithms, the prior first."""
    place = {name: number for number, name in enumerate(names, 1)}
    rows = [
        (
            [0, *(place[field, level] for field, level in pattern.levels.items() if level != MISSING)],
            pattern.pairs,
            pattern.matches,
        )
        for pattern in found
    ]
    values = list(start)
    for _ in range(STEPS):
        slope = [HOLD * (begun - value) for begun, value in zip(start, values, strict=True)]
        curve = [[HOLD * (row == column) for column in range(len(values))] for row in range(len(values))]
        for seen, pairs, matches in rows:
            total = max(-35.0, min(35.0, sum(values[number] for number in seen)))
            chance = 1 / (1 + math.exp(-total))
            spread = pairs * chance * (1 - chance)
            for number in seen:
                slope[number] += matches - pairs * chance
                line = curve[number]
                for other in seen:
                    line[other] += spread
        step = _solve(curve, slope)
        largest = max(map(abs, step))
        values = [value + by * min(1.0, 3.0 / largest) for value, by in zip(values, step, strict=True)]
        if largest < 1e-6:
            break
    return values


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """x of matrix·x = right, by elimination; the matrix is positive definite."""
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for pivot, line in enumerate(rows):
        for other in rows[pivot + 1 :]:
            factor = other[pivot] / line[pivot]
            if factor:
                for column in range(pivot, len(line)):
                    other[column] -= factor * line[column]
    answer = [0.0] * len(rows)
    for pivot in range(len(rows) - 1, -1, -1):
        line = rows[pivot]
        known = sum(line[column] * answer[column] for column in range(pivot + 1, len(rows)))
        answer[pivot] = (line[-1] - known) / line[pivot]
    return answer


def with_documents_of(weights: Weights, other: Weights) -> Weights:
    """The weights with the other's for documents: what gave the labels could not be weighed."""
    return replace(weights, table={**weights.table, "documents": other.table["documents"]})


def _same_threshold(found: list[Pattern], weights: Weights) -> float:
    """The lowest weight above which wrong merges stay below their share."""
    automatic = [pattern for pattern in found if at_most(pattern.levels)[0] == "same"]
    automatic.sort(key=lambda pattern: -weights.total_bits(pattern.levels))
    pairs = wrong = 0
    lowest = math.inf
    for pattern in automatic:
        pairs += pattern.pairs
        wrong += pattern.pairs - pattern.matches
        if wrong <= pairs * WRONG_MERGES:
            lowest = weights.total_bits(pattern.levels)
    return math.floor(lowest * 100) / 100 if math.isfinite(lowest) else 100.0


def _review_threshold(found: list[Pattern], weights: Weights) -> float:
    """The lowest whole bit at which one pair in WORTH_A_LOOK is one person."""
    by_bit: dict[int, list[int]] = {}
    for pattern in found:
        if at_most(pattern.levels)[0] != "new":
            counted = by_bit.setdefault(math.floor(weights.total_bits(pattern.levels)), [0, 0])
            counted[0] += pattern.pairs
            counted[1] += pattern.matches
    lowest = 100
    for bit in sorted(by_bit, reverse=True):
        pairs, matches = by_bit[bit]
        if matches < pairs * WORTH_A_LOOK:
            break
        lowest = bit
    return float(lowest)


def moved_thresholds(weights: Weights, population: int) -> tuple[float, float]:
    """(same, review) for a register of another size."""
    return MatchingPolicy(population=population).thresholds(weights)


def outcome_of(pattern: Pattern, weights: Weights, same_from_bits: float, review_from_bits: float) -> Outcome:
    best, bits = at_most(pattern.levels)[0], weights.total_bits(pattern.levels)
    if best == "new" or (bits < review_from_bits and pattern.levels["documents"] != "same"):
        return "new"
    return "same" if best == "same" and bits >= same_from_bits else "review"


def quality(found: Iterable[Pattern], true: int, fits: Callable[[Pattern], bool]) -> Quality:
    fitting = [pattern for pattern in found if fits(pattern)]
    return Quality(sum(p.pairs for p in fitting), sum(p.matches for p in fitting), true)


def fits_rules_alone(pattern: Pattern) -> bool:
    """What a register without weights does: the same document, or name, birthday and one more."""
    level = pattern.levels
    if level["documents"] == "two_people":
        return False
    if level["documents"] == "same":
        return True
    return (
        level["name"] == level["born_on"] == "same"
        and level["gender"] != "different"
        and "same" in (level["phone"], level["address"])
    )
