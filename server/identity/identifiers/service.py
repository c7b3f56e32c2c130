"""Cross-reference (PIX): what one domain calls a person, given what another calls him (B1.6(2), I4)."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.core.audit import Actor, Audit
from server.core.clock import Clock
from server.core.errors import Conflict, Forbidden, Malformed, NotFound
from server.identity.guesses import Guesses
from server.identity.identifiers.model import Identifier
from server.identity.identifiers.store import IdentifierStore
from server.identity.index import PersonIndex


@dataclass(frozen=True)
class CrossReference:
    """A person, and what the domains asked for call him; never the identifier that was asked with."""

    person_id: str
    identifiers: tuple[Identifier, ...]


class IdentifierService:
    def __init__(
        self, store: IdentifierStore, index: PersonIndex, guesses: Guesses, audit: Audit, clock: Clock
    ) -> None:
        self._store = store
        self._index = index
        self._guesses = guesses
        self._audit = audit
        self._clock = clock

    async def bind(self, domain: str, value: str, person_id: str, by: Actor) -> str:
        """The domain calls this person so from now on; returns the living person's id.  Safe to repeat.

        Conflict `identifier.taken` when it is another person's already, unless a member of staff says so.
        NotFound `person.not_found`.
        """
        person = await self._index.get(person_id)
        identifier = Identifier(domain, value)
        await self._audit.record("identifiers.bind", by, "person", person.person_id, domain=domain)
        holder_id = await self._store.bind(identifier, person.person_id, by, self._clock.now())
        if holder_id == person.person_id:
            return holder_id
        if (await self._index.get(holder_id)).person_id == person.person_id:
            return person.person_id
        if by.kind != "staff":
            raise Conflict("identifier.taken", "this number is another person's in this domain")
        await self._store.bind(identifier, person.person_id, by, self._clock.now(), replaces=holder_id)
        return person.person_id

    async def find_person_id(self, domain: str, value: str) -> str:
        """The living person's id.  Malformed `identifier.unknown_domain`, NotFound `identifier.not_found`:
        as IHE PIXm tells the two apart."""
        person_id = await self._store.find_person_id(Identifier(domain, value))
        if person_id is None:
            if not await self._store.is_known(domain):
                raise Malformed("identifier.unknown_domain", "sourceIdentifier Assigning Authority not found")
            raise NotFound("identifier.not_found", "sourceIdentifier Patient Identifier not found")
        return (await self._index.get(person_id)).person_id

    async def list_person_ids(self, domain: str, values: Sequence[str]) -> dict[str, str]:
        """value → the living person's id, of those that are bound in the domain; for many at once."""
        if not values:
            return {}
        bound = await self._store.list_person_ids(domain, values)
        living = await self._index.list_living(bound.values())
        return {value: living[person_id] for value, person_id in bound.items()}

    async def list_living(self, person_ids: Sequence[str]) -> dict[str, str]:
        """person_id → the living person's id, of those that are somebody's."""
        return await self._index.list_living(person_ids) if person_ids else {}

    async def cross_reference(
        self, source: Identifier, targets: Sequence[str], by: Actor, own_domain: str | None = None
    ) -> CrossReference:
        """What `targets` (all domains when there are none) call the person whom `source` names.

        Refuses as `find_person_id` does; Forbidden `identifier.unknown_target` for a domain in which nothing
        was ever bound; TooMany `partner_numbers.too_many` for an app that has asked for too many numbers of
        other domains than its own that nobody has.
        """
        person_id = await self._find_asked(source, by, own_domain)
        person = await self._index.get(person_id)
        for target in targets:
            if not await self._store.is_known(target):
                raise Forbidden("identifier.unknown_target", "targetSystem not found")
        await self._audit.record(
            "identifiers.cross_reference",
            by,
            "person",
            person.person_id,
            source=source.domain,
            targets=list(targets),
        )
        ids = await self._index.list_ids(person)
        found = await self._store.list_of_persons(ids, targets or None)
        return CrossReference(person.person_id, tuple(one for one in found if one != source))

    async def _find_asked(self, source: Identifier, by: Actor, own_domain: str | None) -> str:
        if by.kind != "app" or source.domain == own_domain:
            return await self.find_person_id(source.domain, source.value)
        await self._guesses.require_numbers_left(by.id)
        try:
            return await self.find_person_id(source.domain, source.value)
        except NotFound:
            await self._guesses.count_number(by.id, source)
            raise

    async def list_of_person(self, person_id: str) -> list[Identifier]:
        ids = await self._index.list_ids(await self._index.get(person_id))
        return await self._store.list_of_persons(ids, None)
