"""Codes of steps, channels and cost types: what is in the tables, both ways, and nothing that is guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from server.core.errors import InvalidInput
from server.usage.code_mappings.model import CodeMapping, no_mapping
from server.usage.codes import Codes
from server.usage.tables import CHANNELS, COST_TYPES, STEPS, UsageTables

pytestmark = pytest.mark.feature("V9")

TABLES = UsageTables()
OURS = st.sampled_from(sorted(STEPS))
THEIRS = st.text("ABCDEF0123456789._-", min_size=1, max_size=8)


def codes(**tables: dict[str, str]) -> Codes:
    return Codes(TABLES, CodeMapping("h", 1, **{"steps": {}, "channels": {}, "cost_types": {}, **tables}))


@given(THEIRS)
def test_without_a_mapping_our_tables_alone_are_read(given: str) -> None:
    for spoken in (Codes(TABLES), Codes(TABLES, no_mapping("h"))):
        if given in STEPS:
            assert spoken.step(given) == given
        else:
            with pytest.raises(InvalidInput, match=r"scene\.unknown"):
                spoken.step(given)
    assert all(spoken.channel(one) == one for one in CHANNELS)
    assert all(spoken.cost_type(one) == one for one in COST_TYPES)


@given(st.dictionaries(THEIRS, OURS, min_size=1, max_size=20), THEIRS)
def test_a_mapped_table_is_read_by_its_mapping_alone_and_told_back(steps: dict[str, str], other: str) -> None:
    spoken = codes(steps=steps)
    for theirs, ours in steps.items():
        assert spoken.step(theirs) == ours
        words = [one for one in steps if steps[one] == ours]
        assert spoken.their_step(ours) == (theirs if words == [theirs] else None), "never one of several"
    if other not in steps:
        with pytest.raises(InvalidInput):
            spoken.step(other)
    for ours in STEPS.keys() - set(steps.values()):
        assert spoken.their_step(ours) is None
    assert spoken.channel("0100") == "0100", "the other tables are as they were"


def test_a_hospitals_word_may_mean_something_else_than_ours() -> None:
    spoken = codes(channels={"0100": "0200"}, cost_types={"YB": "0200"})
    assert (spoken.channel("0100"), spoken.their_channel("0200")) == ("0200", "0100")
    assert (spoken.cost_type("YB"), spoken.their_cost_type("0200")) == ("0200", "YB")
    assert spoken.channel_of(None, "0100") == "0100", "a terminal is admitted in our words"
    with pytest.raises(InvalidInput, match=r"channel\.unknown"):
        spoken.channel("0200")
    with pytest.raises(InvalidInput, match=r"cost_type\.unknown"):
        spoken.cost_type("0200")


def test_a_mapping_to_a_code_that_left_the_table_leads_nowhere() -> None:
    with pytest.raises(InvalidInput):
        codes(steps={"A": "999999"}).step("A")


def plain() -> dict[str, object]:
    return UsageTables().model_dump(mode="json")


def test_a_centre_adds_codes_and_cannot_take_or_turn_the_first_ones() -> None:
    more = plain()
    more["steps"] = {
        **STEPS,
        "020101": {"name": "collecting medicine"},
        "020199": {"name": "x", "pays": True},
    }
    added = UsageTables.model_validate(more)
    assert Codes(added).step("020101") == "020101"
    assert Codes(added).pays("020199") and not Codes(added).pays("020101")
    wrong: list[dict[str, object]] = [
        {"steps": {}},
        {"channels": {"0100": "window"}},
        {"cost_types": {}},
        {"steps": {**STEPS, "010105": {"name": "paying"}}},
        {"steps": {**STEPS, "0101059": {"name": "paying by night"}}},
        {"steps": {**STEPS, "010101": {"name": "registration", "pays": True}}},
        {"steps": {**STEPS, "letters": {"name": "x"}}},
        {"steps": {**STEPS, "020101": {"name": ""}}},
    ]
    for change in wrong:
        with pytest.raises(ValidationError):
            UsageTables.model_validate({**plain(), **change})
