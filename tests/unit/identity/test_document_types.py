"""Every type of document of B1.2 ③: its format, its checksum where it has one, and what it proves (I2)."""

import string
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.city import check_digit
from server.core.errors import InvalidInput
from server.identity.document_types import DOCUMENT_TYPES
from server.identity.documents import Document, read_document, read_number

pytestmark = pytest.mark.feature("I2")

TODAY = date(2026, 11, 22)
BORN_ON = date(2000, 2, 29)
DIGITS = st.text(string.digits, min_size=1, max_size=30)


def citizen(region: str, serial: str = "002", born_on: date = BORN_ON) -> str:
    first_17 = f"{region}{born_on:%Y%m%d}{serial}"
    return first_17 + check_digit(first_17)


def read(id_type: str, number: str, *, allows_test_numbers: bool = True) -> Document:
    return read_document(
        id_type, number, TODAY, allows_test_numbers=allows_test_numbers, born_on=BORN_ON, gender="female"
    )


def refusal(id_type: str, number: str, *, allows_test_numbers: bool = True) -> str:
    with pytest.raises(InvalidInput) as refused:
        read(id_type, number, allows_test_numbers=allows_test_numbers)
    assert refused.value.code == "document.invalid_number"
    assert number not in f"{refused.value.message}{refused.value.detail}" or number == ""
    return str(refused.value.detail["reason"])


