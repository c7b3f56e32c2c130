from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from handlers.authentication import StaffHandler
from handlers.requests import Id, Model, Ok, Time, operation
from server.core.errors import Conflict, InvalidInput, Malformed, NotFound
from server.core.masking import mask_id_no, mask_name, mask_phone
from server.identity.desk import Correction, Wanted
from server.identity.identifiers.model import Identifier
from server.identity.model import HeldDocument, Person

Reason = Annotated[str, StringConstraints(min_length=2, max_length=200)]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Domain = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
Number = Annotated[str, StringConstraints(pattern=r"^[!-{}~]{1,64}$")]
TypeCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")]


class DocumentWanted(Model):
    id_type: TypeCode
    id_no: Annotated[str, StringConstraints(min_length=1, max_length=64)]


class IdentifierEntry(Model):
    domain: Domain
    value: Number


class PersonSearch(Model):
    """One of: a document; a phone; an identifier; name and birth_on together."""

    document: DocumentWanted | None = None
    phone: ShortText | None = None
    identifier: IdentifierEntry | None = None
    name: ShortText | None = None
    birth_on: date | None = None


class DocumentView(Model):
    id_type: str
    id_no: str


class EvidenceView(Model):
    source: str
    serial_no: str
    confirmed_at: Time


class GuardianView(Model):
    name: str
    relation: str
    phone: str | None


class PersonRecord(Model):
    """`is_masked`: names, numbers, phones are shown in part, and the address and the day of birth not at
    all; `birth_year` is."""

    person_id: str
    version: int
    state: str
    is_masked: bool
    name: str
    other_names: list[str]
    gender: str
    birth_year: int
    birth_on: date | None
    documents: list[DocumentView]
    phone: str | None
    address: str | None
    nation: str | None
    guardian: GuardianView | None
    evidence: list[EvidenceView]
    channel: str
    registered_at: Time

    @classmethod
    def of(cls, person: Person, *, whole: bool = False) -> "PersonRecord":
        contact, guardian = person.contact, person.contact.guardian
        phone = None if contact.phone is None else contact.phone if whole else mask_phone(contact.phone)
        return cls(
            person_id=person.person_id,
            version=person.version,
            state=person.state,
            is_masked=not whole,
            name=person.name if whole else mask_name(person.name),
            other_names=[name if whole else mask_name(name) for name in person.other_names],
            gender=person.gender,
            birth_year=person.born_on.year,
            birth_on=person.born_on if whole else None,
            documents=[
                DocumentView(id_type=one.id_type, id_no=one.number if whole else mask_id_no(one.number))
                for one in person.documents
            ],
            phone=phone,
            address=contact.address if whole else None,
            nation=contact.nation,
            guardian=None
            if guardian is None
            else GuardianView(
                name=guardian.name if whole else mask_name(guardian.name),
                relation=guardian.relation,
                phone=guardian.phone if whole or guardian.phone is None else mask_phone(guardian.phone),
            ),
            evidence=[EvidenceView(**one.__dict__) for one in person.evidence],
            channel=person.origin.channel,
            registered_at=person.registered_at,
        )


class PersonList(Model):
    persons: list[PersonRecord]


class PersonCorrection(Model):
    """`version` is the one it was made from; what is left out stays."""

    version: Annotated[int, Field(ge=1)]
    reason: Reason
    name: ShortText | None = None
    gender: Literal["male", "female"] | None = None
    birth_on: date | None = None
    phone: ShortText | None = None
    address: Text | None = None
    nation: ShortText | None = None


class WhyUnmasked(Model):
    reason: Reason


class BoundView(Model):
    person_id: str


class Searches(StaffHandler):
    @operation(
        "Find persons, masked",
        body=PersonSearch,
        reply=PersonList,
        refuses=(InvalidInput, Malformed, NotFound),
        permission="persons.read",
    )
    async def post(self, body: PersonSearch) -> Ok:
        document, identifier = body.document, body.identifier
        wanted = Wanted(
            document=None if document is None else HeldDocument(document.id_type, document.id_no),
            phone=body.phone,
            identifier=None if identifier is None else Identifier(identifier.domain, identifier.value),
            name=body.name,
            born_on=body.birth_on,
        )
        found = await self.services.person_desk.search(wanted, self.actor)
        return Ok(PersonList(persons=[PersonRecord.of(person) for person in found]))


class OnePerson(StaffHandler):
    @operation(
        "One person, masked; through merges the one who lives on",
        reply=PersonRecord,
        permission="persons.read",
    )
    async def get(self, person_id: Id) -> Ok:
        return Ok(PersonRecord.of(await self.services.person_desk.open(person_id, self.actor)))

    @operation(
        "Correct a person's record",
        body=PersonCorrection,
        reply=PersonRecord,
        refuses=(InvalidInput, Conflict),
        permission="persons.write",
    )
    async def patch(self, person_id: Id, body: PersonCorrection) -> Ok:
        said = body.model_dump(exclude={"version", "reason", "birth_on"})
        correction = Correction(**said, born_on=body.birth_on)
        desk = self.services.person_desk
        return Ok(
            PersonRecord.of(await desk.correct(person_id, body.version, correction, self.actor, body.reason))
        )


class Unmasked(StaffHandler):
    @operation(
        "One person, whole; the reason is on record",
        body=WhyUnmasked,
        reply=PersonRecord,
        permission="persons.unmask",
    )
    async def post(self, person_id: Id, body: WhyUnmasked) -> Ok:
        person = await self.services.person_desk.unmask(person_id, self.actor, body.reason)
        return Ok(PersonRecord.of(person, whole=True))


class Identifiers(StaffHandler):
    @operation(
        "Say that a domain calls this person so; taken from another when need be",
        body=IdentifierEntry,
        reply=BoundView,
        permission="persons.write",
        idempotent=True,
    )
    async def post(self, person_id: Id, body: IdentifierEntry) -> Ok:
        bind = self.services.identifiers.bind
        return Ok(BoundView(person_id=await bind(body.domain, body.value, person_id, self.actor)))


ROUTES = [
    ("/staff/v1/persons/searches", Searches),
    ("/staff/v1/persons/{person_id}", OnePerson),
    ("/staff/v1/persons/{person_id}/unmasked", Unmasked),
    ("/staff/v1/persons/{person_id}/identifiers", Identifiers),
]
