"""The questions of `levels.py` as SQL over pairs of rows of the table `traits`, for Splink and DuckDB."""

from collections.abc import Iterator, Mapping

from server.identity.levels import LEVELS, LUNAR_LAG, MISSING, NEAR_ADDRESS, SOME_ADDRESS
from server.identity.matching import RULES
from server.identity.records import LIFELONG

_LIFELONG = ", ".join(f"'{kind}'" for kind in LIFELONG)
_SHARED = (
    "len(list_intersect(address_parts_l, address_parts_r)) >= {} * "
    "(len(address_parts_l) + len(address_parts_r) - len(list_intersect(address_parts_l, address_parts_r)))"
)

# Field → level → condition, in the order they are asked; what none fits is the field's last level.
CONDITIONS: Mapping[str, Mapping[str, str]] = {
    "name": {
        MISSING: "folded_l IS NULL OR folded_r IS NULL",
        "placeholder": "is_placeholder_l OR is_placeholder_r",
        "same": "name_l = name_r",
        "variant": "folded_l = folded_r",
        "homophone": "sound_l = sound_r",
        "near_homophone": "near_sound_l = near_sound_r",
        "slip": "list_has_any(slips_l, slips_r)",
        "part": "(length(folded_l) >= 3 AND starts_with(folded_r, folded_l))"
        " OR (length(folded_r) >= 3 AND starts_with(folded_l, folded_r))",
    },
    "gender": {MISSING: "gender_l IS NULL OR gender_r IS NULL", "same": "gender_l = gender_r"},
    "born_on": {
        MISSING: "born_l IS NULL OR born_r IS NULL",
        "same": "born_l = born_r",
        "transposed": "(hamming(born_l, born_r) = 2 AND damerau_levenshtein(born_l, born_r) = 1)"
        " OR (birth_year_l = birth_year_r AND substr(born_l, 5, 2) = substr(born_r, 7, 2)"
        " AND substr(born_l, 7, 2) = substr(born_r, 5, 2))",
        "one_digit": "hamming(born_l, born_r) = 1",
        "year_off": "birth_day_l = birth_day_r"
        " AND abs(CAST(birth_year_l AS INTEGER) - CAST(birth_year_r AS INTEGER)) = 1",
        "lunar": f"abs(born_day_l - born_day_r) BETWEEN {LUNAR_LAG[0].days} AND {LUNAR_LAG[1].days}",
    },
    "phone": {
        MISSING: "phone_l IS NULL OR phone_r IS NULL",
        "same": "phone_l = phone_r",
        "slip": "damerau_levenshtein(phone_l, phone_r) <= 1",
    },
    "address": {
        MISSING: "address_l IS NULL OR address_r IS NULL",
        "same": "address_l = address_r",
        "near": _SHARED.format(NEAR_ADDRESS),
        "some": _SHARED.format(SOME_ADDRESS),
    },
    "guardian": {
        MISSING: "lacks_guardian_l OR lacks_guardian_r",
        "same": "guardian_sound_l = guardian_sound_r AND guardian_phone_l = guardian_phone_r",
        "one": "guardian_sound_l = guardian_sound_r OR guardian_phone_l = guardian_phone_r",
    },
    "documents": {
        MISSING: "lacks_documents_l OR lacks_documents_r",
        "same": "proof_l = proof_r",
        "two_people": f"proof_kind_l = proof_kind_r AND proof_kind_l IN ({_LIFELONG})",
        "slip": "(slip_l IS NOT NULL OR slip_r IS NOT NULL) AND damerau_levenshtein(number_l, number_r) <= 1",
        "shared_card": "list_has_any(cards_l, cards_r)",
        "other_number": "number_kind_l = number_kind_r",
    },
}

# Columns two rows must share, one of these sets, to be compared: `records.blocking_keys`, and the document.
BLOCKING = (
    ("number",),
    ("near_sound", "birth_year"),
    ("near_sound", "birth_day"),
    ("surname_sound", "born"),
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
