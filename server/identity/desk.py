"""What staff do with persons: find them, look at them, correct them.  Every look is on record (B1.6(4))."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from server.core.audit import Actor, Audit
from server.core.clock import Clock, today
from server.core.errors import Conflict, InvalidInput
from server.core.phones import read_phone
from server.identity.documents import read_number
from server.identity.identifiers.model import Identifier
from server.identity.identifiers.service import IdentifierService
from server.identity.index import PersonIndex, differences
from server.identity.model import HeldDocument, Person
from server.identity.names import read_name, same_name

MAX_FOUND = 20


@dataclass(frozen=True)
class Wanted:
    """What staff know of somebody: a document, a telephone, a number of some domain, or name and birthday."""

    document: HeldDocument | None = None
    phone: str | None = None
    identifier: Identifier | None = None
    name: str | None = None
    born_on: date | None = None


@dataclass(frozen=True)
class Correction:
    """What staff set; None leaves it as it is."""

    name: str | None = None
    gender: str | None = None
    born_on: date | None = None
    phone: str | None = None
    address: str | None = None
    nation: str | None = None


class PersonDesk:
    def __init__(
        self,
        index: PersonIndex,
        identifiers: IdentifierService,
        audit: Audit,
        clock: Clock,
        *,
        allows_test_numbers: bool,
    ) -> None:
        self._index = index
        self._identifiers = identifiers
        self._audit = audit
        self._clock = clock
        self._allows_test_numbers = allows_test_numbers

    async def search(self, wanted: Wanted, by: Actor) -> list[Person]:
        """Living persons, at most 20.  InvalidInput `person.search_incomplete` when nothing that finds
        anybody is said: a name needs a birthday."""
        found = await self._search(wanted)
        asked = [name for name, value in wanted.__dict__.items() if value is not None]
        ids = [person.person_id for person in found]
        await self._audit.record("persons.search", by, "persons", "search", by=asked, found=ids)
        return found

    async def _search(self, wanted: Wanted) -> list[Person]:
        if wanted.document is not None:
            id_type, day = wanted.document.id_type, today(self._clock)
            allows = self._allows_test_numbers
            number = read_number(id_type, wanted.document.number, day, allows_test_numbers=allows)
            person = await self._index.find_by_document(HeldDocument(id_type, number))
            return [] if person is None else [person]
        if wanted.identifier is not None:
            person_id = await self._identifiers.find_person_id(
                wanted.identifier.domain, wanted.identifier.value
            )
            return [await self._index.get(person_id)]
        if wanted.phone is not None:
            return (await self._index.find_by_phone(read_phone(wanted.phone)))[:MAX_FOUND]
        if wanted.name is None or wanted.born_on is None:
            raise InvalidInput(
                "person.search_incomplete", "say a document, a phone, a number or name and day"
            )
        name = read_name(wanted.name)
        alike = await self._index.find_named(name, wanted.born_on)
        return [one for one in alike if _is_called(one, name) and one.born_on == wanted.born_on][:MAX_FOUND]

    async def open(self, person_id: str, by: Actor) -> Person:
        """The living person, to be shown masked.  NotFound `person.not_found`."""
        person = await self._index.get(person_id)
        await self._audit.record("persons.open", by, "person", person.person_id)
        return person

    async def unmask(self, person_id: str, by: Actor, reason: str) -> Person:
        """The living person, to be shown whole; `reason` says why that was needed."""
        person = await self._index.get(person_id)
        await self._audit.record("persons.unmask", by, "person", person.person_id, reason=reason)
        return person

    async def correct(
        self, person_id: str, version: int, correction: Correction, by: Actor, reason: str
    ) -> Person:
        """The person after it.  Conflict `person.changed` when `version` is not the newest any more.  The
        former name stays one of his."""
        person = await self._index.get(person_id)
        changed = _corrected(person, correction)
        if person.version != version:
            raise Conflict("person.changed", "somebody has changed this person since you read it")
        fields = differences(person, changed)
        await self._audit.record(
            "persons.correct", by, "person", person.person_id, fields=fields, reason=reason
        )
        if not await self._index.replace(person, changed):
            raise Conflict("person.changed", "somebody has changed this person since you read it")
        return await self._index.get(person.person_id)


def _is_called(person: Person, name: str) -> bool:
    return any(same_name(name, one) for one in (person.name, *person.other_names))


def _corrected(person: Person, correction: Correction) -> Person:
    contact: dict[str, Any] = {
        name: value
        for name, value in (("address", correction.address), ("nation", correction.nation))
        if value is not None
    }
    if correction.phone is not None:
        contact["phone"] = read_phone(correction.phone)
    changed = replace(
        person,
        gender=correction.gender or person.gender,
        born_on=correction.born_on or person.born_on,
        contact=replace(person.contact, **contact),
    )
    name = person.name if correction.name is None else read_name(correction.name)
    if name == person.name:
        return changed
    others = tuple(other for other in (*person.other_names, person.name) if other != name)
    return replace(changed, name=name, other_names=others)
