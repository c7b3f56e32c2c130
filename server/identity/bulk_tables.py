"""Rows of registers as a DuckDB table whose columns are the traits of `records.Traits`."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from server.identity.document_types import DOCUMENT_TYPES, SOCIAL_SECURITY_CARD
from server.identity.documents import CITIZEN_REGIONS
from server.identity.names import name_keys
from server.identity.records import ADDRESS_TOKEN, NARROW, WIDE

if TYPE_CHECKING:
    import duckdb

COLUMNS = (
    "row_id", "name", "gender", "born_on", "id_type", "id_no", "phone", "address", "guardian_name",
    "guardian_phone", "cards",
)  # fmt: skip
LABEL = "person"
NAMES_AT_ONCE = 50_000


class BadRows(ValueError):
    """The file cannot be read as rows of persons; the text says why."""


def load_rows(database: "duckdb.DuckDBPyConnection", path: Path) -> bool:
    """Makes table `rows` of a CSV or Parquet file; True when it has the column `person` (who it truly is).

    The columns of COLUMNS that are missing are empty; only row_id and name must be there.
    """
    import duckdb

    reader = (
        "read_parquet(?)" if path.suffix == ".parquet" else "read_csv(?, header = true, all_varchar = true)"
    )
    try:
        found = [
            row[0] for row in database.execute(f"DESCRIBE SELECT * FROM {reader}", [str(path)]).fetchall()
        ]
        if missing := {"row_id", "name"} - set(found):
            raise BadRows(f"{path} has no column {sorted(missing)[0]}")
        chosen = [
            f"coalesce(CAST({column} AS VARCHAR), '') AS {column}" if column in found else f"'' AS {column}"
            for column in COLUMNS
        ]
        if LABEL in found:
            chosen.append(f"CAST({LABEL} AS VARCHAR) AS {LABEL}")
        database.execute(
            f"CREATE OR REPLACE TABLE rows AS SELECT {', '.join(chosen)} FROM {reader}", [str(path)]
        )
        counted = database.execute("SELECT count(*), count(DISTINCT row_id) FROM rows").fetchone()
    except duckdb.Error as error:
        raise BadRows(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
    if counted is None or counted[0] != counted[1]:
        raise BadRows(f"{path}: two rows have the same row_id")
    return LABEL in found


def prepare(database: "duckdb.DuckDBPyConnection", progress: Callable[[float], None]) -> None:
    """Makes table `traits` of `rows`; `progress` is told the share that is done."""
    _prepare_names(database, progress)
    label = f", rows.{LABEL}" if _has_label(database) else ""
    database.execute(f"CREATE OR REPLACE TABLE traits AS {_traits_sql(label)}")
    progress(1.0)


def _has_label(database: "duckdb.DuckDBPyConnection") -> bool:
    return any(row[0] == LABEL for row in database.execute("DESCRIBE rows").fetchall())


def _prepare_names(database: "duckdb.DuckDBPyConnection", progress: Callable[[float], None]) -> None:
    """Table `names`: the forms of each distinct name, made in Python as for a single record.  A form is a
    number, the same for the same text: pairs compare numbers four times as fast."""
    import pyarrow

    database.execute(
        "CREATE OR REPLACE TABLE names (written VARCHAR, name INTEGER, folded INTEGER, sound INTEGER,"
        " near_sound INTEGER, surname INTEGER, slips VARCHAR, is_placeholder BOOLEAN)"
    )
    written = [
        row[0]
        for row in database.execute(
            "SELECT name FROM rows WHERE name <> '' UNION "
            "SELECT guardian_name FROM rows WHERE guardian_name <> ''"
        ).fetchall()
    ]
    numbers: dict[str, int] = {}

    def numbered(texts: Iterable[str]) -> list[int]:
        return [numbers.setdefault(text, len(numbers)) for text in texts]

    for start in range(0, len(written), NAMES_AT_ONCE):
        part = written[start : start + NAMES_AT_ONCE]
        keys = [name_keys(name) for name in part]
        made = pyarrow.table(
            {
                "written": part,
                "name": numbered(key.name for key in keys),
                "folded": numbered(key.folded for key in keys),
                "sound": numbered(key.sound for key in keys),
                "near_sound": numbered(key.near_sound for key in keys),
                "surname": numbered(key.near_sound.partition(" ")[0] for key in keys),
                # The folded name itself comes first.
                "slips": [" ".join([key.folded, *(key.slips - {key.folded})]) for key in keys],
                "is_placeholder": [key.is_placeholder for key in keys],
            }
        )
        database.register("made", made)
        database.execute("INSERT INTO names SELECT * FROM made")
        database.unregister("made")
        progress(0.7 * (start + len(part)) / len(written))
    # A text of blanks or dots is no name.
    database.execute("DELETE FROM names WHERE slips = ''")


def _traits_sql(label: str) -> str:
    proving = _listed(code for code, kind in DOCUMENT_TYPES.items() if kind.proves_identity)
    citizen = _listed(CITIZEN_REGIONS)
    check = "substr('10X98765432', 1 + (" + " + ".join(
        f"(ascii(substr(long_no, {place}, 1)) - 48) * {2 ** (18 - place) % 11}" for place in range(1, 18)
    ) + ") % 11, 1)"  # fmt: skip
    narrow = NARROW.replace("'", "''")
    return f"""
