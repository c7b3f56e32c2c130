"""What hospitals and other registers say of people, read and registered (B1.1, B1.4)."""

from dataclasses import dataclass
from datetime import date

from server.core.audit import Actor
from server.core.clock import Clock, today
from server.core.phones import read_phone
from server.identity.documents import read_document
from server.identity.guesses import Guesses
from server.identity.identifiers.service import IdentifierService
from server.identity.model import Contact, Guardian, Origin, Particulars, Registration
from server.identity.names import read_name
from server.identity.service import IdentityService


@dataclass(frozen=True)
class Entry:
    """A person as a register has him, as it came; `number` is what the register itself calls him."""

    name: str
    id_type: str
    id_no: str
    gender: str | None = None
    born_on: date | None = None
    phone: str | None = None
    address: str | None = None
    nation: str | None = None
    guardian: Guardian | None = None
    number: str | None = None


class Intake:
    def __init__(
        self,
        identity: IdentityService,
        identifiers: IdentifierService,
        guesses: Guesses,
        clock: Clock,
        *,
        allows_test_numbers: bool,
    ) -> None:
        self._identity = identity
        self._identifiers = identifiers
        self._guesses = guesses
        self._clock = clock
        self._allows_test_numbers = allows_test_numbers

    async def register(self, entry: Entry, domain: str, by: Actor) -> Registration:
        """The person, with the register's number bound to him; or "review", and nothing is bound yet: asked
        again after the decision, it is.  Nobody has confirmed what a register says, so it renames nobody.

        InvalidInput: name.invalid, phone.invalid, document.*; Conflict `identifier.taken`, `person.changed`;
        TooMany `partner_persons.too_many`, `partner_names.too_many` for an app that guesses.
        """
        said = Particulars(
            read_name(entry.name),
            read_document(
                entry.id_type,
                entry.id_no,
                today(self._clock),
                allows_test_numbers=self._allows_test_numbers,
                born_on=entry.born_on,
                gender=entry.gender,
            ),
            Contact(
                None if entry.phone is None else read_phone(entry.phone),
                entry.address,
                entry.nation,
                None if entry.guardian is None else _read_guardian(entry.guardian),
            ),
        )
        is_app, has_number = by.kind == "app", entry.number is not None
        if is_app:
            await self._guesses.require_persons_left(by.id, said.document)
        registered = await self._identity.register(said, (), Origin("batch", by))
        if registered.person is not None and entry.number is not None:
            await self._identifiers.bind(domain, entry.number, registered.person.person_id, by)
        if is_app:
            await self._guesses.count_person(by.id, said, registered, has_number=has_number)
        return registered


def _read_guardian(guardian: Guardian) -> Guardian:
    phone = None if guardian.phone is None else read_phone(guardian.phone)
    return Guardian(read_name(guardian.name), guardian.relation, phone)
