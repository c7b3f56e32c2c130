"""Matching by the million with Splink on DuckDB, with the levels, weights and rules of single records (I5, I6)."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from server.identity.bulk_levels import BLOCKING, gamma, ordered
from server.identity.bulk_tables import load_rows, prepare
from server.identity.levels import FIELDS, MISSING
from server.identity.training import Pattern
from server.identity.weights import Weights

if TYPE_CHECKING:
    import duckdb

Progress = Callable[[str, float], None]


class BulkMissing(Exception):
    """Splink is not installed."""


def open_database() -> "duckdb.DuckDBPyConnection":
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


def load(database: "duckdb.DuckDBPyConnection", path: Path, progress: Progress) -> bool:
    """Reads and prepares the rows; True when they say who each truly is.  BadRows for a bad file."""
    progress("reading rows", 0.0)
    labelled = load_rows(database, path)
    prepare(database, lambda share: progress("preparing rows", share))
    return labelled


def compare_pairs(database: "duckdb.DuckDBPyConnection", weights: Weights, least_bits: float | None) -> str:
    """The table of compared pairs (row_id_l, row_id_r, match_weight, gamma_…); those lighter than
    `least_bits` are left out."""
    import splink.comparison_level_library as library
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on
    from splink.comparison_library import CustomComparison

    comparisons = []
    for field in FIELDS:
        asked = []
        for level, condition in ordered(field):
            rung = library.ElseLevel() if condition is None else library.CustomLevel(condition, level)
            if level == MISSING:
                rung = rung.configure(is_null_level=True)
            else:
                # Splink weighs a level by log2(m/u): any m and u with the fitted ratio say the same.
                ratio = 2 ** weights.bits(field, level)
                rung = rung.configure(m_probability=min(ratio, 1.0), u_probability=min(1 / ratio, 1.0))
            asked.append(rung)
        comparisons.append(CustomComparison(asked, output_column_name=field))
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="row_id",
        probability_two_random_records_match=1 / (1 + 2**-weights.prior_bits),
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=[block_on(*columns) for columns in BLOCKING],
        retain_intermediate_calculation_columns=True,
    )
    logging.getLogger("splink").setLevel(logging.ERROR)
    backend = DuckDBAPI(connection=database)
    linker = Linker(backend.register("traits"), settings, log_level=logging.ERROR)
    compared = linker.inference.predict(threshold_match_weight=least_bits, warning_mode="never")
    return str(compared.physical_name)


def patterns(database: "duckdb.DuckDBPyConnection", pairs: str) -> list[Pattern]:
    """The compared pairs of labelled rows, counted by how they agree."""
    columns = ", ".join(f"gamma_{field}" for field in FIELDS)
    names = {field: {gamma(field, level): level for level, _ in ordered(field)} for field in FIELDS}
    rows = database.execute(
        f"SELECT {columns}, count(*), count(*) FILTER (one.person = other.person) FROM {pairs} "
        "JOIN traits AS one ON one.row_id = row_id_l JOIN traits AS other ON other.row_id = row_id_r "
        f"GROUP BY {columns}"
    ).fetchall()
    return [
        Pattern(
            {field: names[field][number] for field, number in zip(FIELDS, row, strict=False)}, row[-2], row[-1]
        )
        for row in rows
    ]


def true_pairs(database: "duckdb.DuckDBPyConnection") -> int:
    row = database.execute(
        "SELECT sum(n * (n - 1) // 2) FROM (SELECT count(*) AS n FROM rows GROUP BY person)"
    ).fetchone()
    assert row is not None, "a sum has one row"
    return int(row[0])
