"""How mappings are kept: `code_mappings`, one row for each version, so that an old code can be read later."""

from collections.abc import Sequence

from server.core.mongo import Collection, Document, index
from server.usage.code_mappings.model import TABLES, CodeMapping


class CodeMappingStore:
    # Some hundred institutions, a few versions each: unsharded.
    INDEXES = [index("institution_id", ("version", -1), unique=True)]

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def find(self, institution_id: str) -> CodeMapping | None:
        """The newest version."""
        rows = await self._collection.find(
            {"institution_id": institution_id}, limit=1, sort=[("version", -1)]
        )
        return _mapping(rows[0]) if rows else None

    async def find_newest(self, institution_ids: Sequence[str]) -> dict[str, CodeMapping]:
        """The newest version of each that has one."""
        rows = await self._collection.aggregate(
            [
                {"$match": {"institution_id": {"$in": list(institution_ids)}}},
                {"$sort": {"institution_id": 1, "version": -1}},
                {"$group": {"_id": "$institution_id", "newest": {"$first": "$$ROOT"}}},
            ],
            limit=len(institution_ids),
        )
        return {row["_id"]: _mapping(row["newest"]) for row in rows}

    async def insert(self, mapping: CodeMapping) -> None:
        """Duplicate when somebody has stored this version."""
        row: Document = {
            "_id": f"{mapping.institution_id}:{mapping.version}",
            "institution_id": mapping.institution_id,
            "version": mapping.version,
            "set_at": mapping.set_at,
            "set_by": mapping.set_by,
            # As pairs: a hospital's code may hold a dot, which a field's name should not.
            **{name: [list(pair) for pair in getattr(mapping, name).items()] for name in TABLES},
        }
        await self._collection.insert(row)


def _mapping(row: Document) -> CodeMapping:
    tables = {name: dict(row[name]) for name in TABLES}
    return CodeMapping(
        row["institution_id"], row["version"], **tables, set_at=row["set_at"], set_by=row["set_by"]
    )
