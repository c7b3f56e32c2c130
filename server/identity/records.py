"""What a record says for matching, the forms its fields are compared in, and how candidates are found."""

import re
from dataclasses import dataclass
from datetime import date

from stdnum.iso7064 import mod_11_2

from server.identity.document_types import (
    DOCUMENT_TYPES,
    HK_MACAO_TRAVEL_PERMIT,
    RESIDENT_ID_CARD,
    TAIWAN_TRAVEL_PERMIT,
)
from server.identity.names import NameKeys, name_keys

# These numbers are given once in a life; a passport or a birth certificate is replaced by one with another.
LIFELONG = (RESIDENT_ID_CARD, HK_MACAO_TRAVEL_PERMIT, TAIWAN_TRAVEL_PERMIT)

WIDE, NARROW = "".join(map(chr, range(0xFF01, 0xFF5F))), "".join(map(chr, range(0x21, 0x7F)))
SEXES = ("male", "female")
_HALF_WIDTH = str.maketrans(WIDE, NARROW)
# Numbers, and the names between the words for city, county, district, town, village, road, lane, house, room.
ADDRESS_TOKEN = (
    "[0-9A-Z]+|[^-0-9A-Z\\s,.()#"
    "\u7701\u5e02\u5dde\u53bf\u533a\u9547\u4e61\u6751\u8def\u8857\u9053\u5df7\u5f04\u53f7\u680b\u5e62\u5ea7"
    "\u5355\u5143\u5ba4\u697c\u5c42\u7ec4\u3001\u3002]+"
)


@dataclass(frozen=True)
class MatchRecord:
    """What one register says of one person; an empty field says nothing.  `documents` are number keys
    ("01|number", see `documents.number_key`); a citizen number that fails its checksum may stand there too,
    it then counts as a typing slip of the right one."""

    name: str = ""
    gender: str = ""
    born_on: date | None = None
    phone: str = ""
    address: str = ""
    guardian_name: str = ""
    guardian_phone: str = ""
    documents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Traits:
    """A record in the forms its fields are compared in."""

    name: NameKeys
    gender: str
    born: str  # YYYYMMDD
    phone: str
    address: frozenset[str]
    guardian: NameKeys
    guardian_phone: str
    proofs: frozenset[str]  # identity-proving numbers that pass their checks
    slips: frozenset[str]  # citizen numbers that do not
    cards: frozenset[str]  # numbers that prove nobody


def traits(record: MatchRecord) -> Traits:
    proofs, slips, cards = set(), set(), set()
    for key in record.documents:
        id_type, _, number = key.partition("|")
        if id_type == RESIDENT_ID_CARD and not is_whole(number):
            slips.add(key)
        elif id_type in DOCUMENT_TYPES and DOCUMENT_TYPES[id_type].proves_identity:
            proofs.add(key)
        else:
            cards.add(key)
    return Traits(
        name=name_keys(record.name),
        gender=record.gender if record.gender in SEXES else "",
        born="" if record.born_on is None else f"{record.born_on:%Y%m%d}",
        phone=record.phone,
        address=frozenset(address_tokens(record.address)),
        guardian=name_keys(record.guardian_name),
        guardian_phone=record.guardian_phone,
        proofs=frozenset(proofs),
        slips=frozenset(slips),
        cards=frozenset(cards),
    )


def is_whole(citizen_number: str) -> bool:
    """Whether 18 characters end in the check character of GB 11643."""
    return bool(re.fullmatch(r"[0-9]{17}[0-9X]", citizen_number)) and mod_11_2.is_valid(citizen_number)


def address_tokens(address: str) -> list[str]:
    return re.findall(ADDRESS_TOKEN, address.translate(_HALF_WIDTH).upper())


def blocking_keys(record: MatchRecord) -> tuple[str, ...]:
    """Whoever shares none of these is not compared: by name as it sounds with the year or the day of birth,
    by birthday and sex with the surname's sound, by phone (a child's guardian's too).  Exact documents are
    looked up by their own keys.  Plain texts: the store makes keyed indexes of them.

    Without the sex the surname's key would bring every registration at a million persons 1.3 strangers, and
    with it half of them; who does not say a sex has the key of both."""
    keys = []
    name = name_keys(record.name)
    if record.born_on is not None and name.near_sound:
        keys.append(f"name+year|{name.near_sound}|{record.born_on:%Y}")
        keys.append(f"name+day|{name.near_sound}|{record.born_on:%m%d}")
        surname = f"surname+birthday|{name.near_sound.split()[0]}|{record.born_on:%Y%m%d}"
        keys += [f"{surname}|{sex}" for sex in SEXES if record.gender not in SEXES or record.gender == sex]
    keys += [f"phone|{phone}" for phone in (record.phone, record.guardian_phone) if phone]
    return tuple(dict.fromkeys(keys))
