"""Registering somebody: one engine for every source (B1.1, B1.6(3)).

A document finds its holder exactly.  Without one, people who are alike are found by blocking keys and scored.
Three ends: the same as somebody we have; somebody new; or a person decides.  Two who are registered in one
instant cannot see each other before both are stored: so whoever is new looks once more afterwards, and again
when his event is delivered, and one of the two is merged into the other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from server.core.audit import Audit
from server.core.clock import Clock
from server.core.errors import Unavailable
from server.core.ids import new_id
from server.core.mongo import Duplicate
from server.core.policies import Policies
from server.identity.index import PersonIndex, record_of
from server.identity.matching import Comparison, MatchingPolicy, compare, decide, traits
from server.identity.merges.service import MergeService
from server.identity.model import Outcome, Person, Registration
from server.identity.names import same_name
from server.identity.reviews.model import Applicant, Candidate
from server.identity.reviews.service import ReviewService

TRIES = 10


MAX_EXPLAINED = 5


@dataclass(frozen=True)
class Verdict:
    """What the rules say; `them` are the persons who may be meant, the best first, each with his reasons."""

    outcome: Outcome
    them: tuple[Candidate, ...]
    because: dict[str, Any]


class Register:
    def __init__(
        self,
        index: PersonIndex,
        reviews: ReviewService,
        merges: MergeService,
        policies: Policies,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._index = index
        self._policies = policies
        self._reviews = reviews
        self._merges = merges
        self._audit = audit
        self._clock = clock

    async def register(self, applicant: Applicant, subject_key: Callable[[], str]) -> Registration:
        """The one person this is, or the review in which that is decided.  Safe to repeat.

        `subject_key` gives the keyed index of name and document: the same question is asked once.
        Unavailable `person.busy` when others take the same documents again and again.
        """
        for _ in range(TRIES):
            holder = await self._index.find_by_document(applicant.said.held)
            try:
                if holder is not None:
                    return await self._register_holder(holder, applicant, subject_key)
                return await self._register_unknown(applicant, subject_key)
            except Duplicate:
                continue  # somebody got the document in this moment: then he is who is meant
        raise Unavailable("person.busy", "many register this person just now", retry_after_s=1)

    async def _register_holder(
        self, holder: Person, applicant: Applicant, key: Callable[[], str]
    ) -> Registration:
        """The document finds one person.  A name that is not his is a question, unless a source has
        confirmed name and document together."""
        said = applicant.said
        names = (holder.name, *holder.other_names)
        because = {"document": said.held.id_type, "name_agrees": any(same_name(said.name, n) for n in names)}
        if because["name_agrees"] or applicant.evidence:
            return await self._take_for(holder, applicant, because)
        return await self._ask(applicant, key, (Candidate(holder.person_id, because),))

    async def _register_unknown(self, applicant: Applicant, key: Callable[[], str]) -> Registration:
        person = self._new(applicant)
        blocking = self._index.blocking_of(person)  # costs milliseconds: once for all three uses
        alike = await self._index.find_alike(person, blocking, seen=())
        verdict = await self._judge(person, alike)
        if verdict.outcome == "review":
            return await self._ask(applicant, key, verdict.them)
        if verdict.outcome == "same":
            same = await self._index.get(verdict.them[0].person_id)
            return await self._take_for(same, applicant, verdict.because)
        await self._record(applicant, "person", person.person_id, "new", verdict.because)
        await self._index.insert(person, blocking)
        seen = {person.person_id, *(one.person_id for one in alike)}
        return await self._join(person, await self._index.find_alike(person, blocking, seen))

    def _new(self, applicant: Applicant) -> Person:
        now = self._clock.now()
        return Person.of(new_id(now), applicant.said, applicant.evidence, applicant.origin, now)

    async def _take_for(self, person: Person, applicant: Applicant, because: dict[str, Any]) -> Registration:
        await self._record(applicant, "person", person.person_id, "same", because)
        return Registration("same", await self._index.attach(person, applicant.said, applicant.evidence))

    async def _ask(
        self, applicant: Applicant, key: Callable[[], str], candidates: tuple[Candidate, ...]
    ) -> Registration:
        review_id = await self._reviews.open(key(), applicant, None, candidates)
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
            blocking = self._index.blocking_of(person)
            await self._join(person, await self._index.find_alike(person, blocking, {person_id}))

    async def _join(self, person: Person, alike: list[Person]) -> Registration:
        """What becomes of somebody the index has, given those who are alike."""
        verdict = await self._judge(person, alike)
        if verdict.outcome == "new":
            return Registration("new", person)
        candidate = verdict.them[0]
        # Whoever of the two looks, the older index lives on.
        survivor_id, absorbed_id = sorted((person.person_id, candidate.person_id))
        if verdict.outcome == "same":
            await self._merges.merge_by_rule(absorbed_id, survivor_id, verdict.because)
            return Registration("same", await self._index.get(person.person_id))
        await self._reviews.open(f"{survivor_id}|{absorbed_id}", None, person.person_id, (candidate,))
        return Registration("new", person)

    async def _judge(self, person: Person, alike: list[Person]) -> Verdict:
        """Who of those who are alike it may be; whom he was told apart from is not meant."""
        alike = [one for one in alike if not _are_told_apart(person, one)]
        if not alike:
            return Verdict("new", (), {"sentence": "nobody in the index is alike"})
        mine = traits(record_of(person))
        compared = {one.person_id: compare(mine, record_of(one)) for one in alike}
        decision = decide(compared, await self._policies.get(MatchingPolicy))
        them = tuple(
            Candidate(person_id, explained(compared[person_id]))
            for person_id in decision.candidates[:MAX_EXPLAINED]
        )
        candidates = [dict(candidate.__dict__) for candidate in them]
        because = {"sentence": decision.sentence, "candidates": candidates}
        return Verdict(decision.outcome, them, because)


def _are_told_apart(one: Person, other: Person) -> bool:
    return other.person_id in one.distinct_from or one.person_id in other.distinct_from


def explained(comparison: Comparison) -> dict[str, Any]:
    """Each field's share, in bits and in words; no value of anybody."""
    fields = [dict(explanation.__dict__) for explanation in comparison.explanations]
    return {"weight_bits": comparison.weight_bits, "rule": comparison.rule, "fields": fields}