WITH numbers AS (
    SELECT *, upper(regexp_replace(id_no, '\\s', '', 'g')) AS plain_no,
        id_type IN ({citizen}) OR (id_type = '{SOCIAL_SECURITY_CARD}' AND length(plain_no) IN (15, 18))
            AS is_citizen,
        CASE WHEN is_citizen AND regexp_full_match(plain_no, '[0-9]{{15}}')
            THEN substr(plain_no, 1, 6) || '19' || substr(plain_no, 7) ELSE plain_no END AS long_no
    FROM rows
), checked AS (
    SELECT *,
        CASE WHEN is_citizen AND regexp_full_match(long_no, '[0-9]{{17}}[0-9X]?') THEN {check} END AS digit,
        CASE WHEN length(long_no) = 17 AND digit IS NOT NULL THEN long_no || digit ELSE long_no END AS number,
        CASE WHEN number = '' THEN NULL WHEN is_citizen THEN '01|' || number
            ELSE id_type || '|' || number END AS number_key,
        is_citizen AND number <> '' AND (digit IS NULL OR length(number) <> 18 OR number[18] <> digit)
            AS is_slip,
        id_type IN ({proving}) AS is_proving,
        try_cast(rows_born AS DATE) AS born_day
    FROM (SELECT *, born_on AS rows_born FROM numbers)
)
SELECT
    rows.row_id{label},
    nullif(rows.name, '') AS written_name,
    own.name AS name, own.folded AS folded, own.sound AS sound, own.near_sound AS near_sound,
    own.surname AS surname, own.slips, coalesce(own.is_placeholder, false) AS is_placeholder,
    CASE WHEN gender IN ('male', 'female') THEN gender END AS gender,
    born_day, strftime(born_day, '%Y%m%d') AS born, born[:4] AS birth_year, born[5:] AS birth_day,
    nullif(phone, '') AS phone,
    coalesce(nullif(phone, ''), nullif(guardian_phone, '')) AS contact,
    nullif(array_to_string(list_sort(list_distinct(regexp_extract_all(
        upper(translate(rows.address, '{WIDE}', '{narrow}')), '{ADDRESS_TOKEN}'))), ' '), '') AS address,
    nullif(rows.address, '') AS written_address,
    guardian.near_sound AS guardian_sound,
    nullif(guardian_phone, '') AS guardian_phone,
    NOT is_slip AND number_key IS NOT NULL AND (is_proving OR is_citizen) AS is_proof,
    CASE WHEN is_proof THEN number_key END AS proof,
    is_slip,
    CASE WHEN is_proof OR is_slip THEN number_key END AS number,
    split_part(CASE WHEN is_proof OR is_slip THEN number_key END, '|', 1) AS number_kind,
    nullif(trim(rows.cards || CASE WHEN is_proof OR is_slip OR number_key IS NULL THEN ''
        ELSE ' ' || number_key END), '') AS cards
FROM checked AS rows
LEFT JOIN names AS own ON own.written = rows.name
LEFT JOIN names AS guardian ON guardian.written = rows.guardian_name
"""


def _listed(codes: Iterable[str]) -> str:
    return ", ".join(f"'{code}'" for code in codes)
