"""A database from before persons had several documents goes on as if nothing had been."""

from datetime import date
from typing import Any

import pytest
from pymongo.database import Database

from server import app as composition
from server.core.clock import HeldClock
from server.core.secrets import Sealer
from tests.harness import Platform
from tests.stores.persons import AT, identity_card, passport, person_id_of, register, said

pytestmark = [pytest.mark.feature("I3"), pytest.mark.gen_test]
PERSON_ID = "01M8149T000000000000000001"


def first_form(platform: Platform) -> dict[str, Any]:
    """A person's row as the first version of the platform wrote it."""
    document, seals = identity_card(11), platform.app.seals
    sealer = Sealer(seals.current_keys)
    row = {
        "_id": PERSON_ID,
        "documents": [{"type": "01", "key": sealer.index("document", f"01|{document.number}")}],
        "gender": "male",
        "evidence": {"source": "real_name", "serial_no": "rn-1", "confirmed_at": AT},
    }
    plain = {"name": "张三", "id_no": document.number, "phone": "19900000001", "born_on": "1980-05-17"}
    for name, text in plain.items():
        row[name] = sealer._cipher.seal("persons", PERSON_ID, name, text)
    return row


async def test_a_person_of_the_first_form_is_found_and_updated(
    platform: Platform, db: Database[Any], clock: HeldClock
) -> None:
    row = first_form(platform)
    db.persons.insert_one(dict(row))
    db.migrations.delete_many({"_id": {"$gt": 1}})
    later = await composition.build(platform.settings, clock)
    try:
        person = await later.services.identity.get_person(PERSON_ID)
        assert (person.name, person.born_on, person.gender) == ("张三", date(1980, 5, 17), "male")
        assert person.contact.phone == "19900000001"
        assert [one.serial_no for one in person.evidence] == ["rn-1"]
        found = await later.services.identity.find_by_document(identity_card(11))
        assert found == person
    finally:
        await later.stop()
    stored = db.persons.find_one({"_id": PERSON_ID})
    assert stored is not None
    assert {"name", "id_no", "phone", "born_on", "gender"}.isdisjoint(stored)
    assert stored["documents"] == row["documents"]
    assert db.migrations.find_one(sort=[("_id", -1)])["_id"] >= 2


async def test_the_migration_may_run_again(platform: Platform, db: Database[Any], clock: HeldClock) -> None:
    db.persons.insert_one(first_form(platform))
    for _ in range(2):
        db.migrations.delete_many({"_id": {"$gt": 1}})
        later = await composition.build(platform.settings, clock)
        person = await later.services.identity.get_person(PERSON_ID)
        await later.stop()
        assert (person.name, person.version) == ("张三", 1)


async def test_persons_of_older_blocking_keys_are_found_by_the_newest(
    platform: Platform, db: Database[Any], clock: HeldClock
) -> None:
    """Only the keys change; somebody registered meanwhile keeps what he has."""
    person_id = await person_id_of(platform, said("张三", identity_card(11), phone="19900000001"))
    before = db.persons.find_one({"_id": person_id})
    assert before is not None
    db.persons.update_one({"_id": person_id}, {"$set": {"blocking": ["5a" * 32]}})
    db.migrations.delete_many({"_id": {"$gt": 3}})
    later = await composition.build(platform.settings, clock)
    await later.stop()
    assert db.persons.find_one({"_id": person_id}) == before
    assert len(before["blocking"]) == 4, "name with year, name with day, surname with birthday and sex, phone"
    alike = await register(platform, said("张叁", passport("EA1234567"), phone="19900000001"))
    assert alike.person is None or alike.person.person_id == person_id
