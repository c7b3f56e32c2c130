"""Identity documents: the rule of each type (A3.2, B1.2 ③), and how its number is written."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from stdnum import luhn
from stdnum.cn import ric
from stdnum.exceptions import InvalidComponent, InvalidFormat
from stdnum.iso7064 import mod_11_2

from server.core.errors import InvalidInput
from server.identity import document_types as types
from server.identity.document_types import DOCUMENT_TYPES, RESIDENT_ID_CARD

TEST_REGION = "99"
OLDEST_YEARS = 130
GENDERS = ("male", "female")
FIRST_BIRTH_CERTIFICATES = date(1996, 1, 1)
# Documents that carry the citizen number of GB 11643: one number, whatever paper it stands on.
CITIZEN_REGIONS: Mapping[str, tuple[str, ...]] = {
    types.RESIDENT_ID_CARD: (),
    types.HOUSEHOLD_REGISTER: (),
    types.HK_MACAO_RESIDENCE_PERMIT: ("810000", "820000"),
    types.TAIWAN_RESIDENCE_PERMIT: ("830000",),
}


@dataclass(frozen=True)
class Document:
    """A document whose number has passed the rule of its type; `number` is in its longest, normal form."""

    id_type: str
    number: str
    born_on: date
    gender: str  # "male" or "female": from the number, or as given where the number does not tell

    @property
    def key(self) -> str:
        """The same for the same number on another paper: a citizen number names one person, whether it
        stands in the household register, on the card or on a residence permit."""
        return number_key(self.id_type, self.number)


def number_key(id_type: str, number: str) -> str:
    """`Document.key` of a number in normal form."""
    is_citizen = id_type in CITIZEN_REGIONS or (id_type == types.SOCIAL_SECURITY_CARD and len(number) == 18)
    return f"{RESIDENT_ID_CARD if is_citizen else id_type}|{number}"


def age_on(born_on: date, day: date) -> int:
    """Whole years; whoever is born on 29 February has the birthday on 1 March of other years."""
    return day.year - born_on.year - ((day.month, day.day) < (born_on.month, born_on.day))


def read_document(
    id_type: str,
    number: str,
    today: date,
    *,
    allows_test_numbers: bool,
    born_on: date | None = None,
    gender: str | None = None,
) -> Document:
    """The document.  InvalidInput: `document.unknown_type`; `document.invalid_number` whose detail.reason is
    one of length, characters, form, series, region, date, checksum; `document.needs_particulars` when the
    number does not tell birthday and sex and they were not given (well); `document.contradicts` when what
    was given is not what the number says.  Both have detail.fields.  No refusal repeats the number.
    """
    text, told = _read_number(id_type, number, today, allows_test_numbers)
    if gender not in GENDERS:
        gender = None
    if born_on is not None and not _is_possible_birthday(born_on, today):
        born_on = None
    if told is None:
        if gender is None or born_on is None:
            missing = {"gender": gender, "birth_on": born_on}
            raise InvalidInput(
                "document.needs_particulars",
                "the number of this document does not tell birthday and sex: give them",
                fields=[name for name, value in missing.items() if value is None],
            )
        told = (born_on, gender)
    wrong = [
        name
        for name, given, said in (("gender", gender, told[1]), ("birth_on", born_on, told[0]))
        if given is not None and given != said
    ]
    if id_type == types.BIRTH_CERTIFICATE and told[0] < FIRST_BIRTH_CERTIFICATES:
        wrong = ["birth_on"]
    if wrong:
        raise InvalidInput("document.contradicts", "the number of the document says otherwise", fields=wrong)
    return Document(id_type, text, *told)


def read_number(id_type: str, number: str, today: date, *, allows_test_numbers: bool) -> str:
    """The number in normal form, when nothing is known of the holder; refusals as `read_document`."""
    return _read_number(id_type, number, today, allows_test_numbers)[0]


def _read_number(
    id_type: str, number: str, today: date, allows_test_numbers: bool
) -> tuple[str, tuple[date, str] | None]:
    if id_type not in DOCUMENT_TYPES:
        raise InvalidInput("document.unknown_type", "this type of document is not accepted here")
    text = re.sub(r"\s+", "", number).upper()
    if id_type in CITIZEN_REGIONS:
        text, born_on, gender = _read_citizen(id_type, text, today, allows_test_numbers)
        return text, (born_on, gender)
    if id_type == types.SOCIAL_SECURITY_CARD and len(text) in (15, 18):
        text, born_on, gender = _read_citizen(RESIDENT_ID_CARD, text, today, allows_test_numbers)
        return text, (born_on, gender)
    text = _RULES[id_type](text)
    # The certificate's two digits after the letter are the province; 99 is none.
    if id_type == types.BIRTH_CERTIFICATE and text[1:3] == TEST_REGION and not allows_test_numbers:
        raise _refused("region")
    return text, None


def _refused(reason: str) -> InvalidInput:
    return InvalidInput("document.invalid_number", "the document number does not fit its type", reason=reason)


# -- citizen numbers (GB 11643)
def _read_citizen(id_type: str, text: str, today: date, allows_test_numbers: bool) -> tuple[str, date, str]:
    if not re.fullmatch(r"[0-9]+X?", text, re.ASCII):
        raise _refused("characters")
    if len(text) == 15 and not CITIZEN_REGIONS[id_type]:
        text = upgrade_15_digits(text)
    if len(text) != 18:
        raise _refused("length")
    if not text[:17].isdigit():
        raise _refused("characters")
    _require_region(text, CITIZEN_REGIONS[id_type], allows_test_numbers)
    born_on = _birth_date(text, today)
    if mod_11_2.calc_check_digit(text[:17]) != text[17]:
        raise _refused("checksum")
    return text, born_on, "male" if int(text[16]) % 2 else "female"


def upgrade_15_digits(text: str) -> str:
    """The 18-digit number of a 15-digit one: the century is 19, and a check character is added."""
    if not text.isdigit():
        raise _refused("characters")
    longer = text[:6] + "19" + text[6:]
    return longer + str(mod_11_2.calc_check_digit(longer))


def _require_region(text: str, regions: tuple[str, ...], allows_test_numbers: bool) -> None:
    if text.startswith(TEST_REGION):
        if not allows_test_numbers:
            raise _refused("region")
        return
    if regions:
        if text[:6] not in regions:
            raise _refused("region")
        return
    if text[:2] in ("81", "82", "83"):
        raise _refused("region")  # a residence permit's number, written under another type
    try:
        ric.get_birth_place(text)
    except KeyError:
        return  # a known province, a district the table lacks: some were dissolved before it begins
    except (InvalidComponent, InvalidFormat):
        raise _refused("region") from None


def _birth_date(text: str, today: date) -> date:
    try:
        born_on = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        raise _refused("date") from None
    if not _is_possible_birthday(born_on, today):
        raise _refused("date")
    return born_on


def _is_possible_birthday(born_on: date, today: date) -> bool:
    return born_on <= today and today.year - born_on.year <= OLDEST_YEARS


# -- the other types
def _form(pattern: str, characters: str, lengths: range) -> Callable[[str], str]:
    """A rule that says which of the three is wrong: a character, the length, or their order.  The number
    kept is the pattern's first group."""

    def read(text: str) -> str:
        if not re.fullmatch(f"[{characters}]+", text):
            raise _refused("characters")
        if len(text) not in lengths:
            raise _refused("length")
        found = re.fullmatch(pattern, text)
        if found is None:
            raise _refused("form")
        return found[1]

    return read


