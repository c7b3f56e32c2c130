"""How persons are kept: `persons`, personal fields sealed, found by the keyed index of a document."""

from datetime import date

from server.core.mongo import Collection, Document, index
from server.core.secrets import Sealer
from server.identity.model import Evidence, Person

SEALED = ("name", "id_no", "phone", "born_on")


class PersonStore:
    # Small enough to stay unsharded (a city has millions, not billions), so it may have two unique keys.
    INDEXES = [index("documents.key", unique=True)]

    def __init__(self, collection: Collection, sealer: Sealer) -> None:
        self._collection = collection
        self._sealer = sealer

    async def insert(self, person: Person, document_key: str) -> None:
        """Duplicate when a person with this document exists."""
        fields = {
            "name": person.name,
            "id_no": person.id_no,
            "phone": person.phone,
            "born_on": person.born_on.isoformat(),
        }
        row: Document = {
            "_id": person.person_id,
            "documents": [{"type": person.id_type, "key": document_key}],
            "gender": person.gender,
            "evidence": {
                "source": person.evidence.source,
                "serial_no": person.evidence.serial_no,
                "confirmed_at": person.evidence.confirmed_at,
            },
        }
        for name, value in fields.items():
            row[name] = self._sealer.seal("persons", person.person_id, name, value)
        await self._collection.insert(row)

    async def find_by_document(self, document_key: str) -> Person | None:
        row = await self._collection.find_one({"documents.key": document_key})
        return None if row is None else self._person(row)

    def _person(self, row: Document) -> Person:
        plain = {name: self._sealer.unseal("persons", row["_id"], name, row[name]) for name in SEALED}
        return Person(
            person_id=row["_id"],
            name=plain["name"],
            gender=row["gender"],
            born_on=date.fromisoformat(plain["born_on"]),
            id_type=row["documents"][0]["type"],
            id_no=plain["id_no"],
            phone=plain["phone"],
            evidence=Evidence(**row["evidence"]),
        )
