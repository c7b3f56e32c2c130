"""How identifiers are kept: `identifiers`, one row for each (domain, value), the value sealed."""

from collections.abc import Sequence
from datetime import datetime

from server.core.audit import Actor
from server.core.mongo import Collection, Document, Duplicate, index
from server.core.secrets import Sealer
from server.identity.identifiers.model import Identifier

MAX_OF_PERSON = 200
AFTER_BAR = "}"  # the character after "|": where the rows of a domain end


class IdentifierStore:
    # The id is domain and keyed value together, so that one value of one domain is one person's.
    INDEXES = [index("person_id", "domain")]

    def __init__(self, collection: Collection, sealer: Sealer) -> None:
        self._collection = collection
        self._sealer = sealer

    async def bind(
        self, identifier: Identifier, person_id: str, by: Actor, now: datetime, replaces: str | None = None
    ) -> str:
        """Whose it is now: `person_id`, or another's to whom it was bound before.  With `replaces` it is
        taken from that person."""
        row_id = self._row_id(identifier)
        row: Document = {
            "_id": row_id,
            "domain": identifier.domain,
            "value": self._sealer.seal("identifiers", row_id, "value", identifier.value),
            "person_id": person_id,
            "bound_at": now,
            "by": dict(by.__dict__),
        }
        try:
            await self._collection.insert(row)
            return person_id
        except Duplicate:
            if replaces is not None:
                moved = {name: row[name] for name in ("person_id", "bound_at", "by")}
                await self._collection.update({"_id": row_id, "person_id": replaces}, {"$set": moved})
        found = await self._collection.find_one({"_id": row_id}, {"person_id": 1})
        assert found is not None, "an identifier is never deleted"
        return str(found["person_id"])

    async def find_person_id(self, identifier: Identifier) -> str | None:
        row = await self._collection.find_one({"_id": self._row_id(identifier)}, {"person_id": 1})
        return None if row is None else str(row["person_id"])

    async def list_person_ids(self, domain: str, values: Sequence[str]) -> dict[str, str]:
        """value → person_id, of those that are bound in the domain."""
        row_ids = {self._row_id(Identifier(domain, value)): value for value in values}
        rows = await self._collection.find(
            {"_id": {"$in": list(row_ids)}}, limit=len(row_ids), projection={"person_id": 1}
        )
        return {row_ids[row["_id"]]: str(row["person_id"]) for row in rows}

    async def is_known(self, domain: str) -> bool:
        """Whether anything was ever bound in this domain."""
        within = {"_id": {"$gte": f"{domain}|", "$lt": f"{domain}{AFTER_BAR}"}}
        return bool(await self._collection.find(within, limit=1, projection={"_id": 1}))

    async def list_of_persons(
        self, person_ids: Sequence[str], domains: Sequence[str] | None
    ) -> list[Identifier]:
        """What these persons are called, in these domains or in all."""
        filter: Document = {"person_id": {"$in": list(person_ids)}}
        if domains is not None:
            filter["domain"] = {"$in": list(domains)}
        rows = await self._collection.find(filter, limit=MAX_OF_PERSON, sort=[("_id", 1)])
        return [
            Identifier(row["domain"], self._sealer.unseal("identifiers", row["_id"], "value", row["value"]))
            for row in rows
        ]

    def _row_id(self, identifier: Identifier) -> str:
        key = self._sealer.index("identifier", f"{identifier.domain}|{identifier.value}")
        return f"{identifier.domain}|{key}"
