"""Identifiers of hospitals and programmes: one value of one domain is one person's, through merges (I4)."""

import asyncio
from typing import Any

import pytest
from pymongo.database import Database

from server.core.audit import Actor
from server.core.errors import Conflict, Forbidden, Malformed, NotFound
from server.identity.identifiers.model import Identifier
from tests.harness import Platform
from tests.stores.persons import CHECKER, HOSPITAL, MAKER, identity_card, person_id_of, said

pytestmark = [pytest.mark.feature("I4"), pytest.mark.gen_test]


async def two(platform: Platform) -> tuple[str, str]:
    return (
        await person_id_of(platform, said("张伟", identity_card(11))),
        await person_id_of(platform, said("赵敏", identity_card(12))),
    )


async def test_from_one_domain_to_another(platform: Platform, db: Database[Any]) -> None:
    identifiers = platform.app.services.identifiers
    one, other = await two(platform)
    await identifiers.bind("hospital-a", "A-17", one, HOSPITAL)
    await identifiers.bind("hospital-b", "0017", one, HOSPITAL)
    await identifiers.bind("hospital-b", "0018", other, HOSPITAL)
    found = await identifiers.cross_reference(Identifier("hospital-a", "A-17"), ["hospital-b"], HOSPITAL)
    assert (found.person_id, found.identifiers) == (one, (Identifier("hospital-b", "0017"),))
    everything = await identifiers.cross_reference(Identifier("hospital-b", "0017"), [], HOSPITAL)
    assert everything.identifiers == (Identifier("hospital-a", "A-17"),)
    assert "A-17" not in str(list(db.identifiers.find()))
    [act] = db.audit.find({"action": "identifiers.cross_reference", "detail.targets": ["hospital-b"]})
    assert (act["object"]["id"], "A-17" in str(act)) == (one, False)


async def test_unknown_domains_and_values_are_told_apart(platform: Platform) -> None:
    identifiers = platform.app.services.identifiers
    one, _ = await two(platform)
    await identifiers.bind("hospital-a", "A-17", one, HOSPITAL)
    for source, targets, kind, code in (
        (Identifier("nowhere", "A-17"), [], Malformed, "identifier.unknown_domain"),
        (Identifier("hospital-a", "A-18"), [], NotFound, "identifier.not_found"),
        (Identifier("hospital-a", "A-17"), ["nowhere"], Forbidden, "identifier.unknown_target"),
    ):
        with pytest.raises(kind) as refused:
            await identifiers.cross_reference(source, targets, HOSPITAL)
        assert refused.value.code == code  # type: ignore[attr-defined]


async def test_a_number_is_not_taken_from_somebody_but_by_staff(platform: Platform) -> None:
    identifiers = platform.app.services.identifiers
    one, other = await two(platform)
    for _ in range(2):
        assert await identifiers.bind("hospital-a", "A-17", one, HOSPITAL) == one
    with pytest.raises(Conflict) as taken:
        await identifiers.bind("hospital-a", "A-17", other, HOSPITAL)
    assert taken.value.code == "identifier.taken"
    assert await identifiers.find_person_id("hospital-a", "A-17") == one
    assert await identifiers.bind("hospital-a", "A-17", other, MAKER) == other
    assert await identifiers.find_person_id("hospital-a", "A-17") == other


async def test_32_bind_one_number_at_once(platform: Platform) -> None:
    identifiers = platform.app.services.identifiers
    people = await two(platform)
    results = await asyncio.gather(
        *(
            identifiers.bind("hospital-a", "A-17", people[number % 2], Actor("app", f"app-{number}"))
            for number in range(32)
        ),
        return_exceptions=True,
    )
    holder = await identifiers.find_person_id("hospital-a", "A-17")
    assert results.count(holder) == 16
    assert sum(isinstance(result, Conflict) for result in results) == 16


async def test_identifiers_follow_a_merge_and_come_back(platform: Platform) -> None:
    identifiers, merges = platform.app.services.identifiers, platform.app.services.merges
    one, other = await two(platform)
    await identifiers.bind("hospital-a", "A-17", one, HOSPITAL)
    await identifiers.bind("hospital-b", "0018", other, HOSPITAL)
    merge = await merges.propose(one, other, MAKER, "alike")
    await merges.approve(merge.merge_id, CHECKER)
    found = await identifiers.cross_reference(Identifier("hospital-b", "0018"), ["hospital-a"], HOSPITAL)
    assert (found.person_id, found.identifiers) == (other, (Identifier("hospital-a", "A-17"),))
    back = await identifiers.cross_reference(Identifier("hospital-a", "A-17"), [], HOSPITAL)
    assert (back.person_id, back.identifiers) == (other, (Identifier("hospital-b", "0018"),))
    assert await identifiers.bind("hospital-a", "A-17", other, HOSPITAL) == other, (
        "it is his through the merge"
    )
    await merges.propose_reversal(merge.merge_id, MAKER, "no")
    await merges.approve_reversal(merge.merge_id, CHECKER)
    assert await identifiers.find_person_id("hospital-a", "A-17") == one
