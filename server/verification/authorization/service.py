"""Asking a resident through their own phone, and waiting for the answer.

The answer is decided in one place, the request's row.  The use of the card is stored under a key made of the
request, so however often the terminal asks, and whatever dies in between, there is one use and one receipt.
"""

import asyncio
from dataclasses import dataclass

from server.cards.factors.service import Factor, FactorService
from server.cards.model import Card, Status
from server.cards.service import CardService
from server.core.audit import Actor, Audit, row_digest
from server.core.clock import Clock
from server.core.errors import Conflict, NotFound
from server.core.ids import new_id
from server.core.keys import Seals
from server.core.mongo import Document, Duplicate
from server.core.outbox import outbox
from server.core.policies import Policies
from server.partners.model import Caller
from server.partners.service import PartnerService
from server.usage.codes import UsageCodes
from server.usage.keys import active_use_key
from server.verification.authorization.model import (
    ActiveScanPolicy,
    AuthorizationRequest,
    State,
    read_request_text,
    request_text,
)
from server.verification.authorization.store import AuthorizationStore
from server.verification.model import CardSeen, Verification
from server.verification.store import UsageStore

LOOK_EVERY_S = 0.5
LONGEST_WAIT_S = 25


@dataclass(frozen=True)
class Question:
    """What a terminal wants to be allowed."""

    terminal_id: str
    scene: str
    channel: str | None
    department: str | None
    purpose: str | None


@dataclass(frozen=True)
class Reading:
    """What a resident's phone has read; `seconds_left` is by our clock, the phone's may be wrong."""

    request: AuthorizationRequest
    needs_factor: bool
    seconds_left: int


