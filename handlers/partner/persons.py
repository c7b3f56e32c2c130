from datetime import date
from typing import Annotated, Literal

from pydantic import StringConstraints

from handlers.authentication import PartnerHandler
from handlers.partner.fields import ShortText
from handlers.requests import Created, Id, Model, Ok, operation
from server.core.audit import Actor
from server.core.errors import Conflict, Forbidden, InvalidInput, Malformed, NotFound, TooMany
from server.identity.identifiers.model import Identifier
from server.identity.intake import Entry
from server.identity.model import Guardian

DOMAIN = r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}"
PATIENT_NO = r"[!-{}~]{1,64}"  # visible, and no bar: that parts it from its domain
PatientNo = Annotated[str, StringConstraints(pattern=rf"^{PATIENT_NO}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class GuardianEntry(Model):
    name: ShortText
    relation: Literal["mother", "father", "guardian"]
    phone: ShortText | None = None


class PersonEntry(Model):
    """`gender` and `birth_on` are needed where the number of the document does not tell them."""

    name: ShortText
    id_type: Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")]
    id_no: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    gender: Literal["male", "female"] | None = None
    birth_on: date | None = None
    phone: ShortText | None = None
    address: Text | None = None
    nation: ShortText | None = None
    guardian: GuardianEntry | None = None
    hospital_patient_no: PatientNo | None = None


class RegisteredView(Model):
    """`outcome`: "same", "new" or "review".  In a review nobody has a person_id yet: ask again later."""

    outcome: Literal["same", "new", "review"]
    person_id: str | None
    review_id: str | None


class PatientBinding(Model):
    """Whom your number means: who was verified, or the person you know by his id.  Exactly one of the two."""

    hospital_patient_no: PatientNo
    verification_id: Id | None = None
    person_id: Id | None = None


class PatientView(Model):
    person_id: str
    domain: str
    hospital_patient_no: str


class PixQuery(Model):
    source: Annotated[str, StringConstraints(pattern=rf"^{DOMAIN}\|{PATIENT_NO}$")]
    target: Annotated[str, StringConstraints(pattern=rf"^{DOMAIN}$")] | None = None


class IdentifierView(Model):
    domain: str
    value: str


class PixView(Model):
    person_id: str
    identifiers: list[IdentifierView]


class CallerPersons(PartnerHandler):
    """What the handlers below share: as whom they act."""

    @property
    def actor(self) -> Actor:
        return Actor("app", self.proven.app.app_id)

    @property
    def domain(self) -> str:
        """The caller's own domain of patient numbers: its institution."""
        return self.proven.app.institution.institution_id


class Persons(CallerPersons):
    @operation(
        "Register a person, or update him",
        body=PersonEntry,
        reply=RegisteredView,
        refuses=(InvalidInput, Conflict, Forbidden, TooMany),
        scope="persons.register",
        idempotent=True,
    )
    async def post(self, body: PersonEntry) -> Ok:
        told = body.model_dump(exclude={"guardian", "birth_on", "hospital_patient_no"})
        guardian = None if body.guardian is None else Guardian(**body.guardian.model_dump())
        entry = Entry(**told, born_on=body.birth_on, guardian=guardian, number=body.hospital_patient_no)
        found = await self.services.intake.register(entry, self.domain, self.actor)
        person_id = None if found.person is None else found.person.person_id
        return Ok(RegisteredView(outcome=found.outcome, person_id=person_id, review_id=found.review_id))


class Patients(CallerPersons):
    @operation(
        "Bind your own patient number to a person",
        body=PatientBinding,
        reply=PatientView,
        replies=(Created,),
        refuses=(Conflict, Forbidden, NotFound),
        scope="persons.pix",
        idempotent=True,
    )
    async def post(self, body: PatientBinding) -> Created:
        if (body.verification_id is None) == (body.person_id is None):
            raise Malformed("request.invalid", "name one: verification_id or person_id")
        person_id = body.person_id
        if body.verification_id is not None:
            person_id = await self.services.verification.get_person_id(self.proven, body.verification_id)
        assert person_id is not None, "one of the two is there"
        number = body.hospital_patient_no
        living_id = await self.services.identifiers.bind(self.domain, number, person_id, self.actor)
        return Created(PatientView(person_id=living_id, domain=self.domain, hospital_patient_no=number))


class Pix(CallerPersons):
    @operation(
        "What other domains call the person whom one domain calls so",
        query=PixQuery,
        reply=PixView,
        refuses=(Malformed, NotFound, Forbidden, TooMany),
        scope="persons.pix",
    )
    async def get(self, query: PixQuery) -> Ok:
        domain, _, value = query.source.partition("|")
        targets = [] if query.target is None else [query.target]
        found = await self.services.identifiers.cross_reference(
            Identifier(domain, value), targets, self.actor, self.domain
        )
        shown = [IdentifierView(domain=one.domain, value=one.value) for one in found.identifiers]
        return Ok(PixView(person_id=found.person_id, identifiers=shown))


ROUTES = [
    ("/partner/v1/persons", Persons),
    ("/partner/v1/patients", Patients),
    ("/partner/v1/pix", Pix),
]
