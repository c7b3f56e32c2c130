"""How the router keeps centres (`centres`) and counts (`routes`)."""

from datetime import UTC, date, datetime, time
from typing import Any

from server.core.mongo import Collection, Document, index
from server.federation.model import Signed
from server.router.model import Centre, CentreKey, RouteCount

MAX_ROWS = 10_000


class CentreStore:
    def __init__(self, centres: Collection) -> None:
        self._centres = centres

    async def find(self, centre_id: str) -> Centre | None:
        row = await self._centres.find_one({"_id": centre_id})
        return None if row is None else _centre(row)

    async def every(self) -> list[Centre]:
        rows = await self._centres.find({}, limit=MAX_ROWS, sort=[("_id", 1)])
        return [_centre(row) for row in rows]

    async def put(self, centre_id: str, name: str, url: str) -> None:
        """Makes or changes the centre; its keys and whether it is active stay."""
        await self._centres.update(
            {"_id": centre_id},
            {"$set": {"name": name, "url": url}, "$setOnInsert": {"status": "active", "keys": []}},
            upsert=True,
        )

    async def add_key(self, centre_id: str, key: CentreKey) -> bool:
        """False when the centre has another key of this id; the same key again is admitted anew."""
        row = {
            "key_id": key.key_id,
            "public_key": key.public_key,
            "not_after": key.not_after,
            "certificate": {"text": key.certificate.text, "signature": key.certificate.signature},
        }
        again = await self._centres.update(
            {
                "_id": centre_id,
                "keys": {"$elemMatch": {"key_id": key.key_id, "public_key": key.public_key}},
            },
            {"$set": {"keys.$": row}},
        )
        return again or await self._centres.update(
            {"_id": centre_id, "keys.key_id": {"$ne": key.key_id}}, {"$push": {"keys": row}}
        )

    async def remove_key(self, centre_id: str, key_id: str) -> bool:
        """False when the centre has no such key."""
        return await self._centres.update(
            {"_id": centre_id, "keys.key_id": key_id}, {"$pull": {"keys": {"key_id": key_id}}}
        )

    async def set_active(self, centre_id: str, is_active: bool) -> bool:
        """False when there is no such centre."""
        status = "active" if is_active else "suspended"
        return await self._centres.update({"_id": centre_id}, {"$set": {"status": status}})


def _centre(row: Document) -> Centre:
    return Centre(
        centre_id=row["_id"],
        name=row["name"],
        url=row["url"],
        is_active=row["status"] == "active",
        keys=tuple(
            CentreKey(
                key["key_id"],
                key["public_key"],
                key["not_after"],
                Signed(key["certificate"]["text"], key["certificate"]["signature"]),
            )
            for key in row["keys"]
        ),
    )


class RouteStore:
    INDEXES = [index("asked_by", "day"), index("issuer", "day")]

    def __init__(self, routes: Collection) -> None:
        self._routes = routes

    async def count(self, day: date, asked_by: str, issuer: str, outcome: str, bucket: str) -> None:
        named = {"day": _at(day), "asked_by": asked_by, "issuer": issuer, "outcome": outcome}
        await self._routes.update(
            {"_id": f"{day.isoformat()}|{asked_by}|{issuer}|{outcome}"},
            {"$inc": {"count": 1, f"took.{bucket}": 1}, "$setOnInsert": named},
            upsert=True,
        )

    async def of_centre(self, centre_id: str, since: date) -> list[RouteCount]:
        """Both directions, oldest day first."""
        return await self._find(
            {"$or": [{end: centre_id, "day": {"$gte": _at(since)}} for end in ("asked_by", "issuer")]}
        )

    async def every(self, since: date) -> list[RouteCount]:
        return await self._find({"_id": {"$gte": since.isoformat()}})

    async def _find(self, filter: dict[str, Any]) -> list[RouteCount]:
        rows = await self._routes.find(filter, limit=MAX_ROWS, sort=[("_id", 1)])
        return [
            RouteCount(
                row["day"].date(), row["asked_by"], row["issuer"], row["outcome"], row["count"], row["took"]
            )
            for row in rows
        ]


def _at(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
