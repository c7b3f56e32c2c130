"""What is kept of calls between centres: `federation_nonces`, so that a call is taken once."""

from datetime import datetime

from server.core.grouping import Group
from server.core.mongo import Collection, Document, Duplicate, index


class NonceStore:
    INDEXES = [index("expires_at", expire_after_s=0)]

    def __init__(self, nonces: Collection) -> None:
        self._spent: Group[Document, None] = Group(nonces.insert_each)

    async def spend(self, peer_id: str, nonce: str, expires_at: datetime) -> bool:
        """False when the nonce was spent before, in any process and before any restart."""
        try:
            await self._spent.ask({"_id": f"{nonce}:{peer_id}", "expires_at": expires_at})
        except Duplicate:
            return False
        return True
