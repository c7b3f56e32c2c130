"""Names of people and phone numbers, as they are written and as they are kept (I1)."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.city import build_city
from server.core.errors import InvalidInput
from server.core.phones import read_phone
from server.identity.names import MIDDLE_DOT, read_name, same_name

pytestmark = pytest.mark.feature("I1")


def reason(name: str) -> str:
    with pytest.raises(InvalidInput) as refused:
        read_name(name)
    assert refused.value.code == "name.invalid"
    return str(refused.value.detail["reason"])


@pytest.mark.parametrize("name", sorted({resident.name for resident in build_city().residents}))
def test_a_name_on_a_card_stays_as_it_is(name: str) -> None:
    assert read_name(name) == name


@pytest.mark.parametrize("dot", "•・‧∙⋅．●｡.·")
def test_every_middle_dot_is_the_one_of_the_card(dot: str) -> None:
    assert read_name(f"买买提{dot}艾力") == f"买买提{MIDDLE_DOT}艾力"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (" 王 三 ", "王三"),
        ("王\u3000三", "王三"),
        ("John  Smith", "John  Smith"),
        ("O'Neill", "O'Neill"),
        ("Jose\u0301 A", "Jos\u00e9 A"),
        ("\ue000三", "\ue000三"),
        ("\U000323af三", "\U000323af三"),
    ],
)
def test_the_normal_form(written: str, kept: str) -> None:
    assert read_name(written) == kept


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", "length"),
        ("王", "length"),
        ("王" * 51, "length"),
        ("·王三", "dot"),
        ("王三·", "dot"),
        ("王··三", "dot"),
        ("王3", "characters"),
        ("王\u0000三", "characters"),
        ("王\u202e三", "characters"),
        ("王\u200b三", "characters"),
        ("<b>王</b>", "characters"),
        ("王😀", "characters"),
        ("王，三", "characters"),
    ],
)
def test_the_reason_is_named(name: str, expected: str) -> None:
    assert reason(name) == expected


@given(st.text(max_size=60))
def test_reading_twice_changes_nothing(text: str) -> None:
    try:
        once = read_name(text)
    except InvalidInput as refused:
        assert refused.code == "name.invalid"
        return
    assert read_name(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert same_name(text, once)


def test_capitals_make_no_other_name() -> None:
    assert same_name("John Smith", "JOHN SMITH")
    assert not same_name("王三", "王四")


@given(st.from_regex(r"\A1[3-9][0-9]{9}\Z"), st.sampled_from(["", "+86", "+86 ", " "]))
def test_a_phone_is_eleven_digits(phone: str, before: str) -> None:
    assert read_phone(f"{before}{phone[:3]}-{phone[3:7]} {phone[7:]}") == phone


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12345678901",
        "1380000000",
        "138000000000",
        "+1 3800000000",
        "１３８００００００００",
        "138a0000000",
    ],
)
def test_what_is_no_phone(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_phone(text)
    assert refused.value.code == "phone.invalid"


@given(st.text(max_size=40))
def test_any_text_is_a_phone_or_refused(text: str) -> None:
    try:
        phone = read_phone(text)
    except InvalidInput:
        return
    assert len(phone) == 11
    assert phone.isascii()
