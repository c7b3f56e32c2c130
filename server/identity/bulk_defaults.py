"""Splink as it comes: its ready-made comparisons, on the same rows and blocking, to compare with (I5)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from server.identity.bulk import linker
from server.identity.training import Quality

if TYPE_CHECKING:
    import duckdb
    from splink import Linker

RANDOM_PAIRS = 2_000_000
SEED = 1
# Of all pairs of rows of one person, so many share a document: what Splink asks its user to guess.
GUESSED_RECALL = 0.5


def trained_defaults(database: "duckdb.DuckDBPyConnection") -> "Linker":
    """Splink's library comparisons, trained as its documentation says: u by random pairs, m by expectation
    maximisation, once for each of two blockings."""
    import splink.comparison_library as library
    from splink import block_on

    comparisons = [
        library.NameComparison("written_name"),
        library.ExactMatch("gender"),
        library.DateOfBirthComparison("born_day", input_is_string=False),
        library.LevenshteinAtThresholds("phone"),
        library.JaroWinklerAtThresholds("written_address"),
        library.ExactMatch("guardian_sound"),
        library.ExactMatch("number"),
    ]
    made = linker(database, comparisons, 0.0001)
    made.training.estimate_probability_two_random_records_match([block_on("number")], recall=GUESSED_RECALL)
    made.training.estimate_u_using_random_sampling(max_pairs=RANDOM_PAIRS, seed=SEED)
    made.training.estimate_parameters_using_expectation_maximisation(block_on("near_sound", "birth_year"))
    made.training.estimate_parameters_using_expectation_maximisation(block_on("contact"))
    return made


def qualities(database: "duckdb.DuckDBPyConnection", pairs: str, true: int) -> Mapping[str, Quality]:
    """At the probabilities its users take, and at its best threshold, found with the labels."""
    rows = database.execute(
        "SELECT floor(match_weight * 10) / 10 AS bits, count(*), count(*) FILTER (one.person = other.person) "
        f"FROM {pairs} JOIN traits AS one ON one.row_id = row_id_l "
        "JOIN traits AS other ON other.row_id = row_id_r GROUP BY bits ORDER BY bits DESC"
    ).fetchall()
    found = right = 0
    by_bits: list[tuple[float, Quality]] = []
    for bits, count, matches in rows:
        found, right = found + count, right + matches
        by_bits.append((bits, Quality(found, right, true)))
    none = Quality(0, 0, true)

    def above(least_bits: float) -> Quality:
        return next((quality for bits, quality in reversed(by_bits) if bits >= least_bits), none)

    return {
        "probability 0.5": above(0.0),
        "probability 0.95": above(4.25),
        "best threshold": max(
            (quality for _, quality in by_bits), key=lambda quality: quality.f1, default=none
        ),
    }
