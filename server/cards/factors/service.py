"""Proving once more, just now, that a card's holder is there: by its PIN or by a code to its own phone."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from server.cards.factors.pins import TRIES, digest_of, is_pin, require_strong
from server.cards.factors.store import FactorStore
from server.cards.model import Card
from server.core.audit import Actor, Audit
from server.core.budgets import Budget, Budgets
from server.core.clock import Clock
from server.core.errors import Conflict, Forbidden, TooMany, Unavailable
from server.core.ids import new_id
from server.core.keys import Seals
from server.core.secrets import Sealer
from server.core.threads import run_in
from server.gateways.sms import SmsGateway

CODE_LIFE = timedelta(minutes=5)
CODE_GUESSES = 5
CODES_PER_CARD = Budget("factor_sms", limit=5, window_s=3600)


@dataclass(frozen=True)
class Factor:
    """What somebody offers as proof: a PIN, or the code of a request."""

    pin: str | None = None
    request_id: str | None = None
    code: str | None = None


@dataclass(frozen=True)
class FactorCode:
    """A code that was sent to the card's own phone."""

    request_id: str
    expires_at: datetime
    phone_masked: str


class FactorService:
    def __init__(
        self,
        store: FactorStore,
        sms: SmsGateway,
        audit: Audit,
        budgets: Budgets,
        sealer: Sealer,
        clock: Clock,
        threads: ThreadPoolExecutor,
    ) -> None:
        self._store = store
        self._sms = sms
        self._audit = audit
        self._budgets = budgets
        self._sealer = sealer
        self._clock = clock
        self._threads = threads

    async def send_code(self, card: Card, by: Actor) -> FactorCode:
        """TooMany `factor_sms.too_many`; Unavailable `sms.unavailable`."""
        receipt = await self._budgets.spend(CODES_PER_CARD, card.card_id)
        now = self._clock.now()
        request_id, code = new_id(now), f"{secrets.randbelow(10**6):06d}"
        expires_at = now + CODE_LIFE
        digest = self._sealer.sms_digest(request_id, code)
        await self._store.insert_code(request_id, card.card_id, digest, CODE_GUESSES, expires_at)
        await self._audit.record("factors.send", by, "card", card.card_id)
        try:
            await self._sms.send(card.holder.phone, "factor_code", {"code": code, "minutes": "5"})
        except Unavailable:
            await self._budgets.refund(receipt)  # an outage is not the holder's doing
            raise
        return FactorCode(request_id, expires_at, card.holder.phone_masked)

    async def require(self, card: Card, factor: Factor | None) -> None:
        """Returns when the factor is right, which uses it up when it is a code.

        Forbidden `factor.required`, `factor.wrong` (detail.tries_left); TooMany `pin.locked`.
        """
        if factor is None:
            raise Forbidden("factor.required", "this needs the card's PIN or a code sent to its phone")
        if factor.pin is not None:
            tries_left = await self._try_pin(card.card_id, factor.pin) if card.has_pin else 0
            if tries_left is not None:
                raise Forbidden("factor.wrong", "the PIN is not right", tries_left=tries_left)
            return
        await self._use_code(card, factor.request_id or "", factor.code or "")

    async def _use_code(self, card: Card, request_id: str, code: str) -> None:
        sent = await self._store.guess_code(request_id, card.card_id, self._clock.now())
        tries_left = 0 if sent is None else sent["tries_left"]
        wrong = Forbidden("factor.wrong", "the code is wrong or no longer valid", tries_left=tries_left)
        if sent is None or not Seals.equal(self._sealer.sms_digest(request_id, code), sent["digest"]):
            raise wrong
        if not await self._store.burn_code(request_id):
            raise wrong

    async def require_pin(self, card_id: str, pin: str) -> None:
        """Forbidden `pin.wrong` (detail.tries_left); TooMany `pin.locked`.  A wrong PIN costs a try of the
        PIN, and nothing else."""
        tries_left = await self._try_pin(card_id, pin)
        if tries_left is not None:
            raise Forbidden("pin.wrong", "the PIN is not right", tries_left=tries_left)

    async def _try_pin(self, card_id: str, pin: str) -> int | None:
        """None when it is right; else the tries that are left before it locks."""
        now = self._clock.now()
        kept = await self._store.take_try(card_id, now)
        if kept is None:
            until = await self._store.locked_until(card_id)
            if until is None:
                return 0  # the PIN was taken away meanwhile
            wait_s = int((until - now).total_seconds()) + 1
            raise TooMany("pin.locked", "too many wrong PINs: locked for a while", wait_s)
        if await run_in(self._threads, partial(is_pin, kept["digest"], pin)):
            await self._store.forgive(card_id, kept["set_at"])
            return None
        if kept["locked_until"] is not None:
            await self._store.tell_locked(card_id, kept["locked_until"], now)
        return max(0, TRIES - int(kept["wrong"]))

    async def put_pin(self, card: Card, pin: str | None, factor: Factor | None, by: Actor) -> None:
        """Sets, changes or (None) takes away the card's PIN.

        Conflict `card.not_active` for a card that is over or not yet there; InvalidInput `pin.invalid`;
        what `require` refuses.
        """
        if not card.is_issued:
            raise Conflict("card.not_active", "the card has no PIN in its state", status=card.status.value)
        if pin is not None:
            require_strong(pin, card.holder)
        await self.require(card, factor)
        outcome = "removed" if pin is None else "changed" if card.has_pin else "set"
        await self._audit.record("cards.pin", by, "card", card.card_id, outcome=outcome)
        if pin is None:
            await self._store.remove_pin(card, self._clock.now())
        else:
            digest = await run_in(self._threads, partial(digest_of, pin))
            await self._store.set_pin(card, digest, self._clock.now())
