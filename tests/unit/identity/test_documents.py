"""The numbers of resident ID cards (GB 11643), of 18 digits and of 15 (A3.2, I1)."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.city import check_digit
from server.core.errors import InvalidInput
from server.identity.documents import Document, read_document, upgrade_15_digits
from server.settings import Settings

pytestmark = pytest.mark.feature("I1", "I2")

TODAY = date(2026, 11, 22)
DAYS = st.dates(date(1897, 1, 1), TODAY)
REGIONS = st.sampled_from(["990101", "990181", "999999"])
SERIALS = st.integers(0, 999).map("{:03d}".format)


def read(number: str, *, allows_test_numbers: bool = True) -> Document:
    return read_document("01", number, TODAY, allows_test_numbers=allows_test_numbers)


def reason(number: str, *, allows_test_numbers: bool = True) -> str:
    with pytest.raises(InvalidInput) as refused:
        read(number, allows_test_numbers=allows_test_numbers)
    assert refused.value.code == "document.invalid_number"
    assert number not in str(refused.value) or number == ""
    return str(refused.value.detail["reason"])


def number_of(region: str, born_on: date, serial: str) -> str:
    first_17 = f"{region}{born_on:%Y%m%d}{serial}"
    return first_17 + check_digit(first_17)


@given(REGIONS, DAYS, SERIALS)
def test_a_number_says_birthday_and_gender(region: str, born_on: date, serial: str) -> None:
    document = read(number_of(region, born_on, serial))
    assert document.born_on == born_on
    assert document.gender == ("male" if int(serial) % 2 else "female")


@given(REGIONS, DAYS, SERIALS, st.integers(0, 17), st.sampled_from("0123456789"))
def test_one_wrong_digit_is_found(region: str, born_on: date, serial: str, place: int, digit: str) -> None:
    number = number_of(region, born_on, serial)
    if number[place] == digit:
        return
    assert reason(number[:place] + digit + number[place + 1 :]) in ("checksum", "date", "region")


@given(REGIONS, DAYS, SERIALS, st.integers(0, 16))
def test_two_neighbours_swapped_are_found(region: str, born_on: date, serial: str, place: int) -> None:
    number = number_of(region, born_on, serial)
    one, other = number[place], number[place + 1]
    if one == other:
        return
    assert reason(number[:place] + other + one + number[place + 2 :]) in (
        "checksum",
        "date",
        "region",
        "characters",
    )


@given(REGIONS, st.dates(date(1900, 1, 1), date(1999, 12, 31)), SERIALS)
def test_15_digits_are_the_same_document_as_18(region: str, born_on: date, serial: str) -> None:
    number = number_of(region, born_on, serial)
    short = number[:6] + number[8:17]
    assert upgrade_15_digits(short) == number
    assert read(short) == read(number)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        document = read(text)
    except InvalidInput:
        return
    assert len(document.number) == 18


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("", "characters"),
        ("X", "characters"),
        ("99010119900307001", "length"),
        ("9901011990030700111", "length"),
        ("99010119900307X011", "characters"),
        ("99010119900307001Y", "characters"),
        ("９９０１０１１９９００３０７００１１", "characters"),
        ("99010190030700X", "characters"),
        ("990101900230001", "date"),
        ("990101199013010011", "date"),
        ("990101190002290011", "date"),
        ("990101189511220011", "date"),
        ("000000199003070011", "region"),
        ("110101" + "199003070012", "checksum"),  # whole, it could be somebody's
    ],
)
def test_the_reason_is_named(number: str, expected: str) -> None:
    assert reason(number) == expected


def test_spaces_and_a_small_x_are_forgiven() -> None:
    number = next(
        candidate
        for day in range(400)
        if (candidate := number_of("990101", date(1990, 3, 7) + timedelta(day), "001"))[-1] == "X"
    )
    assert read(f" {number[:6]} {number[6:14]} {number[14:].lower()} ").number == number


def test_nobody_is_born_tomorrow_or_130_years_ago() -> None:
    assert read(number_of("990101", TODAY, "001")).born_on == TODAY
    assert reason(number_of("990101", TODAY + timedelta(days=1), "001")) == "date"
    assert read(number_of("990101", date(1896, 1, 1), "001")).born_on == date(1896, 1, 1)
    assert reason(number_of("990101", date(1895, 12, 31), "001")) == "date"


def test_numbers_of_the_test_region_are_refused_in_production() -> None:
    number = number_of("990101", date(1990, 3, 7), "001")
    assert reason(number, allows_test_numbers=False) == "region"
    required = {
        "mongodb_uri": "x",
        "sms_url": "x",
        "sms_app_id": "x",
        "sms_secret": "x",
        "real_name_url": "x",
        "real_name_app_id": "x",
        "real_name_secret": "x",
    }
    allowed = {
        name: Settings(environment=name, **required).allows_test_numbers
        for name in ("production", "staging", "demo", "test")
    }
    assert allowed == {"production": False, "staging": True, "demo": True, "test": True}


def test_a_dissolved_district_is_still_in_the_numbers_of_those_born_there() -> None:
    number = number_of("11" + "9999", date(1950, 3, 7), "001")
    assert read(number, allows_test_numbers=False).number == number
