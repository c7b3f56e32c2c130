"""One matching engine for every source: the same, somebody new, or a person decides (I3, I5)."""

import asyncio
from datetime import date
from typing import Any

import pytest
from pymongo.database import Database

from server.core.audit import Actor
from server.core.errors import Conflict, InvalidInput
from server.identity.documents import Document, read_document
from server.identity.model import Guardian, HeldDocument
from tests.harness import Platform
from tests.stores.persons import (
    CONFIRMED,
    MAKER,
    TODAY,
    identity_card,
    passport,
    person_id_of,
    register,
    said,
)

pytestmark = [pytest.mark.feature("I5"), pytest.mark.gen_test]
HOME = "云溪市青石区槐荫路 17 号 3 幢 602 室"
WEI = {"phone": "19900000001", "address": HOME}


def birth_certificate(serial: int, born_on: date, gender: str) -> Document:
    return read_document(
        "08", f"Z99{serial:07d}", TODAY, allows_test_numbers=True, born_on=born_on, gender=gender
    )


def live(db: Database[Any]) -> int:
    return db.persons.count_documents({"state": "live"})


@pytest.mark.feature("I3")
async def test_32_of_one_document_at_once_from_two_hospitals(platform: Platform, db: Database[Any]) -> None:
    particulars = said("欧阳明月", identity_card(12), **WEI)
    results = await asyncio.gather(
        *(register(platform, particulars, by=Actor("app", f"hospital-{number % 2}")) for number in range(32))
    )
    assert {one.person.person_id for one in results if one.person} == {db.persons.find_one()["_id"]}  # type: ignore[index]
    assert sorted(one.outcome for one in results) == ["new", *["same"] * 31]
    assert db.persons.count_documents({}) == 1
    await platform.work()
    assert live(db) == 1


@pytest.mark.feature("I3")
async def test_32_of_one_human_under_two_documents_at_once(platform: Platform, db: Database[Any]) -> None:
    """Nobody sees the other before both are stored: one of the two indexes is merged into the other."""
    both = (identity_card(12), passport("EA1234567", gender="female"))
    results = await asyncio.gather(
        *(
            register(
                platform,
                said("欧阳明月", both[number % 2], **WEI),
                by=Actor("app", f"hospital-{number % 2}"),
            )
            for number in range(32)
        )
    )
    assert all(one.outcome in ("new", "same") for one in results)
    await platform.work()
    assert live(db) == 1
    [survivor] = db.persons.find({"state": "live"})
    identity = platform.app.services.identity
    for document in both:
        found = await identity.find_by_document(document)
        assert found is not None
        assert found.person_id == survivor["_id"]
    for one in results:
        assert one.person is not None
        assert (await identity.get_person(one.person.person_id)).person_id == survivor["_id"]


async def test_a_second_document_is_added_to_the_one_person(platform: Platform, db: Database[Any]) -> None:
    first = await person_id_of(platform, said("欧阳明月", identity_card(12), **WEI))
    second = await register(platform, said("欧阳明月", passport("EA1234567", gender="female"), **WEI))
    assert (second.outcome, second.person and second.person.person_id) == ("same", first)
    again = await register(platform, said("欧阳明月", passport("EA1234567", gender="female")))
    assert again.person is not None
    assert [one.id_type for one in again.person.documents] == ["01", "03"]
    assert (db.persons.count_documents({}), again.person.contact.address) == (1, HOME)


async def test_fifteen_and_eighteen_digits_and_another_paper_are_one(platform: Platform) -> None:
    long = identity_card(12)
    short = read_document("01", long.number[:6] + long.number[8:17], TODAY, allows_test_numbers=True)
    book = read_document("02", long.number, TODAY, allows_test_numbers=True)
    ids = {await person_id_of(platform, said("欧阳明月", one)) for one in (long, short, book)}
    assert len(ids) == 1


async def test_twins_are_two(platform: Platform, db: Database[Any]) -> None:
    born_on = date(2024, 2, 29)
    home = {"address": HOME, "guardian": Guardian("欧阳明月", "mother", "19900000001")}
    ids = {
        await person_id_of(platform, said("林晓雨", identity_card(22, born_on), **home)),
        await person_id_of(platform, said("林晓雪", identity_card(24, born_on), **home)),
    }
    assert len(ids) == 2
    assert db.person_reviews.count_documents({}) == 0


async def test_a_parent_and_a_child_who_share_a_telephone_are_two(platform: Platform) -> None:
    mother = await person_id_of(platform, said("林雨", identity_card(12, date(1990, 3, 1)), **WEI))
    child = await person_id_of(platform, said("林雨桐", identity_card(14, date(2020, 3, 1)), **WEI))
    assert mother != child


async def test_a_newborn_without_a_name_is_not_taken_for_its_twin(
    platform: Platform, db: Database[Any]
) -> None:
    born_on = date(2026, 11, 20)
    home = {"address": HOME, "guardian": Guardian("欧阳明月", "mother", "19900000001")}
    twins = [birth_certificate(serial, born_on, "female") for serial in (1, 2)]
    first, second = [await register(platform, said("欧阳明月之女", twin, **home)) for twin in twins]
    assert (first.outcome, second.outcome) == ("new", "review")
    assert second.review_id is not None
    reviews = platform.app.services.person_reviews
    decided = await reviews.decide(second.review_id, MAKER, "new", None, "twins, two certificates")
    await platform.work()
    assert live(db) == 2, "who was told apart is not merged afterwards"
    assert decided.decided is not None
    again = await person_id_of(platform, said("欧阳明月之女", twins[1], **home))
    assert again == decided.decided.person_id


