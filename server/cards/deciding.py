"""Deciding a pending card (A3.1 (2)): the proof of the name, then people where the policy wants them, then
the person and the card.  Whoever placed it (a resident, a window, the worker) comes here, so one rule holds.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from server.cards.family.joining import Joining
from server.cards.model import Card, Review
from server.cards.policy import ClaimPolicy
from server.cards.proof import evidence_rows
from server.cards.reviews.store import ReviewStore
from server.cards.store import CardStore
from server.core.audit import Actor, Audit
from server.core.clock import Clock
from server.core.errors import InvalidInput, Unavailable
from server.core.mongo import Duplicate
from server.core.outbox import Event
from server.core.policies import Policies
from server.identity.applicant import Applicant
from server.identity.documents import Document
from server.identity.model import Contact, Evidence, Origin, Particulars
from server.identity.proving import Proof, Proving
from server.identity.service import IdentityService

# Long enough for the request that made the card to finish; then the worker takes over.
FIRST_RETRY = timedelta(seconds=20)
RETRY_AFTER = timedelta(seconds=10)
MAX_RETRY_AFTER = timedelta(minutes=10)


class Deciding:
    def __init__(
        self,
        store: CardStore,
        reviews: ReviewStore,
        identity: IdentityService,
        proving: Proving,
        joining: Joining,
        policies: Policies,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._store = store
        self._reviews = reviews
        self._identity = identity
        self._proving = proving
        self._joining = joining
        self._policies = policies
        self._audit = audit
        self._clock = clock

    async def decide_now(self, card: Card) -> Card:
        """The card decided, or still pending: for a source that is down, or for people."""
        if card.review is not None:
            return card
        decided = await self.decide(card)
        if decided.pending_reason == "source":
            await self._store.postpone(decided, self._clock.now() + RETRY_AFTER)
        return decided

    async def decide(self, card: Card, by: Actor | None = None) -> Card:
        """The card decided; or, while a source it needs is down, still pending with the evidence so far.

        `by` is who has it recorded before it is decided: the worker has nobody who would ask again, so a
        crash in between must leave an entry without its act, never the reverse.
        """
        proof = await self._proved(card)
        if proof.outcome == "pending":
            return replace(card, proof=replace(card.proof, evidence=proof.evidence))
        confirmed = proof.outcome == "confirmed"
        reasons = await self._review_reasons(card) if confirmed else ()
        if by is not None:
            outcome = "refused" if not confirmed else "review" if reasons else "active"
            said = {"confirmed_by": _sources(proof.evidence), "refused_by": list(proof.refused_by)}
            await self._audit.record("cards.claim", by, "card", card.card_id, outcome=outcome, **said)
        if not confirmed:
            because = "mismatch" if proof.refused_by else "unproven"
            kept = {"proof.refused_by": list(proof.refused_by), "refused_because": because}
            await self._store.refuse(card, self._clock.now(), **kept)
        elif reasons:
            review = Review(reasons, self._clock.now(), tuple(evidence_rows(proof.evidence)))
            await self._reviews.await_review(card, review)
        else:
            await self._activate(card, proof.evidence)
        return await self._now(card)

    async def _proved(self, card: Card) -> Proof:
        """How the proof stands.  A policy that asks for more since the claim was made is nobody's mistake:
        the claim is refused by no source, and may be made again with what is asked now."""
        try:
            return await self._proving.prove(applicant_of(card), card.proof.evidence)
        except InvalidInput:
            return Proof("mismatch")
        except Unavailable as error:
            if error.code.startswith("database."):
                raise
            return Proof("pending", card.proof.evidence)

    async def _activate(self, card: Card, evidence: tuple[Evidence, ...], **more: Any) -> None:
        """The person and the active card.  A person who has a card already, by another document, keeps that
        one: then this claim is refused, and asking again leads to the card that is there."""
        registered = await self._identity.register(said_of(card), evidence, _origin_of(card))
        if registered.person is None:
            assert registered.review_id is not None, "without a person there is a review"
            await self._reviews.await_person(card, registered.review_id, self._clock.now(), evidence, **more)
            if not await self._identity.is_asked(registered.review_id):  # decided before we waited for it
                await self._go_on(registered.review_id)
            return
        person_id = registered.person.person_id
        more["proof.evidence"] = evidence_rows(evidence)
        try:
            await self._store.activate(card, person_id, self._clock.now(), **more)
        except Duplicate:
            await self._store.refuse(card, self._clock.now(), refused_because="held", **more)

    async def approve(self, card: Card, by: str, note: str) -> Card:
        """Reviewed and found right: the person is registered on what the source said before the review."""
        assert card.review is not None, "only what waits for a review is approved"
        said = self._reviews.decision(card.card_id, "approve", by, note, self._clock.now())
        if card.joins is not None:
            await self._joining.approve(card, said)
            return await self._now(card)
        await self._activate(card, tuple(Evidence(**one) for one in card.review.evidence), **said)
        return await self._now(card)

    async def refuse(self, card: Card, by: str, note: str) -> Card:
        """Reviewed and refused; `note` tells the claimant why."""
        said = self._reviews.decision(card.card_id, "refuse", by, note, self._clock.now())
        await self._store.refuse(card, self._clock.now(), **said)
        return await self._now(card)

    async def _review_reasons(self, card: Card) -> tuple[str, ...]:
        policy = await self._policies.get(ClaimPolicy)
        reasons = []
        if card.channel in policy.review_channels:
            reasons.append("channel")
        if card.holder.id_type in policy.review_documents:
            reasons.append("document")
        if any(tie.proof is not None and tie.proof.kind == "guardianship" for tie in card.ties):
            reasons.append("guardianship")
        return tuple(reasons)

    async def _now(self, card: Card) -> Card:
        """The card as it is kept: another decision may have come first."""
        kept = await self._store.find(card.card_id)
        assert kept is not None, "a card is never deleted"
        return kept

    async def resume_reviewed(self, event: Event) -> None:
        """The reaction to person_review.decided: a claim that waited for it goes on."""
        await self._go_on(event.data["review_id"])

    async def _go_on(self, review_id: str) -> None:
        card = await self._reviews.find_awaiting_person(review_id)
        if card is None:
            return
        assert card.review is not None, "it waits with what the source said"
        if await self._identity.is_refused(review_id):
            await self.refuse(card, "", "")
            return
        await self._activate(card, tuple(Evidence(**one) for one in card.review.evidence))

    # -- the worker
    async def take_due(self) -> Card | None:
        """A pending card whose next try is due, taken for this caller for a while."""
        now = self._clock.now()
        return await self._store.claim_due(now, now + FIRST_RETRY)

    async def resume(self, card: Card) -> Card:
        """The card decided by the worker, or postponed: each time for longer."""
        decided = await self.decide(card, Actor("system", "worker"))
        if decided.pending_reason == "source":
            wait = min(RETRY_AFTER * 2 ** min(card.attempts, 10), MAX_RETRY_AFTER)
            await self._store.postpone(decided, self._clock.now() + wait)
        return decided


def _sources(evidence: tuple[Evidence, ...]) -> list[str]:
    return [one.source for one in evidence]


def applicant_of(card: Card) -> Applicant:
    """Who is to be proven by this card's claim, with what was brought to it."""
    holder = card.holder
    return Applicant.bringing(holder.name, document_of(card), holder.phone, card.channel, card.proof.brought)


def said_of(card: Card) -> Particulars:
    """What the index is told of the holder."""
    holder = card.holder
    contact = Contact(holder.phone, holder.address, holder.nation, holder.guardian)
    return Particulars(holder.name, document_of(card), contact)


def _origin_of(card: Card) -> Origin:
    by = Actor("account", card.ties[0].account_id) if card.ties else Actor("card", card.card_id)
    return Origin(card.channel, by)


def document_of(card: Card) -> Document:
    holder = card.holder
    return Document(holder.id_type, holder.id_no, holder.born_on, holder.gender)
