"""Identity documents: the rule of each type (A3.2), and how its number is written."""

import re
from dataclasses import dataclass
from datetime import date

from stdnum.cn import ric
from stdnum.exceptions import InvalidComponent, InvalidFormat
from stdnum.iso7064 import mod_11_2

from server.core.errors import InvalidInput

RESIDENT_ID_CARD = "01"  # 居民身份证; the other types of I2 come with their own rules
TEST_REGION = "99"
OLDEST_YEARS = 130


@dataclass(frozen=True)
class Document:
    """A document whose number has passed the rule of its type; `number` is in its longest, normal form."""

    id_type: str
    number: str
    born_on: date
    gender: str  # "male" or "female", from the number


def _refused(reason: str) -> InvalidInput:
    return InvalidInput("document.invalid_number", "the document number does not fit its type", reason=reason)


def read_document(id_type: str, number: str, today: date, *, allows_test_numbers: bool) -> Document:
    """The document; InvalidInput `document.invalid_number` whose detail.reason is one of length, characters,
    region, date, checksum.  Resident ID card: GB 11643, and its 15-digit form of before 1999."""
    if id_type != RESIDENT_ID_CARD:
        raise InvalidInput("document.unknown_type", "this type of document is not accepted here")
    text = number.strip().replace(" ", "").upper()
    if not re.fullmatch(r"[0-9]+X?", text, re.ASCII):
        raise _refused("characters")
    if len(text) == 15:
        text = upgrade_15_digits(text)
    if len(text) != 18:
        raise _refused("length")
    if not text[:17].isdigit():
        raise _refused("characters")
    _require_region(text, allows_test_numbers)
    born_on = _birth_date(text, today)
    if mod_11_2.calc_check_digit(text[:17]) != text[17]:
        raise _refused("checksum")
    return Document(id_type, text, born_on, "male" if int(text[16]) % 2 else "female")


def upgrade_15_digits(text: str) -> str:
    """The 18-digit number of a 15-digit one: the century is 19, and a check character is added."""
    if not text.isdigit():
        raise _refused("characters")
    longer = text[:6] + "19" + text[6:]
    return longer + str(mod_11_2.calc_check_digit(longer))


def _require_region(text: str, allows_test_numbers: bool) -> None:
    if text.startswith(TEST_REGION):
        if not allows_test_numbers:
            raise _refused("region")
        return
    try:
        ric.get_birth_place(text)
    except (InvalidComponent, InvalidFormat):
        raise _refused("region") from None


def _birth_date(text: str, today: date) -> date:
    try:
        born_on = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        raise _refused("date") from None
    if born_on > today or today.year - born_on.year > OLDEST_YEARS:
        raise _refused("date")
    return born_on
