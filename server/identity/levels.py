"""How well two records agree in each field: one level for each field, from strongest to weakest.

The bulk engine asks the same questions in SQL (`bulk_levels.py`); a test holds the two together.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta

from jellyfish import damerau_levenshtein_distance

from server.identity.records import LIFELONG, Traits

MISSING = "missing"
# A lunar date read as a solar one comes this many days too early.
LUNAR_LAG = (timedelta(days=17), timedelta(days=51))
# Shared parts of an address, in tenths of all parts.
NEAR_ADDRESS, SOME_ADDRESS = 6, 3

# Levels with the sentence that explains each; "missing" is one of every field and weighs nothing.
LEVELS: Mapping[str, Mapping[str, str]] = {
    "name": {
        "placeholder": "one of the names is a newborn's placeholder",
        "same": "the names are the same",
        "variant": "the names are the same in another form of their characters",
        "homophone": "the names are written differently and sound the same",
        "near_homophone": "the names sound nearly the same",
        "slip": "the names differ by one character",
        "part": "one name is the beginning of the other",
        "different": "the names differ",
    },
    "gender": {"same": "the same sex", "different": "different sexes"},
    "born_on": {
        "same": "the same birthday",
        "transposed": "the birthdays differ by two exchanged digits, or day and month are exchanged",
        "one_digit": "the birthdays differ by one digit",
        "year_off": "the birthdays are a year apart, to the day",
        "lunar": "the birthdays lie as a lunar and a solar date of one day may",
        "different": "the birthdays differ",
    },
    "phone": {
        "same": "the same phone",
        "slip": "the phones differ by one slip of a finger",
        "different": "different phones",
    },
    "address": {
        "same": "the same address",
        "near": "most parts of the addresses are the same",
        "some": "some parts of the addresses are the same",
        "different": "different addresses",
    },
    "guardian": {
        "same": "the same guardian",
        "one": "the guardians have the name or the phone in common",
        "different": "different guardians",
    },
    "documents": {
        "same": "a document that proves identity is the same",
        "two_people": "each has a whole number of a kind that is given once in a life, and they differ",
        "slip": "a citizen number that is not whole is the other one, or one slip of a finger away from it",
        "shared_card": "a card that proves nobody is the same",
        "other_number": "the numbers of one kind of document differ",
        "nothing_shared": "no kind of document is in both",
    },
}

FIELDS = tuple(LEVELS)


def levels(one: Traits, other: Traits) -> dict[str, str]:
    """Field → level, for every field of LEVELS."""
    return {field: level(one, other) for field, level in _LEVEL_OF.items()}


def _name(one: Traits, other: Traits) -> str:
    a, b = one.name, other.name
    if not a.folded or not b.folded:
        return MISSING
    if a.is_placeholder or b.is_placeholder:
        return "placeholder"
    if a.name == b.name:
        return "same"
    if a.folded == b.folded:
        return "variant"
    if a.sound == b.sound:
        return "homophone"
    if a.near_sound == b.near_sound:
        return "near_homophone"
    if a.slips & b.slips:
        return "slip"
    shorter, longer = sorted((a.folded, b.folded), key=len)
    return "part" if len(shorter) >= 3 and longer.startswith(shorter) else "different"


def _gender(one: Traits, other: Traits) -> str:
    if not one.gender or not other.gender:
        return MISSING
    return "same" if one.gender == other.gender else "different"


def _born_on(one: Traits, other: Traits) -> str:
    a, b = one.born, other.born
    if not a or not b:
        return MISSING
    if a == b:
        return "same"
    wrong_digits = sum(x != y for x, y in zip(a, b, strict=True))
    if wrong_digits == 2 and damerau_levenshtein_distance(a, b) == 1:
        return "transposed"
    if a[:4] == b[:4] and a[4:6] == b[6:] and a[6:] == b[4:6]:
        return "transposed"
    if wrong_digits == 1:
        return "one_digit"
    if a[4:] == b[4:] and abs(int(a[:4]) - int(b[:4])) == 1:
        return "year_off"
    apart = abs(date.fromisoformat(a) - date.fromisoformat(b))
    return "lunar" if LUNAR_LAG[0] <= apart <= LUNAR_LAG[1] else "different"


def _phone(one: Traits, other: Traits) -> str:
    if not one.phone or not other.phone:
        return MISSING
    if one.phone == other.phone:
        return "same"
    return "slip" if damerau_levenshtein_distance(one.phone, other.phone) <= 1 else "different"


def _address(one: Traits, other: Traits) -> str:
    if not one.address or not other.address:
        return MISSING
    if one.address == other.address:
        return "same"
    shared, parts = 10 * len(one.address & other.address), len(one.address | other.address)
    if shared >= NEAR_ADDRESS * parts:
        return "near"
    return "some" if shared >= SOME_ADDRESS * parts else "different"


def _guardian(one: Traits, other: Traits) -> str:
    if not (one.guardian.folded or one.guardian_phone) or not (other.guardian.folded or other.guardian_phone):
        return MISSING
    name = bool(one.guardian.near_sound) and one.guardian.near_sound == other.guardian.near_sound
    phone = bool(one.guardian_phone) and one.guardian_phone == other.guardian_phone
    return "same" if name and phone else "one" if name or phone else "different"


def _documents(one: Traits, other: Traits) -> str:
    if not (one.proofs or one.slips or one.cards) or not (other.proofs or other.slips or other.cards):
        return MISSING
    if one.proofs & other.proofs:
        return "same"
    if are_two_people(one.proofs, other.proofs):
        return "two_people"
    a, b = one.proofs | one.slips, other.proofs | other.slips
    if any(
        damerau_levenshtein_distance(x, y) <= 1
        for x in one.slips | other.slips
        for y in (b if x in one.slips else a)
    ):
        return "slip"
    if one.cards & other.cards:
        return "shared_card"
    return "other_number" if _kinds(a) & _kinds(b) else "nothing_shared"


def are_two_people(proofs: frozenset[str], others: frozenset[str]) -> bool:
    """Whether numbers of a kind that is given once in a life differ; both are "kind|number", and the number
    may be its keyed index, the same for the same."""
    return not proofs & others and not (_kinds(proofs) & _kinds(others)).isdisjoint(LIFELONG)


def _kinds(keys: frozenset[str]) -> set[str]:
    return {key.partition("|")[0] for key in keys}


_LEVEL_OF: Mapping[str, Callable[[Traits, Traits], str]] = {
    "name": _name,
    "gender": _gender,
    "born_on": _born_on,
    "phone": _phone,
    "address": _address,
    "guardian": _guardian,
    "documents": _documents,
}
