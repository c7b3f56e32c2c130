"""The made-up city: the same every time, right in every number, hard in every name."""

import re
from collections import Counter

import pytest
from stdnum.cn.ric import calc_check_digit

from sandbox.city import build_city, check_digit


def test_the_same_seed_gives_the_same_city() -> None:
    assert build_city(1) == build_city(1)
    assert build_city(1).residents != build_city(2).residents


@pytest.mark.parametrize("seed", range(1, 6))
def test_every_identity_number_is_right_and_nobodys(seed: int) -> None:
    residents = build_city(seed).residents
    assert len({resident.id_no for resident in residents}) == 200
    for resident in residents:
        assert resident.id_type == "01"
        assert resident.id_no.startswith("99")
        assert resident.id_no[6:14] == f"{resident.birth_on:%Y%m%d}"
        assert (int(resident.id_no[16]) % 2 == 1) == (resident.gender == "male")
        assert resident.id_no[17] == calc_check_digit(resident.id_no)


def test_the_check_digit_is_that_of_the_standards_examples() -> None:
    # GB 11643-1999, annex A.
    assert check_digit("11010519491231002") == "X"
    assert check_digit("44052418800101001") == "4"


@pytest.mark.parametrize("seed", range(1, 6))
def test_phones_are_unique_and_of_the_right_form(seed: int) -> None:
    phones = [resident.phone for resident in build_city(seed).residents]
    assert len(set(phones)) == 200
    assert all(re.fullmatch(r"1[3-9]\d{9}", phone) for phone in phones)


@pytest.mark.parametrize("seed", range(1, 6))
def test_names_and_ages_are_hard_on_software(seed: int) -> None:
    residents = build_city(seed).residents
    decades = Counter(resident.birth_on.year // 10 for resident in residents)
    assert set(decades) == set(range(192, 203))
    assert sum("·" in resident.name for resident in residents) >= 15
    assert sum(any(ord(sign) > 0xFFFF for sign in resident.name) for resident in residents) >= 5
    assert Counter(resident.name for resident in residents)["张伟"] >= 2
    assert {len(resident.name) for resident in residents} >= {2, 3, 4}
    leap_day = [
        resident for resident in residents if (resident.birth_on.month, resident.birth_on.day) == (2, 29)
    ]
    assert leap_day


def test_there_is_one_centre_and_three_hospitals_with_every_kind_of_terminal() -> None:
    city = build_city()
    assert city.centre_id
    assert len(city.hospitals) == 3
    terminals = [terminal for hospital in city.hospitals for terminal in hospital.terminals]
    assert len({terminal.terminal_id for terminal in terminals}) == len(terminals)
    for hospital in city.hospitals:
        assert {terminal.channel for terminal in hospital.terminals} == {"0100", "0200", "0300"}


def test_the_authority_can_be_told_of_everybody() -> None:
    persons = build_city().persons()
    assert len(persons) == 200
    assert set(persons[0]) == {"name", "id_type", "id_no", "phone"}
