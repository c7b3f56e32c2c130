from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from handlers.authentication import StaffHandler
from handlers.requests import Id, Model, Ok, Picture, Time, operation
from server.cards.model import Card
from server.cards.reviews.service import Answer
from server.core.errors import Conflict
from server.core.pages import MAX_PAGE

Reason = Annotated[str, StringConstraints(min_length=2, max_length=200)]


class ReviewRow(Model):
    """A claim in the list: nothing personal."""

    card_id: str
    status: str
    reasons: list[str]
    channel: str
    id_type: str
    relations: list[str]
    claimed_at: Time
    asked_at: Time
    joins_card: Annotated[
        bool, Field(description="The person has a card: approved, it is shown in one account more.")
    ]

    @classmethod
    def of(cls, card: Card) -> "ReviewRow":
        review = card.review
        assert review is not None, "only claims with a review are shown here"
        return cls(
            card_id=card.card_id,
            status=card.status.value,
            reasons=list(review.reasons),
            channel=card.channel,
            id_type=card.holder.id_type,
            relations=[tie.relation for tie in card.ties],
            claimed_at=card.claimed_at,
            asked_at=review.asked_at,
            joins_card=card.joins is not None,
        )


class ReviewList(Model):
    reviews: list[ReviewRow]
    next_cursor: str | None


class ReviewQuery(Model):
    cursor: Id | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 50


class ClaimantView(Model):
    """Whole, because a reviewer compares it with the papers; every look is on record."""

    name: str
    gender: str
    birth_on: str
    id_type: str
    id_no: str
    phone_masked: str
    nation: str | None
    address: str | None


class EvidenceView(Model):
    source: str
    serial_no: str
    confirmed_at: Time


class ReviewView(ReviewRow):
    claimant: ClaimantView
    evidence: list[EvidenceView]
    attachment_ids: list[str]
    decision: str | None
    decided_at: Time | None
    decided_by: str | None
    note: str | None

    @classmethod
    def whole(cls, card: Card) -> "ReviewView":
        review, holder = card.review, card.holder
        assert review is not None, "only claims with a review are shown here"
        evidence: list[dict[str, Any]] = [dict(one) for one in review.evidence]
        return cls(
            **ReviewRow.of(card).model_dump(),
            claimant=ClaimantView(
                name=holder.name,
                gender=holder.gender,
                birth_on=holder.born_on.isoformat(),
                id_type=holder.id_type,
                id_no=holder.id_no,
                phone_masked=holder.phone_masked,
                nation=holder.nation,
                address=holder.address,
            ),
            evidence=[EvidenceView(**one) for one in evidence],
            attachment_ids=list(card.attachment_ids),
            decision=review.decision,
            decided_at=review.decided_at,
            decided_by=review.decided_by,
            note=review.note,
        )


class DecisionRequest(Model):
    """`reason` is shown to the claimant."""

    decision: Literal["approve", "refuse"]
    reason: Reason


class ClaimReviews(StaffHandler):
    @operation(
        "Claims that wait for a person's eye, the oldest first",
        query=ReviewQuery,
        reply=ReviewList,
        permission="claims.review",
    )
    async def get(self, query: ReviewQuery) -> Ok:
        page = await self.services.reviews.list_waiting(query.cursor, query.limit)
        rows = [ReviewRow.of(card) for card in page.items]
        return Ok(ReviewList(reviews=rows, next_cursor=page.next_cursor))


class ClaimReview(StaffHandler):
    @operation("One claim, with its evidence and papers", reply=ReviewView, permission="claims.review")
    async def get(self, card_id: Id) -> Ok:
        return Ok(ReviewView.whole(await self.services.reviews.open(card_id, self.actor)))


class ClaimReviewDecision(StaffHandler):
    @operation(
        "Approve or refuse a claim; the claimant is told the reason",
        body=DecisionRequest,
        reply=ReviewView,
        refuses=(Conflict,),
        permission="claims.review",
        idempotent=True,
    )
    async def post(self, card_id: Id, body: DecisionRequest) -> Ok:
        answer = Answer(body.decision, body.reason)
        return Ok(ReviewView.whole(await self.services.reviews.decide(card_id, answer, self.actor)))


class ClaimReviewAttachment(StaffHandler):
    @operation("A paper of a claim under review", media_type="image/*", permission="claims.review")
    async def get(self, card_id: Id, attachment_id: Id) -> Picture:
        media_type, picture = await self.services.attachments.open_of_claim(
            card_id, attachment_id, self.actor
        )
        return Picture(picture, media_type)


ROUTES = [
    ("/staff/v1/claim-reviews", ClaimReviews),
    ("/staff/v1/claim-reviews/{card_id}", ClaimReview),
    ("/staff/v1/claim-reviews/{card_id}/decision", ClaimReviewDecision),
    ("/staff/v1/claim-reviews/{card_id}/attachments/{attachment_id}", ClaimReviewAttachment),
]
