"""Who somebody is: the person index (B1).  Whether they are who they say: proving.py."""

from server.core.audit import Actor
from server.core.clock import Clock
from server.core.errors import Conflict
from server.core.mongo import Duplicate
from server.core.outbox import Event
from server.core.secrets import Sealer
from server.identity.documents import Document, number_key
from server.identity.identifiers.service import IdentifierService
from server.identity.index import PersonIndex
from server.identity.model import Evidence, HeldDocument, Origin, Particulars, Person, Registration
from server.identity.register import Register
from server.identity.reviews.model import Applicant
from server.identity.reviews.service import ReviewService


class IdentityService:
    def __init__(
        self,
        index: PersonIndex,
        register: Register,
        reviews: ReviewService,
        identifiers: IdentifierService,
        sealer: Sealer,
        clock: Clock,
    ) -> None:
        self._index = index
        self._register = register
        self._identifiers = identifiers
        self._reviews = reviews
        self._sealer = sealer
        self._clock = clock

    def document_key(self, document: Document) -> str:
        """The keyed index of a document: the same for the same document, and says nothing about it."""
        return self._sealer.index("document", document.key)

    def number_index(self, id_type: str, number: str) -> str:
        """`document_key` of a number in normal form, when no more of the document is known."""
        return self._sealer.index("document", number_key(id_type, number))

    def pair_key(self, name: str, document: Document) -> str:
        """The keyed index of a name and a document together, which says nothing about either."""
        return self._sealer.index("document", f"{document.key}|{name}")

    # -- the index
    async def register(
        self, said: Particulars, evidence: tuple[Evidence, ...], origin: Origin
    ) -> Registration:
        """The one person this is; or outcome "review", and a member of staff decides.  Safe to repeat: asked
        again after the decision, it answers "same".  `evidence` is what confirmed name and document; empty
        when nobody did."""
        return await self._register.register(
            Applicant(said, evidence, origin), lambda: self.pair_key(said.name, said.document)
        )

    async def is_asked(self, review_id: str) -> bool:
        """Whether the review is not decided yet."""
        return (await self._reviews.get(review_id)).decided is None

    async def is_refused(self, review_id: str) -> bool:
        """Whether staff have decided that the applicant is not registered."""
        decided = (await self._reviews.get(review_id)).decided
        return decided is not None and decided.decision == "refused"

    async def get_person(self, person_id: str) -> Person:
        """The living person this id leads to, through merges.  NotFound `person.not_found`."""
        return await self._index.get(person_id)

    async def find_by_document(self, document: Document) -> Person | None:
        """The living holder of a document, through merges."""
        return await self._index.find_by_document(HeldDocument(document.id_type, document.number))

    async def add_document(
        self, person_id: str, name: str, document: Document, evidence: tuple[Evidence, ...]
    ) -> None:
        """One document more for a person, as `evidence` confirms; Conflict `document.taken` when it is
        another person's.  Safe to repeat."""
        person = await self._index.get(person_id)
        try:
            await self._index.attach(person, Particulars(name, document), evidence)
        except Duplicate:
            raise Conflict("document.taken", "this document is in another person's record") from None

    async def look_again(self, event: Event) -> None:
        """The reaction to person.registered: two who came in one instant are found to be one."""
        await self._register.look_again(event.data["person_id"])

    async def bind(self, domain: str, value: str, person_id: str, by: Actor) -> str:
        """As `IdentifierService.bind`."""
        return await self._identifiers.bind(domain, value, person_id, by)
