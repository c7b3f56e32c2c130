"""Cards follow their persons: one person, one card, whatever is merged, and all of it comes back."""

from typing import Any

import pytest
from pymongo.database import Database

from sandbox.city import Resident
from server.core.outbox import Event
from tests.harness import Platform
from tests.stores.persons import CHECKER, MAKER, passport, person_id_of, said

pytestmark = [pytest.mark.feature("I3", "C4"), pytest.mark.gen_test]


async def merge(platform: Platform, absorbed: str, survivor: str) -> str:
    merges = platform.app.services.merges
    proposed = await merges.propose(absorbed, survivor, MAKER, "one and the same")
    await merges.approve(proposed.merge_id, CHECKER)
    await platform.work()
    return proposed.merge_id


async def undo(platform: Platform, merge_id: str) -> None:
    await platform.app.services.merges.propose_reversal(merge_id, MAKER, "two people")
    await platform.app.services.merges.approve_reversal(merge_id, CHECKER)
    await platform.work()


async def holder(platform: Platform, db: Database[Any], resident: Resident) -> tuple[str, str, str]:
    """(token, card_id, person_id) of a resident with a card."""
    token, card_id = await platform.holder(resident)
    card = db.cards.find_one({"_id": card_id})
    assert card is not None
    return token, card_id, card["person_id"]


async def status(platform: Platform, token: str, card_id: str) -> str:
    answer = await platform.http.get(f"/api/v1/cards/{card_id}", token=token)
    return str(answer.json["status"])


async def test_the_card_moves_to_a_survivor_who_has_none_and_comes_back(
    platform: Platform, db: Database[Any]
) -> None:
    token, card_id, absorbed = await holder(platform, db, platform.residents[0])
    survivor = await person_id_of(platform, said("Maria Silva", passport("EA1234567")))
    merge_id = await merge(platform, absorbed, survivor)
    card = db.cards.find_one({"_id": card_id})
    assert card is not None
    assert (card["person_id"], card["status"]) == (survivor, "active")
    seen = await platform.scan(platform.partner(), await platform.code(token, card_id))
    assert seen.body["person"]["person_id"] == survivor
    await undo(platform, merge_id)
    card = db.cards.find_one({"_id": card_id})
    assert card is not None
    assert (card["person_id"], card["status"]) == (absorbed, "active")


async def test_a_second_card_is_held_and_comes_back(platform: Platform, db: Database[Any]) -> None:
    one, one_card, absorbed = await holder(platform, db, platform.residents[0])
    other, other_card, survivor = await holder(platform, db, platform.residents[1])
    code = await platform.code(one, one_card)
    merge_id = await merge(platform, absorbed, survivor)
    assert [await status(platform, one, one_card), await status(platform, other, other_card)] == [
        "frozen",
        "active",
    ]
    refused = await platform.scan(platform.partner(), code)
    assert (refused.status, refused.error[0]) == (409, "card.frozen")
    await undo(platform, merge_id)
    assert await status(platform, one, one_card) == "active"
    assert db.cards.count_documents({"is_live": True}) == 2


async def test_a_card_that_went_two_merges_far_finds_its_way_back(
    platform: Platform, db: Database[Any]
) -> None:
    _, card_id, first = await holder(platform, db, platform.residents[0])
    second = await person_id_of(platform, said("Maria Silva", passport("EA1234567")))
    third = await person_id_of(platform, said("Aino Virtanen", passport("FP7654321")))
    inner = await merge(platform, first, second)
    outer = await merge(platform, second, third)
    assert db.cards.find_one({"_id": card_id})["person_id"] == third  # type: ignore[index]
    await undo(platform, inner)
    assert db.cards.find_one({"_id": card_id})["person_id"] == first  # type: ignore[index]
    await undo(platform, outer)
    assert db.cards.find_one({"_id": card_id})["person_id"] == first  # type: ignore[index]


async def test_an_event_that_comes_twice_changes_nothing_more(platform: Platform, db: Database[Any]) -> None:
    _, card_id, absorbed = await holder(platform, db, platform.residents[0])
    _, _, survivor = await holder(platform, db, platform.residents[1])
    merged_cards = platform.app.services.merged_cards
    merge_id = await merge(platform, absorbed, survivor)
    before = db.cards.find_one({"_id": card_id})
    told = {"merge_id": merge_id, "absorbed_id": absorbed, "survivor_id": survivor}
    await merged_cards.follow_merge(Event("e", "person.merged", platform.clock.now(), told))
    assert db.cards.find_one({"_id": card_id}) == before


async def test_a_card_held_while_it_was_with_a_survivor_comes_back_in_use(
    platform: Platform, db: Database[Any]
) -> None:
    """The first merge moves it, a second one of the survivor holds it; the first is undone."""
    token, card_id, first = await holder(platform, db, platform.residents[0])
    second = await person_id_of(platform, said("Maria Silva", passport("EA1234567")))
    _, other_card, third = await holder(platform, db, platform.residents[1])
    moved = await merge(platform, first, second)
    held = await merge(platform, second, third)
    assert await status(platform, token, card_id) == "frozen"
    await undo(platform, moved)
    card = db.cards.find_one({"_id": card_id})
    assert card is not None
    assert (card["person_id"], card["status"], card["holds"]) == (first, "active", [])
    await undo(platform, held)
    assert await status(platform, token, card_id) == "active"
    assert db.cards.find_one({"_id": other_card, "status": "active"}) is not None


async def test_a_held_card_takes_the_place_of_one_that_went_back(
    platform: Platform, db: Database[Any]
) -> None:
    """Two are merged into one who has no card: the second card is held only while the first is there."""
    one, one_card, first = await holder(platform, db, platform.residents[0])
    other, other_card, second = await holder(platform, db, platform.residents[1])
    third = await person_id_of(platform, said("Maria Silva", passport("EA1234567")))
    fourth = await person_id_of(platform, said("Aino Virtanen", passport("FP7654321")))
    moved = await merge(platform, first, third)
    held = await merge(platform, second, third)
    above = await merge(platform, third, fourth)
    assert [await status(platform, one, one_card), await status(platform, other, other_card)] == [
        "active",
        "frozen",
    ]
    await undo(platform, moved)
    card = db.cards.find_one({"_id": other_card})
    assert card is not None
    assert (card["person_id"], card["status"], card["holds"]) == (fourth, "active", [])
    assert await status(platform, one, one_card) == "active"
    for merge_id in (above, held):
        await undo(platform, merge_id)
        assert await status(platform, other, other_card) == "active"
    assert db.cards.find_one({"_id": other_card})["person_id"] == second  # type: ignore[index]