def luhn_number(digits: str) -> str:
    doubled = [int(d) * (2 if place % 2 == 0 else 1) for place, d in enumerate(reversed(digits))]
    total = sum(value // 10 + value % 10 for value in doubled)
    return digits + str(-total % 10)


GOOD = [
    ("02", citizen("990101"), citizen("990101")),
    ("03", "E99000001", "E99000001"),
    ("03", " ea 9900001 ", "EA9900001"),
    ("03", "C01X00T47", "C01X00T47"),
    ("04", "军字第9900001号", "军字第9900001号"),
    ("04", "空字第 99000012", "空字第99000012号"),
    ("04", "南字990001号", "南字第990001号"),
    ("06", "H99000001", "H99000001"),
    ("06", "m9900000102", "M99000001"),
    ("07", "99000001", "99000001"),
    ("07", "9900000103", "99000001"),
    ("08", "P990000001", "P990000001"),
    ("09", citizen("810000"), citizen("810000")),
    ("09", citizen("820000"), citizen("820000")),
    ("09", citizen("998100"), citizen("998100")),
    ("10", citizen("830000"), citizen("830000")),
    ("11", "9900123", "9900123"),
    ("11", "(闽)侨字第9900123号", "(闽)侨字第9900123号"),
    ("12", "K99000001", "K99000001"),
    ("12", "990000012", "990000012"),
    ("12", citizen("990101"), citizen("990101")),
    ("13", "mz-990001", "MZ-990001"),
    ("14", luhn_number("990000000000000"), luhn_number("990000000000000")),
    ("14", luhn_number("990000000000") + "", luhn_number("990000000000")),
]


@pytest.mark.parametrize(("id_type", "written", "kept"), GOOD)
def test_the_normal_form(id_type: str, written: str, kept: str) -> None:
    document = read(id_type, written)
    assert document.number == kept
    assert (document.born_on, document.gender) == (BORN_ON, "female")
    assert read_number(id_type, written, TODAY, allows_test_numbers=True) == kept


BAD = [
    ("02", "990000001", "length"),  # the household's own number names a whole family
    ("03", "E990", "length"),
    ("03", "E990000012", "length"),
    ("03", "ABCDEFG", "form"),
    ("03", "E9900-001", "characters"),
    ("04", "9900001", "series"),
    ("04", "军字第123号", "length"),
    ("04", "军字第990000123号", "length"),
    ("04", "军官证", "form"),
    ("06", "99000001H", "form"),
    ("06", "H9900001", "length"),
    ("06", "H990000010", "form"),
    ("06", "K99000001", "form"),
    ("07", "9900001", "length"),
    ("07", "990000010", "form"),
    ("07", "T9900001", "characters"),
    ("08", "9990000001", "form"),
    ("08", "P99000001", "length"),
    ("09", citizen("830000"), "region"),
    ("09", citizen("110101"), "region"),
    ("10", citizen("810000"), "region"),
    ("01", citizen("810000"), "region"),
    ("11", "ABCD1", "form"),
    ("11", "990", "length"),
    ("11", "99_00123", "characters"),
    ("12", "K9900001", "length"),
    ("12", "KK9000001", "form"),
    ("12", citizen("990101")[:17] + ("1" if citizen("990101")[17] != "1" else "2"), "checksum"),
    ("13", "1", "length"),
    ("13", "-12345", "form"),
    ("13", "就诊卡1", "characters"),
    ("14", "0000000000000000", "form"),
    ("14", "99000000000", "length"),
    ("14", "990000000000000A", "characters"),
]


@pytest.mark.parametrize(("id_type", "number", "expected"), BAD)
def test_what_is_wrong_is_said_and_the_number_is_not(id_type: str, number: str, expected: str) -> None:
    assert refusal(id_type, number) == expected


def test_every_type_has_a_rule_and_is_tried_here() -> None:
    assert {id_type for id_type, *_ in GOOD} | {"01"} == set(DOCUMENT_TYPES)
    assert {id_type for id_type, *_ in BAD} == set(DOCUMENT_TYPES)


@given(
    st.text(string.digits, min_size=12, max_size=18).filter(lambda text: text[0] != "0"), st.integers(1, 9)
)
def test_one_wrong_digit_of_a_bank_card_is_found(digits: str, by: int) -> None:
    number = luhn_number(digits)
    assert read("14", number).number == number
    wrong = number[:-1] + str((int(number[-1]) + by) % 10)
    assert refusal("14", wrong) == "checksum"


@given(st.sampled_from(sorted(DOCUMENT_TYPES)), st.text(max_size=30) | DIGITS)
def test_any_text_is_read_or_refused_and_reading_twice_changes_nothing(id_type: str, text: str) -> None:
    try:
        once = read_number(id_type, text, TODAY, allows_test_numbers=True)
    except InvalidInput as refused:
        assert refused.code == "document.invalid_number"
        return
    assert read_number(id_type, once, TODAY, allows_test_numbers=True) == once


@given(st.sampled_from([t for t in DOCUMENT_TYPES.values() if not t.tells_particulars]))
def test_a_number_that_does_not_tell_needs_the_particulars(kind: object) -> None:
    code = kind.code  # type: ignore[attr-defined]
    number = next(
        written for id_type, written, _ in GOOD if id_type == code and len(written.replace(" ", "")) != 18
    )
    for born_on, gender, missing in (
        (None, None, ["gender", "birth_on"]),
        (BORN_ON, None, ["gender"]),
        (BORN_ON, "other", ["gender"]),
        (None, "male", ["birth_on"]),
        (date(2026, 11, 23), "male", ["birth_on"]),
        (date(1895, 1, 1), "male", ["birth_on"]),
    ):
        with pytest.raises(InvalidInput) as refused:
            read_document(code, number, TODAY, allows_test_numbers=True, born_on=born_on, gender=gender)
        assert refused.value.code == "document.needs_particulars"
        assert refused.value.detail == {"fields": missing}


@pytest.mark.parametrize(
    ("born_on", "gender", "wrong"),
    [
        (BORN_ON, "male", ["gender"]),
        (date(2000, 2, 28), "female", ["birth_on"]),
        (date(2000, 2, 28), "male", ["gender", "birth_on"]),
    ],
)
def test_particulars_that_contradict_the_number_are_refused(
    born_on: date, gender: str, wrong: list[str]
) -> None:
    for id_type in ("01", "02", "12"):
        with pytest.raises(InvalidInput) as refused:
            read_document(
                id_type, citizen("990101"), TODAY, allows_test_numbers=True, born_on=born_on, gender=gender
            )
        assert refused.value.code == "document.contradicts"
        assert refused.value.detail == {"fields": wrong}


def test_nobody_has_a_birth_certificate_from_before_there_were_any() -> None:
    with pytest.raises(InvalidInput) as refused:
        read_document(
            "08", "P990000001", TODAY, allows_test_numbers=True, born_on=date(1995, 12, 31), gender="male"
        )
    assert refused.value.code == "document.contradicts"


def test_made_up_certificates_and_permits_are_refused_in_production() -> None:
    assert refusal("08", "P990000001", allows_test_numbers=False) == "region"
    assert refusal("09", citizen("998100"), allows_test_numbers=False) == "region"
    assert read("08", "P110000001", allows_test_numbers=False).number == "P110000001"


def test_one_citizen_number_is_one_key_on_whatever_paper() -> None:
    number = citizen("990101")
    assert {read(id_type, number).key for id_type in ("01", "02", "12")} == {f"01|{number}"}
    assert read("12", "990000012").key == "12|990000012"
    assert read("03", "990000012").key == "03|990000012"


def test_what_is_only_carried_proves_nobody_and_is_not_claimed_online() -> None:
    weak = {code for code, kind in DOCUMENT_TYPES.items() if not kind.proves_identity}
    assert weak == {"12", "13", "14"}
    assert {code for code, kind in DOCUMENT_TYPES.items() if not kind.claimable_online} == weak
    assert all(kind.readable_at_window for kind in DOCUMENT_TYPES.values())
    assert DOCUMENT_TYPES["01"].needs == ()
    assert DOCUMENT_TYPES["03"].needs == ("gender", "birth_on")


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        read_document("05", "1", TODAY, allows_test_numbers=True)
    assert refused.value.code == "document.unknown_type"
