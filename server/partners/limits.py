"""What an app may, and until when: taking away takes one person, giving takes two (A6.1, S3).

One reviewer alone could otherwise undo what two people have decided at the admission.
"""

from datetime import datetime

from server.core.audit import Actor, Audit
from server.core.clock import Clock
from server.core.errors import Conflict, Forbidden, NotFound
from server.core.ids import new_id
from server.core.versions import Versions
from server.partners.model import App, ProposedLimits
from server.partners.register import PartnerRegister
from server.partners.service import VERSION
from server.partners.store import PartnerStore

TRIES = 5


class PartnerLimits:
    def __init__(
        self, store: PartnerStore, register: PartnerRegister, audit: Audit, versions: Versions, clock: Clock
    ) -> None:
        self._store = store
        self._register = register
        self._audit = audit
        self._versions = versions
        self._clock = clock

    async def put(
        self, app_id: str, scopes: frozenset[str], valid_until: datetime | None, by: Actor
    ) -> ProposedLimits | None:
        """What is less than before holds on every process within a second.  What is more (a scope, a later
        end; None is no end) waits for somebody else, in the place of what was proposed before; None when
        nothing is more.  NotFound `app.not_found`; Conflict `limits.changed`.
        """
        for _ in range(TRIES):
            app = await self._register.get(app_id)
            kept, until = app.scopes & scopes, _earlier(app.valid_until, valid_until)
            proposed = None
            if (kept, until) != (scopes, valid_until):
                now = self._clock.now()
                proposed = ProposedLimits(new_id(now), scopes, valid_until, by.id, now)
            more = sorted(scopes - kept)
            await self._audit.record("apps.limit", by, "app", app_id, scopes=sorted(kept), proposed=more)
            if await self._store.set_limits(app, kept, until, proposed):
                await self._versions.bump(VERSION)
                return proposed
        raise _changed()

    async def approve(self, app_id: str, proposal_id: str, by: Actor) -> None:
        """In force from here on.  NotFound `app.not_found`, `limits.not_proposed`; Forbidden
        `limits.same_reviewer`; Conflict `limits.changed`."""
        app, proposed = await self._proposed(app_id, proposal_id)
        if proposed.by == by.id:
            raise Forbidden("limits.same_reviewer", "who asks for more does not approve it")
        await self._audit.record("apps.limit", by, "app", app_id, scopes=sorted(proposed.scopes))
        await self._settle(app, proposed.scopes, proposed.valid_until)

    async def refuse(self, app_id: str, proposal_id: str, by: Actor) -> None:
        """Nothing comes of it; who proposed it may take it back so.  Refuses as `approve` does, but for who
        it is."""
        app, _ = await self._proposed(app_id, proposal_id)
        await self._audit.record("apps.limit", by, "app", app_id, scopes=sorted(app.scopes))
        await self._settle(app, app.scopes, app.valid_until)

    async def _proposed(self, app_id: str, proposal_id: str) -> tuple[App, ProposedLimits]:
        app = await self._register.get(app_id)
        if app.proposed is None or app.proposed.proposal_id != proposal_id:
            raise NotFound("limits.not_proposed", "this is not what is proposed for the app now")
        return app, app.proposed

    async def _settle(self, app: App, scopes: frozenset[str], valid_until: datetime | None) -> None:
        if not await self._store.set_limits(app, scopes, valid_until, None):
            raise _changed()
        await self._versions.bump(VERSION)


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """None is never."""
    return min((end for end in (one, other) if end is not None), default=None)


def _changed() -> Conflict:
    return Conflict("limits.changed", "somebody has changed the app's limits since; look again")
