"""The one door by which uses are stored."""

from server.core.audit import AuditChain
from server.core.mongo import Document

# A use that the next level has not acknowledged.  The field goes when it has (see `upload`).
UNSENT = "unsent"


class UsageJournal:
    """Appends to the chain of uses: one row is usage event and audit entry.  `is_uploaded`: rows of
    institutions are marked as waiting for the next level, in the same write."""

    def __init__(self, chain: AuditChain, *, is_uploaded: bool) -> None:
        self._chain = chain
        self._is_uploaded = is_uploaded

    async def append(self, usage: Document) -> None:
        """Returns when the row is stored; Duplicate when its use was stored before."""
        if self._is_uploaded and usage["institution_id"] is not None:
            usage[UNSENT] = True
        await self._chain.append(usage)
