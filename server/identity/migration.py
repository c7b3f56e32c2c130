"""Persons as they were first stored (one document, each field sealed by itself), stored anew."""

import asyncio
from datetime import date

from server.core.audit import Actor
from server.core.mongo import Collection, Document
from server.core.secrets import Sealer
from server.identity.index import blocking_of
from server.identity.model import Contact, Evidence, HeldDocument, Origin, Person
from server.identity.store import PersonStore

BATCH = 500
FIRST_FIELDS = ("name", "id_no", "phone", "born_on", "gender")


async def store_persons_anew(persons: Collection, sealer: Sealer) -> None:
    """Every person in the newest form, found by the newest blocking keys.  Safe to run again."""
    store, last = PersonStore(persons, sealer), ""
    while rows := await persons.find({"_id": {"$gt": last}}, limit=BATCH, sort=[("_id", 1)]):
        for row in rows:
            person = store.person(row) if "particulars" in row else _first_form(row, sealer)
            drops = [name for name in FIRST_FIELDS if name in row]
            await store.store_anew(person, blocking_of(person, store), drops)
        last = rows[-1]["_id"]


async def find_by_newest_keys(persons: Collection, sealer: Sealer) -> None:
    """Every person found by the newest blocking keys, the rest of the row as it is.  Safe to run again."""
    store, last = PersonStore(persons, sealer), ""
    while rows := await persons.find({"_id": {"$gt": last}}, limit=BATCH, sort=[("_id", 1)]):
        await asyncio.gather(*(_set_newest_keys(store, store.person(row)) for row in rows))
        last = rows[-1]["_id"]


async def _set_newest_keys(store: PersonStore, person: Person) -> None:
    while not await store.set_blocking(person, blocking_of(person, store)):
        changed = await store.find(person.person_id)  # somebody was faster: his newest version is meant
        assert changed is not None, "a person is never deleted"
        person = changed


def _first_form(row: Document, sealer: Sealer) -> Person:
    person_id = row["_id"]
    plain = {
        name: sealer.unseal("persons", person_id, name, row[name])
        for name in ("name", "id_no", "phone", "born_on")
    }
    evidence = Evidence(**row["evidence"])
    return Person(
        person_id=person_id,
        name=plain["name"],
        gender=row["gender"],
        born_on=date.fromisoformat(plain["born_on"]),
        documents=(HeldDocument(row["documents"][0]["type"], plain["id_no"]),),
        contact=Contact(phone=plain["phone"]),
        evidence=(evidence,),
        origin=Origin("web", Actor("system", "migration")),
        registered_at=evidence.confirmed_at,
    )
