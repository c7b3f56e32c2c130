"""How reviews are kept: `person_reviews`, what was said of the applicant sealed."""

from datetime import datetime
from typing import Any

from server.core.audit import Actor
from server.core.mongo import Collection, Document, index
from server.core.outbox import OUTBOX_INDEXES, outbox
from server.core.pages import Page, page_of
from server.core.secrets import Sealer
from server.identity.model import Evidence, Origin, particulars_as_plain, particulars_from_plain
from server.identity.reviews.model import Applicant, Candidate, Decided, PersonReview


class ReviewStore:
    INDEXES = [
        index("subject_key", unique=True, where={"is_open": True}),
        index("is_open", "_id"),
        *OUTBOX_INDEXES,
    ]

    def __init__(self, collection: Collection, sealer: Sealer) -> None:
        self._collection = collection
        self._sealer = sealer

    async def insert(self, review: PersonReview) -> None:
        """Duplicate when the same question is open."""
        row: Document = {
            "_id": review.review_id,
            "subject_key": review.subject_key,
            "is_open": True,
            "subject_id": review.subject_id,
            "new_person_id": review.new_person_id,
            "candidates": [dict(candidate.__dict__) for candidate in review.candidates],
            "opened_at": review.opened_at,
        }
        if review.applicant is not None:
            applicant, plain = review.applicant, particulars_as_plain(review.applicant.said)
            row["said"] = self._sealer.seal_json("person_reviews", review.review_id, "said", plain)
            row["evidence"] = [dict(evidence.__dict__) for evidence in applicant.evidence]
            row["origin"] = {
                "channel": applicant.origin.channel,
                "by": dict(applicant.origin.by.__dict__),
            }
        await self._collection.insert(row)

    async def find(self, review_id: str) -> PersonReview | None:
        row = await self._collection.find_one({"_id": review_id})
        return None if row is None else self._review(row)

    async def find_open(self, subject_key: str) -> PersonReview | None:
        row = await self._collection.find_one({"subject_key": subject_key, "is_open": True})
        return None if row is None else self._review(row)

    async def list_in(self, is_open: bool, cursor: str | None, limit: int) -> Page[PersonReview]:
        """Oldest first: who waits longest is seen first."""
        filter: Document = {"is_open": is_open}
        if cursor is not None:
            filter["_id"] = {"$gt": cursor}
        rows = await self._collection.find(filter, limit=limit + 1, sort=[("_id", 1)])
        return page_of(rows, limit, lambda row: str(row["_id"])).map(self._review)

    async def decide(self, review_id: str, decided: Decided) -> bool:
        """With the event person_review.decided; False when it was decided before."""
        reason = self._sealer.seal("person_reviews", review_id, "reason", decided.reason)
        row = {**decided.__dict__, "by": dict(decided.by.__dict__), "reason": reason}
        data = {"review_id": review_id, "decision": decided.decision, "person_id": decided.person_id}
        return await self._collection.update(
            {"_id": review_id, "is_open": True},
            {
                "$set": {
                    "is_open": False,
                    "decided": row,
                    "outbox": outbox(decided.at, ("person_review.decided", data)),
                }
            },
        )

    async def close(self, subject_key: str, at: datetime, person_id: str) -> None:
        """Nobody needs the answer any more: the applicant became somebody by another way."""
        review = await self.find_open(subject_key)
        if review is not None:
            decided = Decided("same", person_id, Actor("system", "matching"), at, "")
            await self.decide(review.review_id, decided)

    def _review(self, row: Document) -> PersonReview:
        review_id = row["_id"]
        return PersonReview(
            review_id=review_id,
            subject_key=row["subject_key"],
            applicant=self._applicant(row),
            subject_id=row["subject_id"],
            new_person_id=row["new_person_id"],
            candidates=tuple(Candidate(**candidate) for candidate in row["candidates"]),
            opened_at=row["opened_at"],
            decided=self._decided(review_id, row.get("decided")),
        )

    def _applicant(self, row: Document) -> Applicant | None:
        if "said" not in row:
            return None
        plain = self._sealer.unseal_json("person_reviews", row["_id"], "said", row["said"])
        origin = row["origin"]
        return Applicant(
            particulars_from_plain(plain),
            tuple(Evidence(**evidence) for evidence in row["evidence"]),
            Origin(origin["channel"], Actor(**origin["by"])),
        )

    def _decided(self, review_id: str, row: dict[str, Any] | None) -> Decided | None:
        if row is None:
            return None
        reason = self._sealer.unseal("person_reviews", review_id, "reason", row["reason"])
        return Decided(**{**row, "by": Actor(**row["by"]), "reason": reason})
