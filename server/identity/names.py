"""Names of people, as documents write them: rare characters, middle dots, letters."""

import re
import unicodedata

from server.core.errors import InvalidInput

MAX_LENGTH = 50
MIDDLE_DOT = "·"
# Keyboards and old systems write the dot of 买买提·艾力 in many ways; the ID card has U+00B7.
_DOTS = str.maketrans(dict.fromkeys("•・‧∙⋅．●｡.", MIDDLE_DOT))


def read_name(text: str) -> str:
    """The name in normal form; InvalidInput `name.invalid` with detail.reason length, characters or dot.

    NFC, not NFKC: compatibility forms would turn a rare character of somebody's name into another one.
    Characters of planes 2 and 3 and of the private use areas (older ID cards) are somebody's name too.
    """
    name = unicodedata.normalize("NFC", text.strip()).translate(_DOTS)
    if not re.search(r"[A-Za-z]", name):
        name = re.sub(r"\s+", "", name)
    if not 2 <= len(name) <= MAX_LENGTH:
        raise InvalidInput("name.invalid", "the name is too short or too long", reason="length")
    if name[0] == MIDDLE_DOT or name[-1] == MIDDLE_DOT or MIDDLE_DOT * 2 in name:
        raise InvalidInput("name.invalid", "the middle dot stands between two parts", reason="dot")
    if not all(_may_stand_in_a_name(character) for character in name):
        raise InvalidInput("name.invalid", "the name has characters no document has", reason="characters")
    return name


def _may_stand_in_a_name(character: str) -> bool:
    if character in (MIDDLE_DOT, " ", "-", "'"):
        return True
    # Planes 2 and 3 hold nothing but ideographs; Python's tables are older than the newest of them.
    is_ideograph = 0x20000 <= ord(character) <= 0x3FFFF
    return is_ideograph or unicodedata.category(character) in ("Lo", "Lu", "Ll", "Mn", "Co")


def same_name(one: str, other: str) -> bool:
    return read_name(one).casefold() == read_name(other).casefold()
