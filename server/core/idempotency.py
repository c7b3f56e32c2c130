"""The same request asked twice has one effect and one answer (invariant I7).

The caller makes the key.  The first answer is kept for a day, sealed, because it may hold personal fields;
the same key with the same body gets the same bytes, with another body it is refused.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from server.core.clock import Clock
from server.core.errors import Conflict, InvalidInput
from server.core.grouping import Group
from server.core.mongo import Collection, Document, Duplicate, index
from server.core.secrets import Sealer

KEPT = timedelta(hours=24)
LEASE = timedelta(seconds=30)


@dataclass(frozen=True)
class KeptAnswer:
    status: int
    body: bytes


class Idempotency:
    """The collection `idempotency`."""

    INDEXES = [index("expires_at", expire_after_s=0)]

    def __init__(self, collection: Collection, sealer: Sealer, clock: Clock) -> None:
        self._collection = collection
        self._begun: Group[Document, None] = Group(collection.insert_each, lanes=2)
        self._sealer = sealer
        self._clock = clock

    def row_id(self, caller: str, route: str, key: str) -> str:
        return hashlib.sha256(f"{caller}\n{route}\n{key}".encode()).hexdigest()

    async def begin(self, row_id: str, body: bytes) -> KeptAnswer | None:
        """The kept answer; or None, and the caller goes on and ends with `keep` or `abandon`.

        InvalidInput `idempotency.key_reused` for another body; Conflict `idempotency.in_progress` while the
        first request is still at work.  A first request that died is taken over after its lease.
        """
        now = self._clock.now()
        digest = self._sealer.fingerprint(body)  # keyed: a body may hold an ID number
        row = {"_id": row_id, "body": digest, "lease_until": now + LEASE, "expires_at": now + KEPT}
        try:
            await self._begun.ask(row)
            return None
        except Duplicate:
            found = await self._collection.find_one({"_id": row_id})
        if found is None:
            return await self.begin(row_id, body)
        if found["body"] != digest:
            raise InvalidInput("idempotency.key_reused", "this Idempotency-Key came with another body")
        if "answer" in found:
            return self._kept(found)
        taken = await self._collection.update(
            {"_id": row_id, "lease_until": {"$lte": now}, "answer": {"$exists": False}},
            {"$set": {"lease_until": now + LEASE}},
        )
        if not taken:
            raise Conflict("idempotency.in_progress", "the first request with this key is still at work")
        return None

    async def keep(self, row_id: str, status: int, body: bytes) -> KeptAnswer:
        """The answer to give: this one; or the one that is kept already, when this request took longer than
        its lease and another attempt was answered meanwhile."""
        answer = self._sealer.seal("idempotency", row_id, "answer", body.decode())
        unanswered = {"_id": row_id, "answer": {"$exists": False}}
        if not await self._collection.update(unanswered, {"$set": {"status": status, "answer": answer}}):
            found = await self._collection.find_one({"_id": row_id})
            if found is not None and "answer" in found:
                return self._kept(found)
        return KeptAnswer(status, body)

    def _kept(self, row: Document) -> KeptAnswer:
        text = self._sealer.unseal("idempotency", row["_id"], "answer", row["answer"])
        return KeptAnswer(row["status"], text.encode())

    async def abandon(self, row_id: str) -> None:
        """Nothing was decided (an outside system was down): the key may be used again at once."""
        await self._collection.delete({"_id": row_id, "answer": {"$exists": False}})