class AuthorizationService:
    def __init__(
        self,
        store: AuthorizationStore,
        usages: UsageStore,
        partners: PartnerService,
        cards: CardService,
        factors: FactorService,
        policies: Policies,
        seals: Seals,
        audit: Audit,
        clock: Clock,
        codes: UsageCodes,
        *,
        centre_id: str,
    ) -> None:
        self._store = store
        self._usages = usages
        self._partners = partners
        self._cards = cards
        self._factors = factors
        self._policies = policies
        self._seals = seals
        self._audit = audit
        self._clock = clock
        self._codes = codes
        self._centre_id = centre_id

    # -- the terminal
    async def ask(self, caller: Caller, question: Question) -> tuple[AuthorizationRequest, str]:
        """The request and the text to show; Forbidden `terminal.unknown`, `scene.not_at_terminal`,
        InvalidInput `scene.unknown`, `channel.unknown`."""
        terminal = await self._partners.get_terminal(caller, question.terminal_id)
        codes = await self._codes.of(caller.app.institution.institution_id)
        scene = codes.step(question.scene)
        terminal.require_scene(scene)
        channel = codes.channel_of(question.channel, terminal.channel)
        now = self._clock.now()
        policy = await self._policies.get(ActiveScanPolicy)
        request = AuthorizationRequest(
            request_id=new_id(now),
            app_id=caller.app.app_id,
            institution_id=caller.app.institution.institution_id,
            institution=caller.app.institution.name,
            terminal_id=terminal.terminal_id,
            place=terminal.place,
            scene=scene,
            channel=channel,
            department=question.department,
            purpose=question.purpose,
            created_at=now,
            expires_at=now + policy.life,
            state=State.WAITING,
        )
        await self._store.insert(request)
        return request, request_text(request.request_id, self._centre_id)

    async def result(
        self, caller: Caller, request_id: str, wait_s: int
    ) -> tuple[AuthorizationRequest, State, Verification | None]:
        """What became of the caller's own request; waits up to `wait_s` seconds for the resident.

        The verification comes with `approved`, the same one however often it is asked for.  NotFound
        `authorization.not_found`; Conflict `card.<state>` when the card was frozen since.
        """
        deadline = asyncio.get_running_loop().time() + min(wait_s, LONGEST_WAIT_S)
        while True:
            request = await self._own(caller, request_id)
            state = request.state_at(self._clock.now())
            if state is not State.WAITING or asyncio.get_running_loop().time() >= deadline:
                break
            await asyncio.sleep(LOOK_EVERY_S)
        if state is not State.APPROVED:
            return request, state, None
        return request, state, await self._delivered(caller, request)

    async def _delivered(self, caller: Caller, request: AuthorizationRequest) -> Verification:
        """The use as the terminal is told it.  That it was told is recorded with the row's digest: a crash
        may have torn the batch the row was stored in."""
        usage, card = await self._used(request)
        await self._audit.record(
            "cards.verify",
            Actor("app", caller.app.app_id),
            "usage",
            usage["_id"],
            outcome=State.APPROVED.value,
            digest=row_digest(self._seals, usage).hex(),
        )
        return Verification(
            verification_id=usage["_id"],
            card_id=card.card_id,
            card_status=card.status,
            person_id=usage["person_id"],
            holder=card.holder,
            is_dynamic=True,
            centre_id=self._centre_id,
            verified_at=usage["at"],
        )

    async def _used(self, request: AuthorizationRequest) -> tuple[Document, CardSeen]:
        """The one use of an approved request, stored now when it is not there yet."""
        assert request.ehealth_card_id is not None, "an approved request names its card"
        card = await self._usages.see(request.ehealth_card_id)
        if card is None:
            raise Conflict("card.reissued", "the card was reissued since the request was approved")
        key = active_use_key(request.ehealth_card_id, request.request_id)
        before = await self._usages.find_by_use(key)
        if before is not None:
            return before, card
        if card.status != Status.ACTIVE or card.person_id is None:
            raise Conflict(f"card.{card.status}", "the card cannot be used in its state")
        usage = self._usage(request, card, key)
        try:
            await self._usages.insert(usage)
        except Duplicate:  # the resident's phone and the terminal came at once
            stored = await self._usages.find_by_use(key)
            assert stored is not None, "a use is never deleted"
            return stored, card
        return usage, card

    def _usage(self, request: AuthorizationRequest, card: CardSeen, key: str) -> Document:
        now = self._clock.now()
        verification_id = new_id(now)
        receipt = {
            "verification_id": verification_id,
            "card_id": card.card_id,
            "institution": request.institution,
            "place": request.place,
            "terminal_id": request.terminal_id,
            "scene": request.scene,
        }
        return {
            "_id": verification_id,
            "use_key": key,
            "at": now,
            "card_id": card.card_id,
            "person_id": card.person_id,
            "app_id": request.app_id,
            "institution_id": request.institution_id,
            "terminal_id": request.terminal_id,
            "scene": request.scene,
            "channel": request.channel,
            "department": request.department,
            "purpose": request.purpose,
            "is_dynamic": True,
            "is_direct": True,
            "authorized_by": request.account_id,
            "request_key": request.request_id,
            "outbox": outbox(now, ("card.used", receipt)),
        }

    async def _own(self, caller: Caller, request_id: str) -> AuthorizationRequest:
        request = await self._store.find(request_id)
        if request is None or request.app_id != caller.app.app_id:
            raise _no_request()
        if caller.session is not None and caller.session.terminal_id != request.terminal_id:
            raise _no_request()  # in a session only the terminal that asked may hear the answer
        return request

    # -- the resident
    async def read(self, text: str) -> Reading:
        """Who asks for what, whether a factor is needed, and the time left; the request is proven: only a
        partner's signed call makes one.  NotFound, or Conflict `authorization.expired`,
        `authorization.decided`."""
        request = await self._waiting(read_request_text(text, self._centre_id))
        policy = await self._policies.get(ActiveScanPolicy)
        left = (request.expires_at - self._clock.now()).total_seconds()
        return Reading(request, request.scene in policy.factor_scenes, max(0, int(left)))

    async def _waiting(self, request_id: str) -> AuthorizationRequest:
        request = await self._store.find(request_id)
        if request is None:
            raise _no_request()
        state = request.state_at(self._clock.now())
        if state is State.EXPIRED:
            raise Conflict("authorization.expired", "the terminal does not wait for this any more")
        if state is not State.WAITING:
            raise Conflict("authorization.decided", "this request was answered before")
        return request

    async def approve(
        self, account_id: str, request_id: str, card_id: str, factor: Factor | None = None
    ) -> None:
        """The card is used for this request, once.

        NotFound `card.not_found`, `authorization.not_found`; Conflict `card.not_active`,
        `authorization.expired`, `authorization.decided`; Forbidden `factor.required`, `factor.wrong`;
        TooMany `pin.locked`.
        """
        request = await self._waiting(request_id)
        card = await self._cards.get(account_id, card_id)
        card.require_active()
        policy = await self._policies.get(ActiveScanPolicy)
        if request.scene in policy.factor_scenes:
            await self._factors.require(card, factor)
        await self._decide(request, account_id, State.APPROVED, card)
        approved = await self._store.find(request_id)
        assert approved is not None, "a request outlives the day it was made in"
        await self._used(approved)  # the receipt does not wait for the terminal

    async def refuse(self, account_id: str, request_id: str) -> None:
        """The terminal hears `refused`, and nothing of who refused."""
        await self._decide(await self._waiting(request_id), account_id, State.REFUSED, None)

    async def _decide(
        self, request: AuthorizationRequest, account_id: str, state: State, card: Card | None
    ) -> None:
        by = {"account_id": account_id}
        if card is not None:
            by |= {"card_id": card.card_id, "ehealth_card_id": card.ehealth_card_id}
        await self._audit.record(
            "cards.authorize",
            Actor("account", account_id),
            "authorization_request",
            request.request_id,
            outcome=state.value,
            **request.place_and_purpose,
        )
        if not await self._store.decide(request.request_id, self._clock.now(), state, **by):
            await self._waiting(request.request_id)
            raise Conflict("authorization.decided", "this request was answered before")


def _no_request() -> NotFound:
    return NotFound("authorization.not_found", "there is no such request")
