"""The review desk (A3.1 (2)): people look at a claim and say yes or no, with a reason the claimant reads."""

from dataclasses import dataclass
from typing import Literal

from server.cards.deciding import Deciding
from server.cards.model import Card, Status
from server.cards.reviews.store import ReviewStore
from server.cards.store import CardStore
from server.core.audit import Actor, Audit
from server.core.errors import Conflict, NotFound
from server.core.pages import Page, page_of

Decision = Literal["approve", "refuse"]


@dataclass(frozen=True)
class Answer:
    """What the reviewer says; `reason` is shown to the claimant."""

    decision: Decision
    reason: str


class ReviewService:
    def __init__(self, store: CardStore, reviews: ReviewStore, deciding: Deciding, audit: Audit) -> None:
        self._store = store
        self._reviews = reviews
        self._deciding = deciding
        self._audit = audit

    async def list_waiting(self, cursor: str | None, limit: int) -> Page[Card]:
        """The oldest first."""
        cards = await self._reviews.list_waiting(cursor, limit)
        return page_of(cards, limit, lambda card: card.card_id)

    async def open(self, card_id: str, by: Actor) -> Card:
        """One claim, waiting or decided, as a reviewer sees it; NotFound `review.not_found`.  That somebody
        looked is on record."""
        card = await self._get(card_id)
        await self._audit.record("claim_reviews.open", by, "card", card_id)
        return card

    async def decide(self, card_id: str, answer: Answer, by: Actor) -> Card:
        """The card, active or refused.  Conflict `review.decided` when it is not waiting any more;
        Unavailable leaves it waiting."""
        card = await self._get(card_id)
        if card.status is not Status.PENDING:
            raise _decided()
        # Recorded first: a crash must leave an entry without its act, never the reverse.
        await self._audit.record(
            "claim_reviews.decide", by, "card", card_id, outcome=answer.decision, reasons=_reasons(card)
        )
        act = self._deciding.approve if answer.decision == "approve" else self._deciding.refuse
        decided = await act(card, by.id, answer.reason)
        if decided.review is None or decided.review.decided_by != by.id:
            raise _decided()
        return decided

    async def _get(self, card_id: str) -> Card:
        card = await self._store.find(card_id)
        if card is None or card.review is None:
            raise NotFound("review.not_found", "there is no such claim to review")
        return card


def _reasons(card: Card) -> list[str]:
    return [] if card.review is None else list(card.review.reasons)


def _decided() -> Conflict:
    return Conflict("review.decided", "this claim was decided before")
