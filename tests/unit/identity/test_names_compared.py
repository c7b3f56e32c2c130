"""The forms names are compared in: variants, sounds, slips, placeholders (I5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.identity.names import name_keys

pytestmark = pytest.mark.feature("I5")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("张伟", "張偉"),
        ("买买提·艾力", "买买提•艾力"),
        ("买买提·艾力", "买买提艾力"),
        ("王 三", "王三"),
        ("John Smith", "JOHN-SMITH"),
    ],
)
def test_one_name_in_two_forms_is_folded_to_one(one: str, other: str) -> None:
    assert name_keys(one).folded == name_keys(other).folded


def test_middle_dots_make_no_difference_and_variants_do() -> None:
    assert name_keys("买买提·艾力").name == name_keys("买买提．艾力").name
    assert name_keys("张伟").name != name_keys("張偉").name


@pytest.mark.parametrize(
    ("one", "other"), [("张伟", "章威"), ("王晓明", "王小铭"), ("曾丽", "增莉"), ("单红", "山宏")]
)
def test_homophones_sound_the_same(one: str, other: str) -> None:
    a, b = name_keys(one), name_keys(other)
    assert a.sound == b.sound
    assert a.folded != b.folded


@pytest.mark.parametrize(
    ("one", "other"), [("陈静", "程进"), ("李兰", "李南"), ("张胜", "臧森"), ("胡敏", "福明")]
)
def test_what_southern_speakers_exchange_sounds_nearly_the_same(one: str, other: str) -> None:
    a, b = name_keys(one), name_keys(other)
    assert a.near_sound == b.near_sound
    assert a.sound != b.sound


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("王小明", "王小红", True),
        ("王小明", "王明", True),
        ("王小明", "王明小", True),
        ("王小明", "李大红", False),
        ("王明", "王红", False),  # two characters: a shared surname is no near name
    ],
)
def test_one_slip_apart(one: str, other: str, expected: bool) -> None:
    assert bool(name_keys(one).slips & name_keys(other).slips) is expected


@pytest.mark.parametrize(
    ("name", "expected"), [("李芳之子", True), ("李芳之大双", True), ("王子", False), ("李芳", False)]
)
def test_a_newborns_placeholder_is_seen(name: str, expected: bool) -> None:
    assert name_keys(name).is_placeholder is expected


def test_a_rare_character_is_itself() -> None:
    assert name_keys("\U000323af三").folded == "\U000323af三"
    assert name_keys("\U00020bb7三").sound != name_keys("吉三").sound


@given(st.text(max_size=20))
def test_any_text_has_keys_and_folding_twice_changes_nothing(text: str) -> None:
    keys = name_keys(text)
    assert name_keys(keys.name).name == keys.name
    assert keys.folded in keys.slips
