"""How authorization requests are kept: `authorization_requests`; they carry nothing of the person."""

from datetime import datetime

from server.core.grouping import Group
from server.core.mongo import Collection, Document, index
from server.verification.authorization.model import AuthorizationRequest, State

# What is kept longer is the usage row; a request is only the way to it.
KEPT_S = 86_400


class AuthorizationStore:
    # The id is the shard key: terminals ask for it again and again, by id alone.
    INDEXES = [index("expires_at", expire_after_s=KEPT_S)]

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._by_id: Group[str, AuthorizationRequest | None] = Group(self._find_many)

    async def insert(self, request: AuthorizationRequest) -> None:
        row: Document = dict(request.__dict__)
        row["_id"], row["state"] = row.pop("request_id"), request.state.value
        await self._collection.insert(row)

    async def find(self, request_id: str) -> AuthorizationRequest | None:
        """Terminals that wait at the same time share one query."""
        return await self._by_id.ask(request_id)

    async def _find_many(self, ids: list[str]) -> list[AuthorizationRequest | BaseException | None]:
        rows = await self._collection.find({"_id": {"$in": list(set(ids))}}, limit=len(ids))
        found = {row["_id"]: _request(row) for row in rows}
        return [found.get(request_id) for request_id in ids]

    async def decide(self, request_id: str, now: datetime, state: State, **by: str) -> bool:
        """Waiting → `state`, once; False when it was decided before, or nobody waits for it any more."""
        return await self._collection.update(
            {"_id": request_id, "state": State.WAITING.value, "expires_at": {"$gt": now}},
            {"$set": {"state": state.value, "decided_at": now, **by}},
        )


def _request(row: Document) -> AuthorizationRequest:
    row.pop("decided_at", None)
    state = State(row.pop("state"))
    return AuthorizationRequest(request_id=row.pop("_id"), state=state, **row)
