from typing import Annotated, Any, Literal

from pydantic import Field

from handlers.authentication import StaffHandler
from handlers.requests import Id, Model, Ok, Time, operation
from handlers.staff.persons import PersonRecord, Reason
from server.core.errors import Conflict, InvalidInput
from server.core.masking import mask_id_no, mask_name, mask_phone
from server.core.pages import MAX_PAGE
from server.identity.reviews.model import Applicant, PersonReview

Decision = Literal["same", "new", "refused"]


class PersonReviewQuery(Model):
    state: Literal["open", "decided"] = "open"
    cursor: Id | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 50


class ApplicantView(Model):
    """Who is to be registered, masked."""

    name: str
    gender: str
    birth_year: int
    id_type: str
    id_no: str
    phone: str | None
    channel: str

    @classmethod
    def of(cls, applicant: Applicant) -> "ApplicantView":
        said = applicant.said
        phone = said.contact.phone
        return cls(
            name=mask_name(said.name),
            gender=said.document.gender,
            birth_year=said.document.born_on.year,
            id_type=said.document.id_type,
            id_no=mask_id_no(said.document.number),
            phone=None if phone is None else mask_phone(phone),
            channel=applicant.origin.channel,
        )


class CandidateView(Model):
    """`because` has each field's share in the weight, in bits and in words."""

    person_id: str
    because: dict[str, Any]


class PersonReviewDecided(Model):
    decision: Decision
    person_id: str | None
    by: str
    at: Time
    reason: str


class PersonReviewView(Model):
    """About an applicant, or about a person the index has (`subject_id`)."""

    review_id: str
    applicant: ApplicantView | None
    subject_id: str | None
    candidates: list[CandidateView]
    opened_at: Time
    decided: PersonReviewDecided | None

    @classmethod
    def of(cls, review: PersonReview) -> "PersonReviewView":
        decided = review.decided
        return cls(
            review_id=review.review_id,
            applicant=None if review.applicant is None else ApplicantView.of(review.applicant),
            subject_id=review.subject_id,
            candidates=[
                CandidateView(person_id=one.person_id, because=dict(one.because)) for one in review.candidates
            ],
            opened_at=review.opened_at,
            decided=None
            if decided is None
            else PersonReviewDecided(
                decision=decided.decision,
                person_id=decided.person_id,
                by=decided.by.id,
                at=decided.at,
                reason=decided.reason,
            ),
        )


class PersonReviewList(Model):
    reviews: list[PersonReviewView]
    next_cursor: str | None


class OpenedPersonReview(Model):
    """The review with the records of its candidates, masked, as they are now."""

    review: PersonReviewView
    persons: list[PersonRecord]


class PersonDecision(Model):
    """`person_id`: which candidate, when it is the same."""

    decision: Decision
    person_id: Id | None = None
    reason: Reason


class Reviews(StaffHandler):
    @operation(
        "Registrations that wait for a person's eye, oldest first",
        query=PersonReviewQuery,
        reply=PersonReviewList,
        permission="persons.read",
    )
    async def get(self, query: PersonReviewQuery) -> Ok:
        reviews = self.services.person_reviews
        page = await reviews.list_in(query.state == "open", query.cursor, query.limit)
        shown = [PersonReviewView.of(review) for review in page.items]
        return Ok(PersonReviewList(reviews=shown, next_cursor=page.next_cursor))


class OneReview(StaffHandler):
    @operation("One review and its candidates, masked", reply=OpenedPersonReview, permission="persons.read")
    async def get(self, review_id: Id) -> Ok:
        review = await self.services.person_reviews.get(review_id)
        ids = [one.person_id for one in review.candidates]
        ids += [] if review.subject_id is None else [review.subject_id]
        persons = [await self.services.person_desk.open(person_id, self.actor) for person_id in ids]
        shown = [PersonRecord.of(person) for person in persons]
        return Ok(OpenedPersonReview(review=PersonReviewView.of(review), persons=shown))


class Decisions(StaffHandler):
    @operation(
        "Decide who it is",
        body=PersonDecision,
        reply=PersonReviewView,
        refuses=(InvalidInput, Conflict),
        permission="persons.write",
        idempotent=True,
    )
    async def post(self, review_id: Id, body: PersonDecision) -> Ok:
        decided = await self.services.person_reviews.decide(
            review_id, self.actor, body.decision, body.person_id, body.reason
        )
        return Ok(PersonReviewView.of(decided))


ROUTES = [
    ("/staff/v1/person-reviews", Reviews),
    ("/staff/v1/person-reviews/{review_id}", OneReview),
    ("/staff/v1/person-reviews/{review_id}/decision", Decisions),
]
