"""The person index in bulk: our comparisons against Splink's own, on the same rows and the same blocking."""

import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from server.identity import bulk, bulk_defaults, training
from server.identity.weights import shipped_weights
from tests.bench.persons import write_rows

# Not a seed the shipped weights were trained on.
SEED = 20_261_122
MAX_RATIO = 1.2


def measure_matching(rows: int, rounds: int) -> dict[str, Any]:
    """Time ratio (medians of rounds in turn) and F1 of both; Splink's at its best threshold."""
    print(f"person index in bulk, {rows} rows against Splink's defaults ", end="", flush=True)
    with tempfile.TemporaryDirectory(prefix="ehc-bench-") as folder:
        path = Path(folder, "rows.csv")
        write_rows(path, rows, SEED)
        database = bulk.open_database()
        prepare_s = _seconds(lambda: bulk.load(database, path, lambda _stage, _share: None))
    weights = shipped_weights()
    # Each round makes both linkers anew: Splink keeps the blocked pairs of one it has.
    model = bulk_defaults.trained_defaults(database).misc.save_model_to_json()
    ours_s, theirs_s = [], []
    for _ in range(rounds):
        ours_s.append(_seconds(lambda: _drop(database, bulk.compare_pairs(database, weights, None))))
        theirs_s.append(_seconds(lambda: _drop(database, bulk.pairs_of(bulk.linker_of(database, model)))))
        print(".", end="", flush=True)
    ratio = statistics.median(ours / theirs for ours, theirs in zip(ours_s, theirs_s, strict=True))
    true = bulk.true_pairs(database)
    found = bulk.patterns(database, bulk.compare_pairs(database, weights, None), labelled=True)
    same, review = training.moved_thresholds(weights, bulk.persons(database, labelled=True))
    ours = training.quality(
        found, true, lambda pattern: training.outcome_of(pattern, weights, same, review) == "same"
    )
    theirs = bulk_defaults.qualities(database, bulk.pairs_of(bulk.linker_of(database, model)), true)[
        "best threshold"
    ]
    print(f" {ratio:.2f} × of its time (at most {MAX_RATIO})")
    print(f"    rows read and prepared in {prepare_s:.1f} s; {sum(p.pairs for p in found)} pairs compared")
    for name, quality, taken_s in (
        ("ours, merged automatically", ours, ours_s),
        ("Splink defaults, best", theirs, theirs_s),
    ):
        print(
            f"    {name:28} {statistics.median(taken_s):6.1f} s   precision {quality.precision:.5f}"
            f"   recall {quality.recall:.4f}   F1 {quality.f1:.4f}"
        )
    return {
        "name": "person index in bulk",
        "baseline": "Splink defaults",
        "rows": rows,
        "n": rounds,
        "time_ratio": round(ratio, 3),
        "prepare_s": round(prepare_s, 2),
        "ours_s": round(statistics.median(ours_s), 2),
        "baseline_s": round(statistics.median(theirs_s), 2),
        "precision": round(ours.precision, 5),
        "f1": round(ours.f1, 4),
        "baseline_f1": round(theirs.f1, 4),
        "met": ratio <= MAX_RATIO and ours.f1 >= theirs.f1,
    }


def _drop(database: bulk.Database, table: str) -> None:
    database.execute(f"DROP TABLE {table}")


def _seconds(work: Callable[[], object]) -> float:
    begun = perf_counter()
    work()
    return perf_counter() - begun
