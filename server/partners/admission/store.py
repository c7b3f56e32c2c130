"""How admissions are kept: `admissions` (an application and what became of it), `admission_documents`."""

from datetime import datetime
from typing import Any

from server.core.mongo import Collection, Document, index
from server.core.outbox import OUTBOX_INDEXES, adding
from server.core.pages import Page, page_of
from server.core.secrets import Sealer
from server.partners.admission.model import (
    OPEN,
    Admission,
    Applicant,
    KeptDocument,
    Review,
    State,
    Submission,
    WantedTerminal,
)

CONTACT = ("contact_name", "contact_phone")


class AdmissionStore:
    # Some hundreds of rows in the life of a centre: unsharded.
    INDEXES = [
        index("app_id", unique=True, where={"is_open": True}),
        index("state", ("_id", -1)),
        index("token_digest", unique=True),
        *OUTBOX_INDEXES,
    ]
    DOCUMENT_INDEXES = [index("admission_id")]

    def __init__(self, admissions: Collection, documents: Collection, sealer: Sealer) -> None:
        self._admissions = admissions
        self._documents = documents
        self._sealer = sealer

    async def insert(self, admission: Admission, token_digest: str) -> None:
        """Duplicate when an open application wants the same app id."""
        submission, applicant = admission.submission, admission.submission.applicant
        contact = {name: getattr(applicant, name) for name in CONTACT}
        await self._admissions.insert(
            {
                "_id": admission.admission_id,
                "token_digest": token_digest,
                "state": admission.state.value,
                "is_open": admission.state in OPEN,
                "app_id": submission.app_id,
                "institution": {
                    "institution_id": applicant.institution_id,
                    "name": applicant.name,
                    "code": applicant.code,
                    "address": applicant.address,
                },
                "contact": self._sealer.seal_json("admissions", admission.admission_id, "contact", contact),
                "key": {"key_id": submission.key_id, "public_key_hex": submission.public_key_hex},
                "scopes": list(submission.scopes),
                "terminals": [dict(terminal.__dict__) for terminal in submission.terminals],
                "purpose": submission.purpose,
                "signature": submission.signature,
                "submitted_at": admission.submitted_at,
                "documents": [],
                "reviews": [],
            }
        )

    async def find(self, admission_id: str) -> Admission | None:
        row = await self._admissions.find_one({"_id": admission_id})
        return None if row is None else self._admission(row)

    async def find_by_token(self, token_digest: str) -> Admission | None:
        row = await self._admissions.find_one({"token_digest": token_digest})
        return None if row is None else self._admission(row)

    async def list_in(self, state: State, cursor: str | None, limit: int) -> Page[Admission]:
        """Newest first."""
        wanted: Document = {"state": state.value}
        if cursor is not None:
            wanted["_id"] = {"$lt": cursor}
        rows = await self._admissions.find(wanted, limit=limit + 1, sort=[("_id", -1)])
        return page_of([self._admission(row) for row in rows], limit, lambda one: one.admission_id)

    async def decide(self, admission: Admission, after: State, review: Review) -> bool:
        """With the event admission.<state after>; False when its state is another one by now."""
        applicant = admission.submission.applicant
        data = {
            "admission_id": admission.admission_id,
            "institution_id": applicant.institution_id,
            "institution": applicant.name,
        }
        due, events = adding(review.at, (f"admission.{after.value}", data))
        return await self._admissions.update(
            {"_id": admission.admission_id, "state": admission.state.value},
            {
                "$set": {"state": after.value, "is_open": after in OPEN, **due},
                "$push": {"reviews": dict(review.__dict__), **events},
            },
        )

    def sealed(self, document_id: str, content: bytes) -> bytes:
        """Milliseconds of work for a large one: call it in a thread."""
        return self._sealer.seal("admission_documents", document_id, "content", content.hex())

    def opened(self, document_id: str, sealed: bytes) -> bytes:
        """As slow as `sealed`."""
        return bytes.fromhex(self._sealer.unseal("admission_documents", document_id, "content", sealed))

    async def add_document(
        self, admission_id: str, document: KeptDocument, sealed: bytes, at: datetime, most: int
    ) -> bool:
        """False when the application is closed or has `most` documents, and nothing is kept.  The bytes are
        stored first: an application never lists a document that is not there."""
        await self._documents.insert(
            {
                "_id": document.document_id,
                "admission_id": admission_id,
                "content": sealed,
                "at": at,
            }
        )
        is_listed = await self._admissions.update(
            {"_id": admission_id, "is_open": True, f"documents.{most - 1}": {"$exists": False}},
            {"$push": {"documents": dict(document.__dict__)}},
        )
        if not is_listed:
            await self._documents.delete({"_id": document.document_id})
        return is_listed

    async def find_sealed(self, admission_id: str, document_id: str) -> bytes | None:
        row = await self._documents.find_one({"_id": document_id, "admission_id": admission_id})
        return None if row is None else row["content"]

    def _admission(self, row: Document) -> Admission:
        contact: dict[str, Any] = self._sealer.unseal_json(
            "admissions", row["_id"], "contact", row["contact"]
        )
        return Admission(
            admission_id=row["_id"],
            state=State(row["state"]),
            submission=Submission(
                app_id=row["app_id"],
                applicant=Applicant(**row["institution"], **contact),
                key_id=row["key"]["key_id"],
                public_key_hex=row["key"]["public_key_hex"],
                scopes=tuple(row["scopes"]),
                terminals=tuple(_wanted(terminal) for terminal in row["terminals"]),
                purpose=row["purpose"],
                signature=row["signature"],
            ),
            submitted_at=row["submitted_at"],
            documents=tuple(KeptDocument(**document) for document in row["documents"]),
            reviews=tuple(Review(**review) for review in row["reviews"]),
        )


def _wanted(row: Document) -> WantedTerminal:
    scenes = row.get("scenes")
    return WantedTerminal(**{**row, "scenes": None if scenes is None else tuple(scenes)})
