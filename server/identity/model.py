"""What a person is, and what becomes of one who is registered."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal

from server.core.audit import Actor
from server.identity.document_types import DOCUMENT_TYPES
from server.identity.documents import Document, number_key

Outcome = Literal["same", "new", "review"]


@dataclass(frozen=True)
class Evidence:
    """Who confirmed that name and document belong together (B6.2): the source, its serial number, when."""

    source: str
    serial_no: str
    confirmed_at: datetime


@dataclass(frozen=True)
class Origin:
    """Through which channel somebody was registered ("wechat", "window", "centre" …), and by whom."""

    channel: str
    by: Actor


@dataclass(frozen=True)
class HeldDocument:
    """A document of a person: type and number, in normal form."""

    id_type: str
    number: str

    @property
    def key(self) -> str:
        """As `Document.key`: one for one number, on whatever paper."""
        return number_key(self.id_type, self.number)

    @property
    def proves_identity(self) -> bool:
        """Whether a state issued it to one person, so that its number alone finds him."""
        return DOCUMENT_TYPES[self.id_type].proves_identity


@dataclass(frozen=True)
class Guardian:
    """Who answers for a child or a ward; `person_id` when the index knows that person."""

    name: str
    relation: str
    phone: str | None = None
    person_id: str | None = None


@dataclass(frozen=True)
class Contact:
    """What a person may change in life without being another one."""

    phone: str | None = None
    address: str | None = None
    nation: str | None = None
    guardian: Guardian | None = None

    def updated(self, newer: "Contact") -> "Contact":
        """What the newer one says, and what it leaves open as it was."""
        said = {name: value for name, value in newer.__dict__.items() if value is not None}
        return replace(self, **said)

    def changes_to(self, other: "Contact") -> tuple[str, ...]:
        """The names of the fields in which the two differ."""
        return tuple(name for name, value in self.__dict__.items() if getattr(other, name) != value)


@dataclass(frozen=True)
class Particulars:
    """Who somebody is said to be: what every source gives the index (B1.2)."""

    name: str
    document: Document
    contact: Contact = field(default_factory=Contact)

    @property
    def held(self) -> HeldDocument:
        return HeldDocument(self.document.id_type, self.document.number)


@dataclass(frozen=True)
class Person:
    """One human being.  `other_names` are those that staff have found to be his too.

    A merged person stays, whole, and points to the survivor; `distinct_from` are persons who were found to
    be somebody else, however alike."""

    person_id: str
    name: str
    gender: str
    born_on: date
    documents: tuple[HeldDocument, ...]
    contact: Contact
    evidence: tuple[Evidence, ...]
    origin: Origin
    registered_at: datetime
    other_names: tuple[str, ...] = ()
    merged_into: str | None = None
    distinct_from: frozenset[str] = frozenset()
    version: int = 1

    @property
    def is_live(self) -> bool:
        return self.merged_into is None

    @property
    def state(self) -> Literal["live", "merged"]:
        return "live" if self.is_live else "merged"

    @classmethod
    def of(
        cls,
        person_id: str,
        said: Particulars,
        evidence: tuple[Evidence, ...],
        origin: Origin,
        now: datetime,
        distinct_from: frozenset[str] = frozenset(),
    ) -> "Person":
        """Somebody the index did not know."""
        return cls(
            person_id=person_id,
            name=said.name,
            gender=said.document.gender,
            born_on=said.document.born_on,
            documents=(said.held,),
            contact=said.contact,
            evidence=evidence,
            origin=origin,
            registered_at=now,
            distinct_from=distinct_from,
        )


@dataclass(frozen=True)
class Registration:
    """What became of one registration.  "review": a person decides; `person` is None until then."""

    outcome: Outcome
    person: Person | None
    review_id: str | None = None


def contact_as_plain(contact: Contact) -> dict[str, Any]:
    guardian = contact.guardian
    return {**contact.__dict__, "guardian": None if guardian is None else dict(guardian.__dict__)}


def contact_from_plain(plain: Mapping[str, Any]) -> Contact:
    guardian = plain["guardian"]
    return Contact(**{**plain, "guardian": None if guardian is None else Guardian(**guardian)})


def particulars_as_plain(said: Particulars) -> dict[str, Any]:
    document = said.document
    return {
        "name": said.name,
        "document": {**document.__dict__, "born_on": document.born_on.isoformat()},
        "contact": contact_as_plain(said.contact),
    }


def particulars_from_plain(plain: Mapping[str, Any]) -> Particulars:
    document = plain["document"]
    born_on = date.fromisoformat(document["born_on"])
    return Particulars(
        plain["name"], Document(**{**document, "born_on": born_on}), contact_from_plain(plain["contact"])
    )
