"""The weights of the matching engine: a Fellegi–Sunter weight for each level, with a version (I5)."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from server.identity.levels import LEVELS, MISSING


class BadWeights(ValueError):
    """These are no weights; the text says what is missing."""


@dataclass(frozen=True)
class Level:
    """`bits`: what seeing this level weighs.  `m` and `u`: how often records of one person and of two showed
    it, among the pairs that blocking brought together; kept for readers."""

    bits: float
    m: float
    u: float


@dataclass(frozen=True)
class Weights:
    """A pair's bits and `prior_bits` add up to log2 of the odds that it is one person, in a register of
    `population` persons.  From `same_from_bits` on it may be decided without a human."""

    version: int
    population: int
    prior_bits: float
    same_from_bits: float
    review_from_bits: float
    table: Mapping[str, Mapping[str, Level]]
    origin: Mapping[str, Any]

    def bits(self, field: str, level: str) -> float:
        return 0.0 if level == MISSING else self.table[field][level].bits

    def total_bits(self, levels: Mapping[str, str]) -> float:
        return self.prior_bits + sum(self.bits(field, level) for field, level in levels.items())

    def as_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "population": self.population,
            "prior_bits": self.prior_bits,
            "thresholds_bits": {"same": self.same_from_bits, "review": self.review_from_bits},
            "levels": {
                field: {
                    level: {"bits": entry.bits, "m": round(entry.m, 6), "u": round(entry.u, 6)}
                    for level, entry in entries.items()
                }
                for field, entries in self.table.items()
            },
            "origin": dict(self.origin),
        }


def read_weights(content: Mapping[str, Any]) -> Weights:
    """The weights of a JSON object as `as_json` writes it; BadWeights otherwise."""
    try:
        table = {
            field: {level: _level(content["levels"][field][level]) for level in of_field}
            for field, of_field in LEVELS.items()
        }
        weights = Weights(
            int(content["version"]),
            int(content["population"]),
            _finite(content["prior_bits"]),
            _finite(content["thresholds_bits"]["same"]),
            _finite(content["thresholds_bits"]["review"]),
            table,
            content.get("origin", {}),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadWeights(f"these are no weights: {error}") from None
    if weights.population < 1 or weights.review_from_bits > weights.same_from_bits:
        raise BadWeights("these are no weights: population or thresholds")
    return weights


def _level(entry: Mapping[str, Any]) -> Level:
    return Level(_finite(entry["bits"]), float(entry["m"]), float(entry["u"]))


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("a weight is a number")
    return number


@cache
def shipped_weights() -> Weights:
    """The trained weights that come with the platform; a newer version may stand in the database."""
    text = resources.files("server.identity").joinpath("weights.json").read_text("utf-8")
    return read_weights(json.loads(text))