async def test_staff_tell_somebody_alike_apart_and_he_stays_so(platform: Platform, db: Database[Any]) -> None:
    await person_id_of(platform, said("欧阳明月", identity_card(12), **WEI))
    other = said("欧阳鸣月", passport("EA1234567", gender="female"))
    asked = await register(platform, other)
    assert asked.review_id is not None
    reviews = platform.app.services.person_reviews
    decided = await reviews.decide(asked.review_id, MAKER, "new", None, "two women")
    await platform.work()
    assert (live(db), db.person_reviews.count_documents({"is_open": True})) == (2, 0)
    assert decided.decided is not None
    assert await person_id_of(platform, other) == decided.decided.person_id
    row = db.person_reviews.find_one()
    assert row is not None
    assert "outbox" not in row


async def test_a_document_under_another_name_is_a_question(platform: Platform, db: Database[Any]) -> None:
    person_id = await person_id_of(platform, said("欧阳明月", identity_card(12), **WEI))
    asked = await register(platform, said("欧阳明珠", identity_card(12)))
    assert (asked.outcome, asked.person) == ("review", None)
    assert (await register(platform, said("欧阳明珠", identity_card(12)))).review_id == asked.review_id
    reviews = platform.app.services.person_reviews
    assert asked.review_id is not None
    with pytest.raises(Conflict) as taken:
        await reviews.decide(asked.review_id, MAKER, "new", None, "no")
    assert taken.value.code == "person_review.document_taken"
    with pytest.raises(InvalidInput):
        await reviews.decide(asked.review_id, MAKER, "same", "01M8149T000000000000000009", "no")
    await reviews.decide(asked.review_id, MAKER, "same", person_id, "her name before she married")
    with pytest.raises(Conflict) as decided:
        await reviews.decide(asked.review_id, MAKER, "refused", None, "no")
    assert decided.value.code == "person_review.decided"
    again = await register(platform, said("欧阳明珠", identity_card(12)))
    assert (again.outcome, again.person and again.person.person_id) == ("same", person_id)
    assert again.person is not None
    assert (again.person.name, again.person.other_names) == ("欧阳明月", ("欧阳明珠",))
    stored = str(db.person_reviews.find_one())
    assert "欧阳明珠" not in stored
    assert "married" not in stored


async def test_what_a_source_confirmed_corrects_the_name(platform: Platform) -> None:
    person_id = await person_id_of(platform, said("欧阳明珠", identity_card(12)))
    registered = await register(platform, said("欧阳明月", identity_card(12)), evidence=CONFIRMED)
    assert registered.person is not None
    person = registered.person
    assert (person.person_id, person.name, person.other_names) == (person_id, "欧阳明月", ("欧阳明珠",))


async def test_somebody_alike_and_not_sure_waits_for_a_person(platform: Platform, db: Database[Any]) -> None:
    """The name sounds the same, birthday and sex agree; telephone and address are not said."""
    await person_id_of(platform, said("欧阳明月", identity_card(12), **WEI))
    asked = await register(platform, said("欧阳鸣月", passport("EA1234567", gender="female")))
    assert asked.outcome == "review"
    [review] = db.person_reviews.find()
    fields = {field["field"]: field for field in review["candidates"][0]["because"]["fields"]}
    assert fields["name"]["level"] == "homophone"
    assert all(field["sentence"] for field in fields.values())
    assert "欧阳" not in str(review)
    assert review["is_open"]


async def test_every_decision_is_on_record_with_its_reasons_and_no_values(
    platform: Platform, db: Database[Any]
) -> None:
    await register(platform, said("欧阳明月", identity_card(12), **WEI))
    await register(platform, said("欧阳明月", passport("EA1234567", gender="female"), **WEI))
    await register(platform, said("欧阳鸣月", passport("EB7654321", gender="female")))
    acts = list(db.audit.find({"action": "persons.register"}, sort=[("audit.seq", 1)]))
    assert [act["outcome"] for act in acts] == ["new", "same", "review"]
    explained = acts[1]["detail"]["because"]["candidates"][0]["because"]
    assert explained["weight_bits"] > 0
    assert {field["field"] for field in explained["fields"]} >= {"name", "phone", "address"}
    for value in ("欧阳", "19900000001", "EA1234567", "槐荫"):
        assert value not in str(acts)


async def test_a_look_brings_those_who_may_be_meant_and_were_not_seen(platform: Platform) -> None:
    """Of one household: another citizen number is somebody else, another kind of document may not be."""
    first = await person_id_of(platform, said("林晓雨", identity_card(22), **WEI))
    second = await person_id_of(platform, said("林晓雪", identity_card(24), **WEI))
    index = platform.app.services.identity._index
    store, person = index._store, await index.get(first)
    blocking = index.blocking_of(person)

    async def found(*documents: Document, seen: set[str]) -> list[str]:
        held = [HeldDocument(one.id_type, one.number) for one in documents]
        return [one.person_id for one in await store.find_alike(blocking, held, seen)]

    assert await found(seen=set()) == [first, second]
    assert await found(seen={first}) == [second]
    assert await found(identity_card(22), seen=set()) == [first]
    assert await found(passport("EA1234567"), seen=set()) == [first, second]
    assert await found(identity_card(26), seen=set()) == []
    assert await store.find_alike([]) == []
