"""Twins, families, newborns, namesakes: what the matching engine decides, and how it says why (I5)."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.identity.levels import LEVELS, MISSING, are_two_people, levels
from server.identity.matching import (
    Decision,
    MatchingPolicy,
    MatchRecord,
    blocking_keys,
    compare,
    decide,
    traits,
)
from server.identity.weights import BadWeights, read_weights, shipped_weights
from tests.bench.persons import check_digit

pytestmark = pytest.mark.feature("I5")


def citizen(serial: int, born_on: date) -> str:
    first = f"990101{born_on:%Y%m%d}{serial:03}"
    return f"01|{first}{check_digit(first)}"


def wrong_at_the_end(number: str) -> str:
    return number[:-1] + ("0" if number[-1] != "0" else "1")


BORN_ON = date(1985, 3, 12)
ADULT = MatchRecord(
    name="王晓明",
    gender="male",
    born_on=BORN_ON,
    phone="19900000001",
    address="海州市城东区人民路88号3栋502室",
    documents=(citizen(1, BORN_ON),),
)
CHILD_BORN_ON = date(2022, 5, 6)
TWIN = MatchRecord(
    name="王子轩",
    gender="male",
    born_on=CHILD_BORN_ON,
    phone="19900000001",
    address="海州市城东区人民路88号3栋502室",
    guardian_name="王晓明",
    guardian_phone="19900000001",
)


def outcome(record: MatchRecord, *known: MatchRecord, policy: MatchingPolicy | None = None) -> Decision:
    return decide({f"P{place}": compare(record, person) for place, person in enumerate(known)}, policy)


def level(field: str, one: MatchRecord, other: MatchRecord) -> str:
    return levels(traits(one), traits(other))[field]


def test_the_same_record_is_the_same_person() -> None:
    decision = outcome(ADULT, ADULT)
    assert (decision.outcome, decision.person_id, decision.candidates) == ("same", "P0", ("P0",))


@pytest.mark.parametrize(
    "change",
    [
        {"documents": ()},
        {"documents": (), "name": "王曉明"},
        {"documents": (), "address": ""},
        {"phone": "19900000009", "address": "别处路1号"},
        {"name": "王小铭"},
        {"documents": (), "born_on": date(1985, 12, 3)},
        {"documents": (wrong_at_the_end(citizen(1, BORN_ON)),)},
    ],
)
def test_one_persons_records_with_everyday_errors_join(change: dict[str, object]) -> None:
    assert outcome(replace(ADULT, **change), ADULT).outcome == "same"  # type: ignore[arg-type]


def test_somebody_else_is_new() -> None:
    other = MatchRecord("李芳", "female", date(1990, 1, 2), "19900000007", "海州市江口区梅岭街7号1栋101室")
    assert outcome(other, ADULT).outcome == "new"
    assert outcome(other).outcome == "new"


def test_two_whole_numbers_are_two_people_whatever_else_agrees() -> None:
    other = replace(ADULT, documents=(citizen(3, BORN_ON),))
    comparison = compare(other, ADULT)
    assert comparison.at_most == "new"
    assert outcome(other, ADULT).outcome == "new"
    one, another = replace(ADULT, documents=("06|H99000001",)), replace(ADULT, documents=("06|H99000002",))
    assert level("documents", one, another) == "two_people"


def test_a_passport_that_was_renewed_waits_for_a_human() -> None:
    one, other = replace(ADULT, documents=("03|E99000001",)), replace(ADULT, documents=("03|E99000002",))
    assert level("documents", one, other) == "other_number"
    assert outcome(one, other).outcome == "review"


def test_twins_never_join_by_themselves() -> None:
    brother = replace(TWIN, name="王子涵")
    sister = replace(TWIN, name="王思涵", gender="female")
    for one in (brother, sister):
        assert outcome(one, TWIN).outcome in ("review", "new")
    numbered = replace(TWIN, documents=(citizen(1, CHILD_BORN_ON),))
    assert outcome(replace(brother, documents=(citizen(3, CHILD_BORN_ON),)), numbered).outcome == "new"


def test_twins_whose_names_sound_alike_and_sex_differs_wait() -> None:
    assert outcome(replace(TWIN, name="王子萱", gender="female"), TWIN).outcome == "review"


def test_parent_and_child_on_one_phone_are_two() -> None:
    assert outcome(TWIN, ADULT).outcome == "new"
    assert outcome(TWIN, replace(ADULT, documents=())).outcome == "new"


def test_a_child_with_its_parents_number_waits_for_a_human() -> None:
    decision = outcome(replace(TWIN, documents=ADULT.documents), ADULT)
    assert decision.outcome == "review"
    assert decision.candidates == ("P0",)


def test_a_newborn_without_a_number_meets_itself_with_one() -> None:
    newborn = replace(TWIN, name="李芳之子", guardian_name="李芳", documents=("08|Z990000001",))
    named = replace(TWIN, documents=(citizen(1, CHILD_BORN_ON),), guardian_name="李芳")
    assert outcome(named, newborn).outcome == "review"
    both = replace(named, documents=(*named.documents, "08|Z990000001"))
    assert outcome(both, newborn).outcome == "same"
    unnumbered = replace(named, documents=())
    assert outcome(named, unnumbered).outcome == "same"


def test_two_newborns_of_one_mother_wait_even_if_all_else_agrees() -> None:
    newborn = replace(TWIN, name="李芳之子", guardian_name="李芳")
    assert outcome(newborn, newborn).outcome == "review"


def test_namesakes_born_on_one_day_do_not_join_in_a_large_register() -> None:
    other = replace(ADULT, documents=(), phone="19900000008", address="海州市江口区梅岭街7号1栋101室")
    city = MatchingPolicy(population=5_000_000)
    assert outcome(other, replace(ADULT, documents=()), policy=city).outcome == "review"


def test_a_record_that_fits_two_persons_waits() -> None:
    record = replace(ADULT, documents=())
    decision = outcome(record, record, replace(record, address=""))
    assert decision.outcome == "review"
    assert set(decision.candidates) == {"P0", "P1"}
    assert decision.candidates[0] == "P0"


def test_thresholds_move_with_the_register_and_may_be_set() -> None:
    weights = shipped_weights()
    small, large = MatchingPolicy(population=1000), MatchingPolicy(population=4000)
    assert large.thresholds(weights)[0] == pytest.approx(small.thresholds(weights)[0] + 2)
    assert MatchingPolicy(same_from_bits=9, review_from_bits=1).thresholds(weights) == (9, 1)
    assert MatchingPolicy(same_from_bits=9, review_from_bits=20).thresholds(weights) == (9, 9)


def test_every_field_is_explained_without_a_value() -> None:
    comparison = compare(TWIN, ADULT)
    assert [one.field for one in comparison.explanations] == list(LEVELS)
    said = repr(comparison)
    for value in (TWIN.name, ADULT.name, TWIN.phone, "1985", "2022", *ADULT.documents):
        assert value not in said
    weights = shipped_weights()
    total = sum(one.weight_bits for one in comparison.explanations) + weights.prior_bits
    assert comparison.weight_bits == pytest.approx(total, abs=0.1)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (date(1985, 3, 12), date(1985, 12, 3), "transposed"),
        (date(1985, 3, 12), date(1985, 3, 21), "transposed"),
        (date(1985, 3, 12), date(1985, 3, 15), "one_digit"),
        (date(1989, 3, 12), date(1990, 3, 12), "year_off"),
        (date(1985, 3, 12), date(1985, 4, 27), "lunar"),
        (date(1985, 3, 12), date(1971, 7, 8), "different"),
    ],
)
def test_birthdays(one: date, other: date, expected: str) -> None:
    assert level("born_on", MatchRecord(born_on=one), MatchRecord(born_on=other)) == expected


RECORDS = st.builds(
    MatchRecord,
    name=st.sampled_from(["", "王晓明", "王小铭", "王明", "李芳之子", "買买提·艾力"]),
    gender=st.sampled_from(["", "male", "female"]),
    born_on=st.none() | st.dates(date(1985, 1, 1), date(1985, 12, 31)),
    phone=st.sampled_from(["", "19900000001", "19900000010"]),
    address=st.sampled_from(["", "海州市城东区人民路88号", "人民路88号", "江口区"]),
    guardian_name=st.sampled_from(["", "李芳"]),
    guardian_phone=st.sampled_from(["", "19900000001"]),
    documents=st.lists(
        st.sampled_from(
            [citizen(1, BORN_ON), citizen(3, BORN_ON), wrong_at_the_end(citizen(1, BORN_ON)), "14|9", "03|E1"]
        ),
        max_size=2,
    ).map(tuple),
)


@given(RECORDS, RECORDS)
def test_it_does_not_matter_who_is_compared_with_whom(one: MatchRecord, other: MatchRecord) -> None:
    assert levels(traits(one), traits(other)) == levels(traits(other), traits(one))


@given(RECORDS, RECORDS)
def test_documents_alone_tell_apart_whom_the_first_rule_does(one: MatchRecord, other: MatchRecord) -> None:
    """So the store may leave them out before anything of them is opened."""
    is_out = are_two_people(traits(one).proofs, traits(other).proofs)
    assert is_out is (compare(one, other).at_most == "new")
    if is_out:
        assert decide({"P0": compare(one, other)}).outcome == "new"


@given(RECORDS)
def test_blocking_keys_are_those_of_the_traits_and_empty_fields_have_none(record: MatchRecord) -> None:
    keys = blocking_keys(record)
    assert len(set(keys)) == len(keys)
    assert bool([key for key in keys if key.startswith("name")]) is bool(record.name and record.born_on)
    assert blocking_keys(MatchRecord()) == ()


def test_everyday_errors_keep_a_key_in_common() -> None:
    keys = set(blocking_keys(ADULT))
    for change in (
        {"name": "王小铭", "phone": ""},
        {"name": "王大伟", "phone": ""},
        {"born_on": date(1985, 12, 3), "phone": ""},
        {"born_on": date(1958, 3, 12), "phone": ""},
        {"name": "李芳之子", "born_on": None},
        {"name": "王大伟", "gender": "", "phone": ""},
    ):
        assert keys & set(blocking_keys(replace(ADULT, **change)))  # type: ignore[arg-type]


def test_weights_are_read_back_as_written_and_bad_ones_refused() -> None:
    weights = shipped_weights()
    assert read_weights(weights.as_json()).table["name"]["same"].bits == weights.bits("name", "same")
    assert weights.bits("name", MISSING) == 0
    content = weights.as_json()
    for bad in (
        {},
        {**content, "levels": {}},
        {**content, "prior_bits": "nan"},
        {**content, "thresholds_bits": {"same": 1, "review": 2}},
        {**content, "population": 0},
    ):
        with pytest.raises(BadWeights):
            read_weights(bad)


def test_full_agreement_weighs_most_in_every_field() -> None:
    weights = shipped_weights()
    for field, of_field in LEVELS.items():
        assert all(weights.bits(field, name) <= weights.bits(field, "same") for name in of_field)
