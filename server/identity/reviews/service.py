"""Deciding who an applicant is when the rules are not sure (B1.6(3)); whoever waits is told by an event."""

from collections.abc import Sequence

from server.core.audit import Actor, Audit
from server.core.clock import Clock
from server.core.errors import Conflict, InvalidInput, NotFound
from server.core.ids import new_id
from server.core.mongo import Duplicate
from server.core.outbox import Event
from server.core.pages import Page
from server.identity.index import PersonIndex
from server.identity.merges.service import MergeService
from server.identity.model import Person
from server.identity.reviews.model import Applicant, Candidate, Decided, Decision, PersonReview
from server.identity.reviews.store import ReviewStore


class ReviewService:
    def __init__(
        self, store: ReviewStore, index: PersonIndex, merges: MergeService, audit: Audit, clock: Clock
    ) -> None:
        self._store = store
        self._index = index
        self._merges = merges
        self._audit = audit
        self._clock = clock

    # -- asking
    async def open(
        self, subject_key: str, applicant: Applicant | None, subject_id: str | None, them: Sequence[Candidate]
    ) -> str:
        """The id of the one open review of this question."""
        there = await self._store.find_open(subject_key)
        if there is not None:
            return there.review_id
        now = self._clock.now()
        review = PersonReview(new_id(now), subject_key, applicant, subject_id, new_id(now), tuple(them), now)
        try:
            await self._store.insert(review)
            return review.review_id
        except Duplicate:
            return await self.open(subject_key, applicant, subject_id, them)

    async def close(self, subject_key: str, person_id: str) -> None:
        """The applicant became this person by another way: an open question about him is answered."""
        await self._store.close(subject_key, self._clock.now(), person_id)

    # -- deciding
    async def get(self, review_id: str) -> PersonReview:
        """NotFound `person_review.not_found`."""
        review = await self._store.find(review_id)
        if review is None:
            raise NotFound("person_review.not_found", "there is no such review")
        return review

    async def list_in(self, is_open: bool, cursor: str | None, limit: int) -> Page[PersonReview]:
        return await self._store.list_in(is_open, cursor, limit)

    async def decide(
        self, review_id: str, by: Actor, decision: Decision, person_id: str | None, reason: str
    ) -> PersonReview:
        """The review, decided.  "same": he is `person_id`, one of the candidates; "new": nobody the index
        knows; "refused": he is not registered at all.  About two persons the index has, "same" proposes their
        merge, which somebody else must approve.

        InvalidInput `person_review.not_candidate`; Conflict `person_review.decided`, and
        `person_review.document_taken` when the document of somebody "new" is a candidate's.
        """
        review = await self.get(review_id)
        if (person_id is not None) != (decision == "same") or (
            person_id is not None and person_id not in {one.person_id for one in review.candidates}
        ):
            raise InvalidInput("person_review.not_candidate", "say which of the candidates it is")
        if decision == "new" and review.applicant is not None:
            if await self._index.find_by_document(review.applicant.said.held) is not None:
                raise Conflict("person_review.document_taken", "the document is a candidate's already")
            person_id = review.new_person_id
        await self._audit.record(
            "person_reviews.decide",
            by,
            "person_review",
            review_id,
            outcome=decision,
            person_id=person_id,
            candidates=[dict(one.__dict__) for one in review.candidates],
        )
        decided = Decided(decision, person_id, by, self._clock.now(), reason)
        if not await self._store.decide(review_id, decided):
            raise Conflict("person_review.decided", "this review is decided already")
        decided_review = await self.get(review_id)
        await self._carry_out(decided_review)
        return decided_review

    async def carry_out(self, event: Event) -> None:
        """The reaction to person_review.decided: what a crash may have left undone."""
        await self._carry_out(await self.get(event.data["review_id"]))

    async def _carry_out(self, review: PersonReview) -> None:
        """May be done twice.  When the document became another person's meanwhile, that person it is."""
        assert review.decided is not None, "a decision comes first"
        if review.decided.decision == "refused":
            return
        if review.applicant is None:
            await self._carry_out_for_two(review, review.decided)
            return
        try:
            await self._register(review, review.applicant, review.decided)
        except Duplicate:
            return

    async def _register(self, review: PersonReview, applicant: Applicant, decided: Decided) -> None:
        assert decided.person_id is not None, "same and new name a person"
        if decided.decision == "same":
            person = await self._index.get(decided.person_id)
            await self._index.attach(person, applicant.said, applicant.evidence, name_is_his=True)
            return
        person = Person.of(
            decided.person_id,
            applicant.said,
            applicant.evidence,
            applicant.origin,
            decided.at,
            distinct_from=frozenset(one.person_id for one in review.candidates),
        )
        await self._index.insert(person, self._index.blocking_of(person))

    async def _carry_out_for_two(self, review: PersonReview, decided: Decided) -> None:
        assert review.subject_id is not None, "a review is about an applicant or about a person"
        if decided.decision == "new":
            for candidate in review.candidates:
                await self._index.mark_distinct(review.subject_id, candidate.person_id)
            return
        assert decided.person_id is not None, "same names a person"
        survivor, absorbed = sorted((review.subject_id, decided.person_id))
        try:
            await self._merges.propose(absorbed, survivor, decided.by, decided.reason)
        except (Conflict, InvalidInput):
            return  # proposed or merged already
