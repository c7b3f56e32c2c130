"""How persons are kept: `persons`, everything personal sealed as one object, found by keyed indexes."""

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from server.core.audit import Actor
from server.core.grouping import Group, attempt
from server.core.mongo import Collection, Document, Transaction, index
from server.core.outbox import OUTBOX_INDEXES, adding, outbox
from server.core.secrets import Sealer
from server.identity.document_types import DOCUMENT_TYPES
from server.identity.documents import number_key
from server.identity.levels import are_two_people
from server.identity.model import (
    Evidence,
    HeldDocument,
    Origin,
    Person,
    contact_as_plain,
    contact_from_plain,
)

MAX_FOUND = 50
ALIKE_AT_ONCE = 16
BLOCKING_DIGITS = 16
LIVE = {"state": "live"}


class PersonStore:
    # Small enough to stay unsharded (a city has millions, not billions), so it may have two unique keys.  A
    # document stays with the person it came with, merged or not: so it has one row, for ever.
    INDEXES = [
        index("documents.key", unique=True),
        index("blocking", where=LIVE),
        index("phone_key", where=LIVE),
        index("merged_into", where={"merged_into": {"$exists": True}}),
        *OUTBOX_INDEXES,
    ]

    def __init__(self, collection: Collection, sealer: Sealer) -> None:
        self._collection = collection
        self._sealer = sealer
        # A hospital's list comes all at once: registrations that wait together share their commands.
        self._inserts: Group[Document, None] = Group(collection.insert_each)
        self._by_document: Group[str, Person | None] = Group(self._find_by_documents)
        self._alike: Group[frozenset[str], list[Document]] = Group(self._find_alike, max_batch=ALIKE_AT_ONCE)

    # -- keyed indexes
    def document_key(self, document: HeldDocument) -> str:
        """Finds the holder; of a document that proves identity only."""
        return self._sealer.index("document", document.key)

    def _own_key(self, document: HeldDocument, person_id: str) -> str:
        """What lies in the row.  A card that others use too (a visit card) finds nobody by its number."""
        if document.proves_identity:
            return self.document_key(document)
        return self._sealer.index("document", f"{document.key}|{person_id}")

    def phone_key(self, phone: str) -> str:
        return self._sealer.index("phone", phone)

    def blocking_keys(self, plain: Sequence[str]) -> list[str]:
        # Whoever shares a key by chance is compared and no more, so 64 bits do; they are most of the index.
        return [self._sealer.index("blocking", key)[:BLOCKING_DIGITS] for key in plain]

    # -- writing
    async def insert(self, person: Person, blocking: Sequence[str]) -> None:
        """With the event person.registered; Duplicate when a person with one of the documents exists."""
        now = person.registered_at
        event = ("person.registered", {"person_id": person.person_id})
        await self._inserts.ask({**self.as_row(person, blocking), "outbox": outbox(now, event)})

    async def replace(
        self, person: Person, blocking: Sequence[str], now: datetime, fields: list[str]
    ) -> bool:
        """Stores `person`, who was read with `person.version`, as the next version, with the event
        person.updated; False when somebody was faster.  Duplicate for a document another person has."""
        event = ("person.updated", {"person_id": person.person_id, "fields": fields})
        due, events = adding(now, event)
        row = self.as_row(person, blocking)
        kept = ("_id", "version", "state", "origin", "registered_at")
        content = {name: value for name, value in row.items() if name not in kept}
        return await self._collection.update(
            {"_id": person.person_id, "version": person.version, **LIVE},
            {"$set": {**content, **due}, "$inc": {"version": 1}, "$push": events},
        )

    async def mark_distinct(self, person_id: str, other_id: str) -> None:
        """The two are different people, whatever they have in common; one of them knowing it is enough."""
        await self._collection.update(
            {"_id": person_id, "distinct_from": {"$ne": other_id}},
            {"$push": {"distinct_from": other_id}, "$inc": {"version": 1}},
        )

    async def absorb(self, within: Transaction, now: datetime, absorbed_id: str, event: Document) -> bool:
        """Both live → the first points to the survivor of the event; False when one is not live any more.

        Both documents change, so of two merges the other way round at once one must give way.
        """
        kept, survivor_id = within.of(self._collection), event["survivor_id"]
        due, events = adding(now, ("person.merged", event))
        is_absorbed = await kept.update(
            {"_id": absorbed_id, **LIVE},
            {
                "$set": {"state": "merged", "merged_into": survivor_id, **due},
                "$inc": {"version": 1},
                "$push": events,
            },
        )
        return is_absorbed and await kept.update({"_id": survivor_id, **LIVE}, {"$inc": {"version": 1}})

    async def release(self, within: Transaction, now: datetime, absorbed_id: str, event: Document) -> bool:
        """The merged one is live again, and known to be somebody else than the survivor of the event; False
        when it was not merged into that one."""
        survivor_id = event["survivor_id"]
        due, events = adding(now, ("person.unmerged", event))
        return await within.of(self._collection).update(
            {"_id": absorbed_id, "state": "merged", "merged_into": survivor_id},
            {
                "$set": {"state": "live", **due},
                "$unset": {"merged_into": ""},
                "$addToSet": {"distinct_from": survivor_id},
                "$inc": {"version": 1},
                "$push": events,
            },
        )

    async def store_anew(self, person: Person, blocking: Sequence[str], drops: Sequence[str]) -> None:
        """The row in its newest form, without the fields `drops`, for a migration: nobody is told."""
        content = {name: value for name, value in self.as_row(person, blocking).items() if name != "_id"}
        change: Document = {"$set": content}
        if drops:
            change["$unset"] = dict.fromkeys(drops, "")
        await self._collection.update({"_id": person.person_id}, change)

    async def set_blocking(self, person: Person, blocking: Sequence[str]) -> bool:
        """Other blocking keys for the person as he was read, for a migration; False when he has changed."""
        return await self._collection.update(
            {"_id": person.person_id, "version": person.version}, {"$set": {"blocking": list(blocking)}}
        )

    # -- reading
    async def find(self, person_id: str) -> Person | None:
        """Live or merged."""
        row = await self._collection.find_one({"_id": person_id})
        return None if row is None else self.person(row)

    async def find_by_document(self, document_key: str) -> Person | None:
        """Live or merged: whoever the document came with."""
        return await self._by_document.ask(document_key)

    async def _find_by_documents(self, keys: list[str]) -> list[Person | BaseException | None]:
        wanted = set(keys)
        rows = await self._collection.find({"documents.key": {"$in": list(wanted)}}, limit=len(wanted))
        held = {document["key"]: row for row in rows for document in row["documents"]}
        return [attempt(self.person, held[key]) if key in held else None for key in keys]

    async def find_alike(
        self, blocking: Sequence[str], documents: Sequence[HeldDocument] = (), seen: Container[str] = ()
    ) -> list[Person]:
        """Live persons with one of the blocking keys, oldest first, at most 50; without those whose ids are
        in `seen`, and without those whom `documents` make somebody else (`levels.are_two_people`).

        The keys alone are read first.  Most who share one are told apart by their documents, and a whole row
        costs ten times as much: to bring, to open, to compare.
        """
        rows = await self._alike.ask(frozenset(blocking)) if blocking else []
        mine = _proofs({"type": one.id_type, "key": self.document_key(one)} for one in documents)
        ids = [
            row["_id"]
            for row in rows
            if row["_id"] not in seen and not are_two_people(mine, _proofs(row["documents"]))
        ][:MAX_FOUND]
        if not ids:
            return []
        found = await self._collection.find({"_id": {"$in": ids}, **LIVE}, limit=len(ids), sort=[("_id", 1)])
        return [self.person(row) for row in found]

    async def _find_alike(self, asked: list[frozenset[str]]) -> list[list[Document] | BaseException]:
        """Id, blocking keys and document keys for each question, oldest first.  One query answers all of
        them, unless so many people are alike that it was cut off: then each question has its own."""
        rows = await self._alike_to(frozenset().union(*asked), len(asked))
        if len(rows) < len(asked) * (MAX_FOUND + 1) or len(asked) == 1:
            return [[row for row in rows if not keys.isdisjoint(row["blocking"])] for keys in asked]
        return [await self._alike_to(keys, 1) for keys in asked]

    async def _alike_to(self, keys: frozenset[str], questions: int) -> list[Document]:
        rows = await self._collection.find(
            {"blocking": {"$in": sorted(keys)}, **LIVE},
            limit=questions * (MAX_FOUND + 1),
            projection={"blocking": 1, "documents": 1},
        )
        return sorted(rows, key=lambda row: str(row["_id"]))

    async def find_by_phone(self, phone: str, limit: int = MAX_FOUND) -> list[Person]:
        rows = await self._collection.find({"phone_key": self.phone_key(phone), **LIVE}, limit=limit)
        return [self.person(row) for row in rows]

    async def list_merged_into(self, person_ids: Sequence[str]) -> dict[str, str | None]:
        """Of those who are there: whom each was merged into, None for the living."""
        rows = await self._collection.find(
            {"_id": {"$in": list(person_ids)}}, limit=len(person_ids), projection={"merged_into": 1}
        )
        return {row["_id"]: row.get("merged_into") for row in rows}

    async def list_absorbed(self, survivor_id: str) -> list[str]:
        """The ids of those who were merged into this person, directly."""
        rows = await self._collection.find(
            {"merged_into": survivor_id}, limit=MAX_FOUND, projection={"_id": 1}
        )
        return [row["_id"] for row in rows]

    # -- rows
    def as_row(self, person: Person, blocking: Sequence[str]) -> Document:
        """The row without its events; `blocking` are keyed already."""
        plain: dict[str, Any] = {
            "name": person.name,
            "other_names": list(person.other_names),
            "gender": person.gender,
            "born_on": person.born_on.isoformat(),
            "documents": [[document.id_type, document.number] for document in person.documents],
            "contact": contact_as_plain(person.contact),
        }
        row: Document = {
            "_id": person.person_id,
            "particulars": self._sealer.seal_json("persons", person.person_id, "particulars", plain),
            "documents": [
                {"type": document.id_type, "key": self._own_key(document, person.person_id)}
                for document in person.documents
            ],
            "blocking": list(blocking),
            "evidence": [dict(evidence.__dict__) for evidence in person.evidence],
            "origin": {"channel": person.origin.channel, "by": dict(person.origin.by.__dict__)},
            "state": person.state,
            "version": person.version,
            "registered_at": person.registered_at,
        }
        if person.contact.phone is not None:
            row["phone_key"] = self.phone_key(person.contact.phone)
        if person.distinct_from:
            row["distinct_from"] = sorted(person.distinct_from)
        return row

    def person(self, row: Document) -> Person:
        plain = self._sealer.unseal_json("persons", row["_id"], "particulars", row["particulars"])
        origin = row["origin"]
        return Person(
            person_id=row["_id"],
            name=plain["name"],
            gender=plain["gender"],
            born_on=date.fromisoformat(plain["born_on"]),
            documents=tuple(HeldDocument(*document) for document in plain["documents"]),
            contact=contact_from_plain(plain["contact"]),
            evidence=tuple(Evidence(**evidence) for evidence in row["evidence"]),
            origin=Origin(origin["channel"], Actor(**origin["by"])),
            registered_at=row["registered_at"],
            other_names=tuple(plain["other_names"]),
            merged_into=row.get("merged_into"),
            distinct_from=frozenset(row.get("distinct_from", ())),
            version=row["version"],
        )


def _proofs(documents: Iterable[Mapping[str, str]]) -> frozenset[str]:
    """What the documents of a row prove, as "kind|keyed number"."""
    proving = (one for one in documents if DOCUMENT_TYPES[one["type"]].proves_identity)
    return frozenset(number_key(one["type"], one["key"]) for one in proving)
