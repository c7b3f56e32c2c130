"""The person index itself: finding somebody, always as the one who lives on, and adding to what is known."""

from collections.abc import Callable, Container, Iterable
from dataclasses import replace
from datetime import date

from server.core.clock import Clock
from server.core.errors import Conflict, NotFound
from server.identity.matching import MatchRecord, blocking_keys
from server.identity.model import Evidence, HeldDocument, Particulars, Person
from server.identity.names import same_name
from server.identity.store import PersonStore

TRIES = 64  # of a change that others overtake: each try that fails is somebody else's that succeeded
MAX_CHAIN = 1000


class PersonIndex:
    def __init__(self, store: PersonStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    # -- finding
    async def get(self, person_id: str) -> Person:
        """The person, or the one he was merged into.  NotFound `person.not_found`."""
        person = await self._store.find(person_id)
        if person is None:
            raise NotFound("person.not_found", "there is no such person")
        return await self.follow(person)

    async def find_by_document(self, document: HeldDocument) -> Person | None:
        """The living holder: the one who has it, or the one he was merged into; None for a document that
        does not prove who has it."""
        if not document.proves_identity:
            return None
        person = await self._store.find_by_document(self._store.document_key(document))
        return None if person is None else await self.follow(person)

    async def follow(self, person: Person) -> Person:
        """The living one at the end of the merges."""
        for _ in range(MAX_CHAIN):
            if person.merged_into is None:
                return person
            survivor = await self._store.find(person.merged_into)
            assert survivor is not None, "a person is never deleted"
            person = survivor
        raise AssertionError("merges never form a circle")

    async def list_living(self, person_ids: Iterable[str]) -> dict[str, str]:
        """For each of the ids that is somebody's, the id of the living person it leads to."""
        into: dict[str, str | None] = {}
        waiting = set(person_ids)
        while waiting:
            found = await self._store.list_merged_into(sorted(waiting))
            into |= found
            waiting = {survivor for survivor in found.values() if survivor is not None} - into.keys()

        def end(person_id: str) -> str:
            survivor = into[person_id]
            return person_id if survivor is None else end(survivor)

        return {person_id: end(person_id) for person_id in into}

    async def list_ids(self, person: Person) -> list[str]:
        """Every id that leads to this living person, his own first."""
        ids, waiting = [person.person_id], [person.person_id]
        while waiting:
            absorbed = await self._store.list_absorbed(waiting.pop())
            ids += absorbed
            waiting += absorbed
        return ids

    def blocking_of(self, person: Person) -> list[str]:
        """The keyed blocking keys of a person: whoever shares one is worth comparing."""
        return blocking_of(person, self._store)

    async def find_alike(self, person: Person, blocking: list[str], seen: Container[str]) -> list[Person]:
        """Living persons with one of the keys, oldest first, who may be this one: without those in `seen`,
        and those whose documents make them somebody else."""
        return await self._store.find_alike(blocking, person.documents, seen)

    async def find_named(self, name: str, born_on: date) -> list[Person]:
        """Living persons of about this name who were born about then."""
        keys = blocking_keys(MatchRecord(name=name, born_on=born_on))
        return await self._store.find_alike(self._store.blocking_keys(keys))

    async def find_by_phone(self, phone: str) -> list[Person]:
        """Living persons who can be reached there."""
        return await self._store.find_by_phone(phone)

    # -- adding
    async def insert(self, person: Person, blocking: list[str]) -> None:
        """Duplicate when somebody has one of the documents."""
        await self._store.insert(person, blocking)

    async def attach(
        self, person: Person, said: Particulars, evidence: tuple[Evidence, ...], *, name_is_his: bool = False
    ) -> Person:
        """The living person with what was said of him: a document more, newer contact, a new source.

        A name that differs becomes his when a source has confirmed it, and one of his when `name_is_his`.
        Duplicate when the document is another person's; Conflict `person.changed` when it never succeeds.
        """
        holder = await self.find_by_document(said.held)
        is_held = holder is not None and holder.person_id == person.person_id

        def change(known: Person) -> Person:
            # A document that came with somebody who was merged into this person stays where it is.
            is_new = not is_held and said.held not in known.documents
            sources = {one.source for one in known.evidence}
            changed = replace(
                known,
                documents=(*known.documents, said.held) if is_new else known.documents,
                contact=known.contact.updated(said.contact),
                evidence=known.evidence + tuple(one for one in evidence if one.source not in sources),
            )
            return _renamed(changed, said.name, is_confirmed=bool(evidence), is_his=name_is_his)

        return await self.change(person, change)

    async def change(self, person: Person, how: Callable[[Person], Person]) -> Person:
        """Applies `how` to the newest version of the living person; nothing is written when nothing differs.
        Conflict `person.changed` when others are faster every time."""
        for _ in range(TRIES):
            changed = how(person)
            if not differences(person, changed):
                return person
            if await self.replace(person, changed):
                return replace(changed, version=person.version + 1)
            person = await self.get(person.person_id)
        raise Conflict("person.changed", "too many others change this person just now")

    async def replace(self, person: Person, changed: Person) -> bool:
        """Stores `changed` in the place of `person` as it was read; False when somebody was faster."""
        fields = differences(person, changed)
        blocking = blocking_of(changed, self._store)
        return not fields or await self._store.replace(changed, blocking, self._clock.now(), fields)

    async def mark_distinct(self, person_id: str, other_id: str) -> None:
        await self._store.mark_distinct(person_id, other_id)


def blocking_of(person: Person, store: PersonStore) -> list[str]:
    """The keyed blocking keys of a person: whoever shares one is worth comparing."""
    return store.blocking_keys(blocking_keys(record_of(person)))


def record_of(person: Person) -> MatchRecord:
    """What the matching engine is told of a person."""
    contact, guardian = person.contact, person.contact.guardian
    return MatchRecord(
        name=person.name,
        gender=person.gender,
        born_on=person.born_on,
        phone=contact.phone or "",
        address=contact.address or "",
        guardian_name="" if guardian is None else guardian.name,
        guardian_phone="" if guardian is None else guardian.phone or "",
        documents=tuple(document.key for document in person.documents),
    )


def differences(before: Person, after: Person) -> list[str]:
    """The names of the fields that differ, those of the contact among them."""
    own = [
        name
        for name in ("name", "other_names", "gender", "born_on", "documents", "evidence")
        if getattr(before, name) != getattr(after, name)
    ]
    return [*own, *before.contact.changes_to(after.contact)]


def _renamed(person: Person, name: str, *, is_confirmed: bool, is_his: bool) -> Person:
    if same_name(name, person.name):
        return person
    if is_confirmed:
        others = tuple(other for other in (*person.other_names, person.name) if other != name)
        return replace(person, name=name, other_names=others)
    if is_his and not any(same_name(name, other) for other in person.other_names):
        return replace(person, other_names=(*person.other_names, name))
    return person
