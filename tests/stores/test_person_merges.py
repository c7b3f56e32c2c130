"""Merging and un-merging: two people agree, nothing is lost, no circle, and every step is on record."""

import asyncio
from datetime import date
from typing import Any

import pytest
from pymongo.database import Database

from server.core.errors import Conflict, EhcError, Forbidden, NotFound
from server.identity.merges.model import MergeState
from tests.harness import Platform
from tests.stores.persons import CHECKER, MAKER, identity_card, passport, person_id_of, register, said

pytestmark = [pytest.mark.feature("I3"), pytest.mark.gen_test]


async def two(platform: Platform) -> tuple[str, str]:
    """Two persons of nothing in common."""
    one = await person_id_of(platform, said("张伟", identity_card(11), phone="19900000001"))
    other = await person_id_of(platform, said("Maria Silva", passport("EA1234567"), phone="19900000002"))
    return one, other


async def merged(platform: Platform, absorbed: str, survivor: str) -> str:
    merges = platform.app.services.merges
    merge = await merges.propose(absorbed, survivor, MAKER, "the same woman, seen with both papers")
    await merges.approve(merge.merge_id, CHECKER)
    return merge.merge_id


async def test_a_merge_leads_every_question_to_the_survivor_and_can_be_undone(
    platform: Platform, db: Database[Any]
) -> None:
    identity, merges = platform.app.services.identity, platform.app.services.merges
    survivor, absorbed = await two(platform)
    before = db.persons.find_one({"_id": absorbed})
    merge_id = await merged(platform, absorbed, survivor)

    assert (await identity.get_person(absorbed)).person_id == survivor
    found = await identity.find_by_document(passport("EA1234567"))
    assert found is not None
    assert found.person_id == survivor
    again = await register(platform, said("Maria Silva", passport("EA1234567"), phone="19900000003"))
    assert again.outcome == "review", "the name is not the survivor's: a person looks at it"

    await merges.propose_reversal(merge_id, MAKER, "two women after all")
    await merges.approve_reversal(merge_id, CHECKER)
    person = await identity.get_person(absorbed)
    assert (person.person_id, person.is_live, person.contact.phone) == (absorbed, True, "19900000002")
    assert person.distinct_from == {survivor}
    after = db.persons.find_one({"_id": absorbed})
    assert before is not None and after is not None
    kept = ("particulars", "documents", "evidence", "origin", "registered_at")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}


async def test_he_who_proposes_does_not_approve(platform: Platform) -> None:
    merges = platform.app.services.merges
    survivor, absorbed = await two(platform)
    merge = await merges.propose(absorbed, survivor, MAKER, "one and the same")
    with pytest.raises(Forbidden) as refused:
        await merges.approve(merge.merge_id, MAKER)
    assert refused.value.code == "merge.needs_another"
    assert (await platform.app.services.identity.get_person(absorbed)).is_live
    await merges.approve(merge.merge_id, CHECKER)
    await merges.propose_reversal(merge.merge_id, CHECKER, "not the same")
    with pytest.raises(Forbidden):
        await merges.approve_reversal(merge.merge_id, CHECKER)
    assert (await merges.approve_reversal(merge.merge_id, MAKER)).state is MergeState.REVERSED


async def test_a_refused_merge_and_a_refused_reversal_change_nothing(platform: Platform) -> None:
    identity, merges = platform.app.services.identity, platform.app.services.merges
    survivor, absorbed = await two(platform)
    merge = await merges.propose(absorbed, survivor, MAKER, "alike")
    with pytest.raises(Conflict) as open_already:
        await merges.propose(absorbed, survivor, CHECKER, "alike")
    assert open_already.value.code == "merge.open"
    refused = await merges.refuse(merge.merge_id, CHECKER, "sisters")
    assert (refused.state, refused.steps[-1].reason) == (MergeState.REFUSED, "sisters")
    assert (await identity.get_person(absorbed)).is_live
    merge_id = await merged(platform, absorbed, survivor)
    await merges.propose_reversal(merge_id, MAKER, "hm")
    assert (await merges.refuse_reversal(merge_id, CHECKER, "no")).state is MergeState.DONE
    assert (await identity.get_person(absorbed)).person_id == survivor


