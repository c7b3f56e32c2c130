"""The one door by which uses are stored."""

from server.core.audit import AuditChain
from server.core.mongo import Document


class UsageJournal:
    """Appends to the chain of uses: one row is usage event and audit entry.  `is_uploaded`: uses at
    institutions are marked as waiting for the next level, in the same write."""

    def __init__(self, chain: AuditChain, *, is_uploaded: bool) -> None:
        self._chain = chain
        self._is_uploaded = is_uploaded

    async def append(self, usage: Document) -> None:
        """Returns when the row is stored; Duplicate when its use was stored before."""
        if self._is_uploaded and usage["institution_id"] is not None:
            usage["upload"] = {"due": True}
        await self._chain.append(usage)
