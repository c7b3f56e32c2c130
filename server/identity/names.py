"""Names of people: as documents write them (rare characters, dots, letters), and as they are compared."""

import os
import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

# We ask for single characters, and the library's table of phrases is 43 MB and a tenth of a process's start.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
from pypinyin import lazy_pinyin

from server.core.errors import InvalidInput
from server.identity.name_variants import PLACEHOLDER_ENDINGS, SURNAME_READINGS, folding

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


@dataclass(frozen=True)
class NameKeys:
    """One name in the forms it is compared by.  `slips` holds what is left when one character is lost: two
    names that share an element are one slip apart (a character wrong, missing, too many, or two swapped)."""

    name: str
    folded: str
    sound: str
    near_sound: str
    slips: frozenset[str]
    is_placeholder: bool


def name_keys(text: str) -> NameKeys:
    """The forms of a name as some register wrote it; refuses nothing, an empty name has empty forms."""
    name = unicodedata.normalize("NFC", text.strip()).translate(_DOTS).casefold()
    name = re.sub(r"\s+", " " if re.search("[a-z]", name) else "", name)
    folded = re.sub(rf"[{MIDDLE_DOT}\s'-]", "", name).translate(_folding())
    sounds = _sounds(folded)
    near = " ".join([_near(sound) for sound in sounds])
    slips = {
        folded,
        *(folded[:place] + folded[place + 1 :] for place in range(len(folded)) if len(folded) > 2),
    }
    return NameKeys(
        name, folded, " ".join(sounds), near, frozenset(slips), folded.endswith(PLACEHOLDER_ENDINGS)
    )


# Southern speakers, and whoever types what they hear, exchange these.
_NEAR_SOUNDS = {"zh": "z", "ch": "c", "sh": "s", "ang": "an", "eng": "en", "ing": "in", "n": "l", "h": "f"}
_NEAR = re.compile(r"\b[zcs]h|\bn(?=[aeiouü])|\bh(?=u)|(?:ang|eng|ing)\b")


@lru_cache(maxsize=2_000)
def _near(sound: str) -> str:
    return _NEAR.sub(lambda found: _NEAR_SOUNDS[found[0]], sound)


@cache
def _folding() -> dict[int, str]:
    return folding()


def _sounds(folded: str) -> list[str]:
    """One reading for each character, without tones: the same one every time is what comparing needs."""
    readings = [_reading(character) for character in folded]
    if readings:
        readings[0] = SURNAME_READINGS.get(folded[0], readings[0])
    return readings


@lru_cache(maxsize=100_000)
def _reading(character: str) -> str:
    if character.isascii():
        return character
    return str(lazy_pinyin(character)[0])
