"""Matching by the million with Splink on DuckDB, by the levels and rules of single records (I5, I6)."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from server.identity.bulk_levels import BLOCKING, gamma, ordered
from server.identity.bulk_tables import BadRows, load_rows, prepare
from server.identity.levels import FIELDS, MISSING
from server.identity.training import Pattern
from server.identity.weights import Weights

if TYPE_CHECKING:
    import duckdb
    from splink import Linker

__all__ = ["BadRows", "BulkMissing", "Database", "compare_pairs", "load", "open_database", "patterns"]

Database: TypeAlias = "duckdb.DuckDBPyConnection"
Progress = Callable[[str, float], None]


class BulkMissing(Exception):
    """Splink is not installed."""


def open_database() -> Database:
    """A DuckDB in memory; BulkMissing when the extra is not installed."""
    try:
        import duckdb
        import splink  # noqa: F401
    except ImportError:
        raise BulkMissing(
            'bulk matching needs Splink and DuckDB: install the extra, pip install "ehealth-card[bulk]"'
        ) from None
    database = duckdb.connect()
    database.execute("SET enable_progress_bar = false")
    return database


def load(database: Database, path: Path, progress: Progress) -> bool:
    """Reads and prepares the rows; True when they say who each truly is.  BadRows for a bad file."""
    progress("reading rows", 0.0)
    labelled = load_rows(database, path)
    prepare(database, lambda share: progress("preparing rows", share))
    return labelled


def compare_pairs(database: Database, weights: Weights, least_bits: float | None) -> str:
    """The table of compared pairs (row_id_l, row_id_r, match_weight, gamma_…); those lighter than
    `least_bits` are left out."""
    import splink.comparison_level_library as library
    from splink.comparison_library import CustomComparison

    comparisons: list[Any] = []
    for field in FIELDS:
        asked: list[Any] = []
        for level, condition in ordered(field):
            rung: Any = library.ElseLevel() if condition is None else library.CustomLevel(condition, level)
            if level == MISSING:
                rung = rung.configure(is_null_level=True)
            else:
                # Splink weighs a level by log2(m/u): any m and u with the fitted ratio say the same.
                ratio = 2 ** weights.bits(field, level)
                rung = rung.configure(m_probability=min(ratio, 1.0), u_probability=min(1 / ratio, 1.0))
            asked.append(rung)
        comparisons.append(CustomComparison(asked, output_column_name=field))
    made = linker(database, comparisons, 1 / (1 + 2**-weights.prior_bits))
    return pairs_of(made, least_bits)


def linker(database: Database, comparisons: list[Any], prior: float) -> "Linker":
    """Splink over the table `traits`, blocked as single records are."""
    from splink import SettingsCreator, block_on

    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="row_id",
        probability_two_random_records_match=prior,
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=[block_on(*columns) for columns in BLOCKING],
        retain_intermediate_calculation_columns=True,
    )
    return linker_of(database, settings)


def linker_of(database: Database, settings: Any) -> "Linker":
    """Splink over the table `traits` with these settings, or those of a saved model."""
    from splink import DuckDBAPI, Linker

    logging.getLogger("splink").setLevel(logging.ERROR)
    backend = DuckDBAPI(connection=database)
    return Linker(backend.register("traits"), settings, log_level=logging.ERROR)


def pairs_of(made: "Linker", least_bits: float | None = None) -> str:
    compared = made.inference.predict(threshold_match_weight=least_bits, warning_mode="never")
    return str(compared.physical_name)


def patterns(database: Database, pairs: str, *, labelled: bool) -> list[Pattern]:
    """The compared pairs, counted by how they agree, with how many of them are one person.

    Rows that nobody has labelled label themselves: two whole numbers of a document say whether two rows are
    one person.  Pairs that lack one are left out then, and the field "documents" says nothing.
    """
    columns = ", ".join(f"gamma_{field}" for field in FIELDS)
    names = {field: {gamma(field, level): level for level, _ in ordered(field)} for field in FIELDS}
    label, known = ("person", "true") if labelled else ("proof", "one.proof || other.proof IS NOT NULL")
    rows = database.execute(
        f"SELECT {columns}, count(*), count(*) FILTER (one.{label} = other.{label}) FROM {pairs} "
        "JOIN traits AS one ON one.row_id = row_id_l JOIN traits AS other ON other.row_id = row_id_r "
        f"WHERE {known} GROUP BY {columns}"
    ).fetchall()
    found = []
    for *numbers, count, matches in rows:
        levels = {field: names[field][number] for field, number in zip(FIELDS, numbers, strict=True)}
        found.append(Pattern(levels if labelled else {**levels, "documents": MISSING}, count, matches))
    return found


def row_count(database: Database) -> int:
    return _number(database, "SELECT count(*) FROM traits")


def persons(database: Database, *, labelled: bool) -> int:
    """How many persons the rows are of, as far as labels or documents tell."""
    label = "person" if labelled else "coalesce(proof, row_id)"
    return _number(database, f"SELECT count(DISTINCT {label}) FROM traits")


def true_pairs(database: Database) -> int:
    """How many pairs of labelled rows are of one person, compared or not."""
    return _number(
        database,
        "SELECT sum(n * (n - 1) // 2) FROM (SELECT count(*) AS n FROM traits GROUP BY person)",
    )


def _number(database: Database, question: str) -> int:
    return int(database.execute(question).fetchall()[0][0] or 0)
