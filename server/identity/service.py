"""Who somebody is: real-name verification (A2.1, B6.2) and the person index (B1)."""

from server.core.clock import Clock
from server.core.ids import new_id
from server.core.mongo import Duplicate
from server.core.secrets import Sealer
from server.gateways.real_name import RealNameAuthority
from server.identity.documents import Document
from server.identity.model import Evidence, Person
from server.identity.store import PersonStore


class IdentityService:
    def __init__(
        self, store: PersonStore, authority: RealNameAuthority, sealer: Sealer, clock: Clock
    ) -> None:
        self._store = store
        self._authority = authority
        self._sealer = sealer
        self._clock = clock

    def document_key(self, document: Document) -> str:
        """The keyed index of a document: the same for the same document, and says nothing about it."""
        return self._sealer.index("document", document.key)

    def pair_key(self, name: str, document: Document) -> str:
        """The keyed index of a name and a document together, which says nothing about either."""
        return self._sealer.index("document", f"{document.key}|{name}")

    async def confirm(self, name: str, document: Document) -> Evidence | None:
        """Evidence when the authority knows the pair, None when it refuses it; Unavailable
        (`real_name.unavailable`) when it is down, which is never "verified"."""
        answer = await self._authority.check(name, document.id_type, document.number)
        if not answer.is_match:
            return None
        return Evidence("authority", answer.serial_no, self._clock.now())

    async def find_by_document(self, document: Document) -> Person | None:
        """The person with this document, or None."""
        return await self._store.find_by_document(self.document_key(document))

    async def register(self, name: str, document: Document, phone: str, evidence: Evidence) -> Person:
        """The one person with this document: the one already there, or a new one.  Safe to repeat."""
        key = self.document_key(document)
        found = await self._store.find_by_document(key)
        if found is not None:
            return found
        person = Person(
            person_id=new_id(self._clock.now()),
            name=name,
            gender=document.gender,
            born_on=document.born_on,
            id_type=document.id_type,
            id_no=document.number,
            phone=phone,
            evidence=evidence,
        )
        try:
            await self._store.insert(person, key)
            return person
        except Duplicate:
            winner = await self._store.find_by_document(key)
            assert winner is not None, "a person is never deleted"
            return winner
