"""Counting what a platform still takes, and saying what to ask for at which tap (N3)."""

from push.credits.model import MessageTemplates, Offer, Platform
from push.credits.store import CreditStore
from push.kinds import TAPS, TEMPLATES
from server.core.clock import Clock
from server.core.errors import NotFound
from server.core.policies import Policies


class CreditService:
    def __init__(self, store: CreditStore, policies: Policies, clock: Clock) -> None:
        self._store = store
        self._policies = policies
        self._clock = clock

    async def offers(self, account_id: str, platform: Platform) -> list[Offer]:
        """What pages on this platform may ask for; empty when the centre has no template there."""
        templates = await self._policies.get(MessageTemplates)
        approved = {name: one for name in TEMPLATES if (one := templates.find(platform, name)) is not None}
        left = await self._store.list_left(
            account_id, platform, [one.template_id for one in approved.values()]
        )
        return [
            Offer(
                one.template_id,
                name,
                tuple(tap for tap, names in TAPS.items() if name in names),
                left.get(one.template_id, 0),
            )
            for name, one in approved.items()
        ]

    async def count(self, account_id: str, platform: Platform, template_id: str, *, accepted: bool) -> int:
        """What somebody answered to a prompt; how many are left.  NotFound `template.not_found`."""
        templates = await self._policies.get(MessageTemplates)
        if templates.name_of(platform, template_id) is None:
            raise NotFound("template.not_found", "there is no such template on this platform")
        if accepted:
            return await self._store.add(account_id, platform, template_id, self._clock.now())
        return (await self._store.list_left(account_id, platform, [template_id])).get(template_id, 0)

    async def take(self, account_id: str, platform: Platform, template_id: str, message_id: str) -> bool:
        """Counted down before sending; False when none is left.  The same message takes one, however often
        it is tried."""
        return await self._store.take(account_id, platform, template_id, message_id)

    async def used(self, account_id: str, platform: Platform, template_id: str, message_id: str) -> None:
        """The platform took the message, or nobody knows: it is not given back."""
        await self._store.settle(account_id, platform, template_id, message_id, gives_back=0)

    async def give_back(self, account_id: str, platform: Platform, template_id: str, message_id: str) -> None:
        """The platform said it did not take the message."""
        await self._store.settle(account_id, platform, template_id, message_id, gives_back=1)

    async def none_left(self, account_id: str, platform: Platform, template_id: str, message_id: str) -> None:
        """The platform said that nobody has accepted: our count was wrong."""
        await self._store.clear(account_id, platform, template_id, message_id)
