"""Opening merchants."""

from payment.merchants.model import Merchant
from payment.merchants.store import MerchantStore
from server.core.clock import Clock
from server.core.ids import new_id
from server.core.mongo import Duplicate


class Merchants:
    def __init__(self, store: MerchantStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def open(self, institution_id: str, name: str) -> None:
        """The institution is a merchant from here on; nothing happens when it was one."""
        now = self._clock.now()
        try:
            await self._store.insert(Merchant(new_id(now), institution_id, name, now))
        except Duplicate:
            return

    async def find_of(self, institution_id: str) -> Merchant | None:
        return await self._store.find_of(institution_id)
