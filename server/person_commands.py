"""`ehc persons train|evaluate`: the weights of the matching engine, made and judged on files of rows."""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from server.identity import bulk, bulk_defaults, training
from server.identity.training import Pattern, Quality
from server.identity.weights import BadWeights, Weights, read_weights, shipped_weights

BAR = 24
OUTCOMES = {
    "ours, merged automatically": frozenset({"same"}),
    "ours, merged or for review": frozenset({"same", "review"}),
}


class Progress:
    """A bar on stderr for what takes longer than a moment: the stage and its share, on one line."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()
        self._stage = ""

    def __call__(self, stage: str, share: float) -> None:
        if not self._is_shown:
            if stage != self._stage:
                print(f"{stage} …", file=sys.stderr, flush=True)
        else:
            filled = round(BAR * share)
            bar = "█" * filled + "·" * (BAR - filled)
            print(f"\r\033[K{bar} {share:4.0%}  {stage}", end="", file=sys.stderr, flush=True)
        self._stage = stage

    def done(self) -> None:
        if self._is_shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def persons(arguments: argparse.Namespace) -> int:
    progress = Progress()
    database = bulk.open_database()
    try:
        labelled = bulk.load(database, Path(arguments.rows), progress)
        if arguments.action == "train":
            weights = train(database, labelled, arguments, progress)
            Path(arguments.out).write_text(as_text(weights), "utf-8")
            progress.done()
            print(f"written to {arguments.out}: weights version {weights.version}")
            return 0
        if not labelled:
            raise bulk.BadRows(
                f"{arguments.rows} has no column person: without the truth nothing can be judged"
            )
        weights = weights_of(Path(arguments.weights)) if arguments.weights else shipped_weights()
        found = evaluate(database, weights, progress, with_defaults=not arguments.without_defaults)
        progress.done()
        for line in report(found):
            print(line)
        if arguments.record:
            if not arguments.weights:
                raise BadWeights("--record writes into the file that --weights names: name it")
            kept = judged_on(weights, found, bulk.row_count(database), arguments.note)
            Path(arguments.weights).write_text(as_text(kept), "utf-8")
        return 0
    finally:
        database.close()


def train(
    database: bulk.Database, labelled: bool, arguments: argparse.Namespace, progress: Progress
) -> Weights:
    """Weights from the rows of the database, in a new version when there is one to follow."""
    progress("comparing pairs", 0.0)
    pairs = bulk.compare_pairs(database, training.flat_weights(), None)
    progress("fitting weights", 0.0)
    found = bulk.patterns(database, pairs, labelled=labelled)
    if not any(pattern.matches for pattern in found):
        raise bulk.BadRows("no two rows are one person's as far as can be told: nothing to learn from")
    origin = {
        "rows": bulk.row_count(database),
        "labels": "column person" if labelled else "whole document numbers",
        "pairs": sum(pattern.pairs for pattern in found),
        "matches": sum(pattern.matches for pattern in found),
        **({"note": arguments.note} if arguments.note else {}),
    }
    population = bulk.persons(database, labelled=labelled)
    weights = training.train(found, population, arguments.version, origin)
    return weights if labelled else training.with_documents_of(weights, shipped_weights())


def evaluate(
    database: bulk.Database, weights: Weights, progress: Progress, *, with_defaults: bool
) -> dict[str, Quality]:
    """Name → quality: the rules alone, our weights, and Splink as it comes."""
    true = bulk.true_pairs(database)
    progress("comparing pairs", 0.0)
    found = bulk.patterns(database, bulk.compare_pairs(database, weights, None), labelled=True)
    same, review = training.moved_thresholds(weights, bulk.persons(database, labelled=True))
    judged: dict[str, Quality] = {"rules alone": training.quality(found, true, training.fits_rules_alone)}
    for name, outcomes in OUTCOMES.items():
        judged[name] = training.quality(found, true, partial(_has_outcome, outcomes, weights, same, review))
    judged["blocking alone"] = training.quality(found, true, lambda _: True)
    if with_defaults:
        progress("training Splink's defaults", 0.3)
        made = bulk_defaults.trained_defaults(database)
        progress("comparing pairs with Splink's defaults", 0.7)
        defaults = bulk_defaults.qualities(database, bulk.pairs_of(made), true)
        judged |= {f"Splink defaults, {name}": quality for name, quality in defaults.items()}
    return judged


def judged_on(weights: Weights, found: Mapping[str, Quality], rows: int, note: str | None) -> Weights:
    """The weights with these figures beside them."""
    figures = {
        name: {"precision": round(q.precision, 5), "recall": round(q.recall, 4), "f1": round(q.f1, 4)}
        for name, q in found.items()
    }
    judged = {"rows": rows, **({"note": note} if note else {}), "figures": figures}
    return replace(weights, origin={**weights.origin, "judged_on": judged})


def _has_outcome(
    outcomes: frozenset[str], weights: Weights, same: float, review: float, pattern: Pattern
) -> bool:
    return training.outcome_of(pattern, weights, same, review) in outcomes


def report(judged: Mapping[str, Quality]) -> list[str]:
    lines = [f"{'':36} {'pairs':>10} {'precision':>10} {'recall':>8} {'F1':>8}"]
    lines += [
        f"{name:36} {quality.found:>10} {quality.precision:>10.5f} {quality.recall:>8.4f} {quality.f1:>8.4f}"
        for name, quality in judged.items()
    ]
    return lines


def weights_of(path: Path) -> Weights:
    try:
        return read_weights(json.loads(path.read_text("utf-8")))
    except (OSError, json.JSONDecodeError) as error:
        raise BadWeights(f"{path} cannot be read as weights: {error}") from None


def as_text(weights: Weights) -> str:
    return json.dumps(weights.as_json(), indent=1, ensure_ascii=False) + "\n"


FORESEEN = (bulk.BulkMissing, bulk.BadRows, BadWeights)
