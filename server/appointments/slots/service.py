"""Loading schedules into the platform's pools, and closing them (M1)."""

from server.appointments.slots.model import Pool
from server.appointments.slots.store import PoolStore
from server.core.audit import Actor, Audit
from server.core.clock import Clock
from server.core.errors import NotFound


class SlotPools:
    def __init__(self, store: PoolStore, audit: Audit, clock: Clock) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock

    async def put(self, pool: Pool, by: Actor) -> Pool:
        """The schedule is this from now on; saying it twice changes nothing.  Bookings follow: of a slot that
        is gone, closed or smaller they are moved where they can be, and else cancelled.

        InvalidInput `slot_pool.invalid`.
        """
        pool.require_sound()
        await self._audit.record("slot_pools.put", by, "slot_pool", pool.key, closed=pool.is_closed)
        await self._store.put(pool, self._clock.now())
        return pool

    async def get(self, institution_id: str, schedule_id: str) -> Pool:
        """NotFound `slot_pool.not_found`."""
        pool = await self._store.find(institution_id, schedule_id)
        if pool is None:
            raise NotFound("slot_pool.not_found", "there is no such schedule")
        return pool