def _read_passport(text: str) -> str:
    """ICAO 9303: at most nine letters and digits.  No state's own pattern is asked for: a Chinese number with
    a digit too few is an Indian one."""
    return _form(r"(?=.*[0-9])([A-Z0-9]+)", "A-Z0-9", range(5, 10))(text)


def _read_officer(text: str) -> str:
    """Series character, the two characters that mean "number", four to eight digits: X字第1234567号."""
    found = re.fullmatch(r"([\u4e00-\u9fff])\u5b57\u7b2c?([0-9]+)\u53f7?", text)
    if found is None:
        # Digits alone exist once in every series: they would name several officers.
        raise _refused("series" if text.isascii() and text.isdigit() else "form")
    if not 4 <= len(found[2]) <= 8:
        raise _refused("length")
    return f"{found[1]}\u5b57\u7b2c{found[2]}\u53f7"


def _read_returned(text: str) -> str:
    """Issued by the provinces, each with its own form: only the bounds are asked for."""
    text = text.translate({0xFF08: "(", 0xFF09: ")"})
    return _form(r"(?=(?:.*[0-9]){4})(.+)", r"A-Z0-9\u4e00-\u9fff()\-", range(5, 25))(text)


def _read_bank_card(text: str) -> str:
    number = _form(r"([1-9][0-9]+)", "0-9", range(13, 20))(text)
    if not luhn.is_valid(number):
        raise _refused("checksum")
    return number


_RULES: Mapping[str, Callable[[str], str]] = {
    types.PASSPORT: _read_passport,
    types.MILITARY_OFFICER: _read_officer,
    # Nine characters are the holder's for life; two more count the renewals and are dropped.
    types.HK_MACAO_TRAVEL_PERMIT: _form(r"([HM][0-9]{8})(?:[0-9]{2})?", "A-Z0-9", range(9, 12)),
    types.TAIWAN_TRAVEL_PERMIT: _form(r"([0-9]{8})(?:[0-9]{2})?", "0-9", range(8, 11)),
    types.BIRTH_CERTIFICATE: _form(r"([A-Z][0-9]{9})", "A-Z0-9", range(10, 11)),
    types.RETURNED_OVERSEAS_CHINESE: _read_returned,
    types.SOCIAL_SECURITY_CARD: _form(r"([A-Z0-9][0-9]{8})", "A-Z0-9", range(9, 10)),
    types.VISIT_CARD: _form(r"([A-Z0-9][A-Z0-9_-]*)", "A-Z0-9_-", range(4, 33)),
    types.BANK_CARD: _read_bank_card,
}