async def test_both_ways_at_once_make_no_circle(platform: Platform) -> None:
    identity, merges = platform.app.services.identity, platform.app.services.merges
    for round_no, (name, latin) in enumerate(zip("伟芳明静强敏杰娟", "ABCDEFGH", strict=True)):
        # People of one birth date and name would be held for a review, rightly.
        born_on = date(1941 + 7 * round_no, 1 + round_no, 3 + 2 * round_no)
        one = await person_id_of(platform, said(f"张{name}", identity_card(101, born_on)))
        other_paper = passport(f"EB00000{round_no:02d}", date(1938 + 9 * round_no, 12 - round_no, 27))
        other = await person_id_of(platform, said(f"Li {latin}ung", other_paper))
        there = await merges.propose(one, other, MAKER, "alike")
        back = await merges.propose(other, one, MAKER, "alike")
        results = await asyncio.gather(
            merges.approve(there.merge_id, CHECKER),
            merges.approve(back.merge_id, CHECKER),
            return_exceptions=True,
        )
        refused = [result for result in results if isinstance(result, EhcError)]
        assert [error.code for error in refused] == ["merge.not_live"], results
        assert (await identity.get_person(one)).person_id == (await identity.get_person(other)).person_id


async def test_a_chain_leads_to_its_end_and_each_link_can_be_taken_out(platform: Platform) -> None:
    identity, merges = platform.app.services.identity, platform.app.services.merges
    one, other = await two(platform)
    third = await person_id_of(platform, said("赵敏", identity_card(12)))
    first = await merged(platform, one, other)
    await merged(platform, other, third)
    assert (await identity.get_person(one)).person_id == third
    await merges.propose_reversal(first, MAKER, "no")
    await merges.approve_reversal(first, CHECKER)
    assert (await identity.get_person(one)).person_id == one
    assert (await identity.get_person(other)).person_id == third


async def test_what_is_not_there_or_not_live_is_not_merged(platform: Platform) -> None:
    merges = platform.app.services.merges
    one, other = await two(platform)
    with pytest.raises(NotFound):
        await merges.propose("01M8149T000000000000000009", one, MAKER, "alike")
    with pytest.raises(EhcError) as same:
        await merges.propose(one, one, MAKER, "alike")
    assert same.value.code == "merge.same_person"
    merge_id = await merged(platform, one, other)
    third = await person_id_of(platform, said("赵敏", identity_card(12)))
    with pytest.raises(Conflict) as gone:
        await merges.propose(third, one, MAKER, "alike")
    assert gone.value.code == "merge.not_live"
    with pytest.raises(Conflict) as done:
        await merges.approve(merge_id, CHECKER)
    assert (done.value.code, done.value.detail) == ("merge.not_waiting", {"state": "done"})


async def test_every_step_is_on_record_and_told_by_event(platform: Platform, db: Database[Any]) -> None:
    one, other = await two(platform)
    merge_id = await merged(platform, one, other)
    await platform.app.services.merges.propose_reversal(merge_id, MAKER, "张伟 came in person")
    await platform.app.services.merges.approve_reversal(merge_id, CHECKER)
    acts = [(row["action"], row["actor"]["id"]) for row in db.audit.find({"object.id": merge_id}).sort("_id")]
    assert acts == [
        ("merges.propose", "maker"),
        ("merges.approve", "checker"),
        ("merges.propose_reversal", "maker"),
        ("merges.approve_reversal", "checker"),
    ]
    row = db.persons.find_one({"_id": one})
    assert row is not None
    events = [(event["name"], event["data"]) for event in row["outbox"]["events"]]
    told = {"merge_id": merge_id, "absorbed_id": one, "survivor_id": other}
    assert events[-2:] == [("person.merged", told), ("person.unmerged", told)]
    assert "张伟".encode() not in bytes(str(db.merges.find_one()), "utf-8")
    await platform.work()
    assert db.persons.find_one({"outbox": {"$exists": True}}) is None
