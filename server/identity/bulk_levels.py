"""The questions of `levels.py` as SQL over pairs of rows of the table `traits`, for Splink and DuckDB."""

from collections.abc import Iterator, Mapping

from server.identity.levels import LEVELS, LUNAR_LAG, MISSING, NEAR_ADDRESS, SOME_ADDRESS
from server.identity.matching import RULES
from server.identity.records import LIFELONG

_LIFELONG = ", ".join(f"'{kind}'" for kind in LIFELONG)

_FOLDED_L, _FOLDED_R = "split_part(slips_l, ' ', 1)", "split_part(slips_r, ' ', 1)"


def _shared_parts(tenths: int) -> str:
    """10·|A∩B| ≥ tenths·|A∪B|, with |A∪B| = |A| + |B| − |A∩B|, so that the parts are matched once."""
    parts_l, parts_r = "string_split(address_l, ' ')", "string_split(address_r, ' ')"
    shared = f"len(list_intersect({parts_l}, {parts_r}))"
    return f"{10 + tenths} * {shared} >= {tenths} * (len({parts_l}) + len({parts_r}))"


# Lists travel as texts and are taken apart only for the few pairs that get so far: it is three times as fast.
# Field → level → condition, in the order they are asked; what none fits is the field's last level.
CONDITIONS: Mapping[str, Mapping[str, str]] = {
    "name": {
        MISSING: "folded_l IS NULL OR folded_r IS NULL",
        "placeholder": "is_placeholder_l OR is_placeholder_r",
        "same": "name_l = name_r",
        "variant": "folded_l = folded_r",
        "homophone": "sound_l = sound_r",
        "near_homophone": "near_sound_l = near_sound_r",
        "slip": "list_has_any(string_split(slips_l, ' '), string_split(slips_r, ' '))",
        "part": f"(length({_FOLDED_L}) >= 3 AND starts_with({_FOLDED_R}, {_FOLDED_L}))"
        f" OR (length({_FOLDED_R}) >= 3 AND starts_with({_FOLDED_L}, {_FOLDED_R}))",
    },
    "gender": {MISSING: "gender_l IS NULL OR gender_r IS NULL", "same": "gender_l = gender_r"},
    "born_on": {
        MISSING: "born_l IS NULL OR born_r IS NULL",
        "same": "born_l = born_r",
        "transposed": "(hamming(born_l, born_r) = 2 AND damerau_levenshtein(born_l, born_r) = 1)"
        " OR (left(born_l, 4) = left(born_r, 4) AND substr(born_l, 5, 2) = substr(born_r, 7, 2)"
        " AND substr(born_l, 7, 2) = substr(born_r, 5, 2))",
        "one_digit": "hamming(born_l, born_r) = 1",
        "year_off": "right(born_l, 4) = right(born_r, 4)"
        " AND abs(CAST(left(born_l, 4) AS INTEGER) - CAST(left(born_r, 4) AS INTEGER)) = 1",
        "lunar": "abs(date_diff('day', CAST(strptime(born_l, '%Y%m%d') AS DATE),"
        " CAST(strptime(born_r, '%Y%m%d') AS DATE)))"
        f" BETWEEN {LUNAR_LAG[0].days} AND {LUNAR_LAG[1].days}",
    },
    "phone": {
        MISSING: "phone_l IS NULL OR phone_r IS NULL",
        "same": "phone_l = phone_r",
        "slip": "damerau_levenshtein(phone_l, phone_r) <= 1",
    },
    "address": {
        MISSING: "address_l IS NULL OR address_r IS NULL",
        "same": "address_l = address_r",
        "near": _shared_parts(NEAR_ADDRESS),
        "some": _shared_parts(SOME_ADDRESS),
    },
    "guardian": {
        MISSING: "(guardian_sound_l IS NULL AND guardian_phone_l IS NULL)"
        " OR (guardian_sound_r IS NULL AND guardian_phone_r IS NULL)",
        "same": "guardian_sound_l = guardian_sound_r AND guardian_phone_l = guardian_phone_r",
        "one": "guardian_sound_l = guardian_sound_r OR guardian_phone_l = guardian_phone_r",
    },
    "documents": {
        MISSING: "(number_l IS NULL AND cards_l IS NULL) OR (number_r IS NULL AND cards_r IS NULL)",
        "same": "number_l = number_r AND NOT is_slip_l",
        "two_people": f"number_kind_l = number_kind_r AND number_kind_l IN ({_LIFELONG})"
        " AND NOT is_slip_l AND NOT is_slip_r",
        "slip": "(is_slip_l OR is_slip_r) AND damerau_levenshtein(number_l, number_r) <= 1",
        "shared_card": "cards_l IS NOT NULL AND cards_r IS NOT NULL"
        " AND list_has_any(string_split(cards_l, ' '), string_split(cards_r, ' '))",
        "other_number": "number_kind_l = number_kind_r",
    },
}

# Columns two rows must share, one of these sets, to be compared: `records.blocking_keys`, and the document.
BLOCKING = (
    ("number",),
    ("near_sound", "birth_year"),
    ("near_sound", "birth_day"),
    ("surname", "born", "gender"),
    ("contact",),
)


def ordered(field: str) -> Iterator[tuple[str, str | None]]:
    """(level, condition) as asked, "missing" first; the last level has no condition."""
    yield from CONDITIONS[field].items()
    last = [level for level in LEVELS[field] if level not in CONDITIONS[field]]
    assert len(last) == 1, f"one level of {field} is for whatever fits no other"
    yield last[0], None


def gamma(field: str, level: str) -> int:
    """Splink's number for a level: −1 is missing, the strongest has the highest."""
    asked = [name for name, _ in ordered(field) if name != MISSING]
    return -1 if level == MISSING else len(asked) - 1 - asked.index(level)


def at_most_sql() -> str:
    """`matching.at_most` over Splink's columns."""
    cases = []
    for outcome, _, condition in RULES:
        parts = [
            f"gamma_{field} IN ({', '.join(str(gamma(field, level)) for level in named)})"
            for field, named in condition.items()
        ]
        cases.append(f"WHEN {' AND '.join(parts)} THEN '{outcome}'")
    return f"CASE {' '.join(cases)} ELSE 'same' END"
