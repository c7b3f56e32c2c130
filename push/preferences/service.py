"""Choosing how one is told."""

from collections.abc import Sequence

from push.preferences.model import Preferences
from push.preferences.store import PreferenceStore
from server.core.clock import Clock

UNCHANGED = Preferences()


class PreferenceService:
    def __init__(self, store: PreferenceStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def get(self, account_id: str) -> Preferences:
        """What the account has chosen, or what holds until it has."""
        return (await self._store.find_many([account_id])).get(account_id, UNCHANGED)

    async def list_of_accounts(self, account_ids: Sequence[str]) -> dict[str, Preferences]:
        """One for each account."""
        chosen = await self._store.find_many(account_ids)
        return {account_id: chosen.get(account_id, UNCHANGED) for account_id in account_ids}

    async def put(self, account_id: str, chosen: Preferences) -> Preferences:
        """InvalidInput `message_group.not_optional`."""
        chosen.require_readable()
        await self._store.put(account_id, chosen, self._clock.now())
        return chosen
