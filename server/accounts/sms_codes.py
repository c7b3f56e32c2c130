"""Codes of six digits that prove a phone number: for signing in, for an account's phone, for a consent."""

import secrets
from datetime import timedelta
from typing import Literal

from server.accounts.model import SmsCode
from server.accounts.store import AccountStore
from server.core.budgets import Budget, Budgets
from server.core.clock import Clock
from server.core.errors import InvalidInput, Unavailable
from server.core.ids import new_id
from server.core.keys import Seals
from server.core.phones import read_phone
from server.core.secrets import Sealer
from server.gateways.sms import SmsGateway

Purpose = Literal["sign_in", "phone", "consent"]
TEMPLATES: dict[Purpose, str] = {"sign_in": "login_code", "phone": "phone_code", "consent": "consent_code"}
SMS_CODE_LIFE = timedelta(minutes=5)
SMS_GUESSES = 5
RESEND_AFTER_S = 60
SMS_PER_SOURCE = Budget("sms_source", limit=600, window_s=3600)
CODE_TRIES = Budget("phone_code", limit=30, window_s=600)


class SmsCodes:
    """A code works for the purpose it was sent for, once, and says so in its text: who is asked for a code
    can tell what it will be used for."""

    def __init__(
        self,
        store: AccountStore,
        sms: SmsGateway,
        budgets: Budgets,
        sealer: Sealer,
        clock: Clock,
        *,
        sms_per_hour: int,
    ) -> None:
        self._store = store
        self._sms = sms
        self._budgets = budgets
        self._sealer = sealer
        self._clock = clock
        self._sms_per_phone = Budget("sms", limit=sms_per_hour, window_s=3600)

    async def send(self, phone: str, source: str, purpose: Purpose = "sign_in") -> SmsCode:
        """Sends a code of six digits; says the same whether the number is known here or not.

        InvalidInput `phone.invalid`; TooMany `sms.too_many`, `sms_source.too_many`; Unavailable
        `sms.unavailable`.
        """
        phone = read_phone(phone)
        phone_key = self._sealer.index("phone", phone)
        await self._budgets.spend(SMS_PER_SOURCE, self._sealer.index("login", f"source|{source}"))
        receipt = await self._budgets.spend(self._sms_per_phone, phone_key)
        now = self._clock.now()
        request_id, code = new_id(now), f"{secrets.randbelow(10**6):06d}"
        expires_at = now + SMS_CODE_LIFE
        digest = self._sealer.sms_digest(request_id, code)
        await self._store.insert_sms_code(request_id, phone_key, purpose, digest, SMS_GUESSES, expires_at)
        try:
            await self._sms.send(phone, TEMPLATES[purpose], {"code": code, "minutes": "5"})
        except Unavailable:
            await self._budgets.refund(receipt)  # an outage is not the holder's doing
            raise
        return SmsCode(request_id, expires_at, RESEND_AFTER_S)

    async def use(self, phone: str, code: str, request_id: str | None, purpose: Purpose) -> str | None:
        """The request the code was sent for, and the code is used up; None for a wrong, old or used one.
        A code meets five guesses, whoever guesses."""
        phone_key = self._sealer.index("phone", phone)
        sent = await self._store.guess_sms_code(phone_key, purpose, request_id, self._clock.now())
        if sent is None or not Seals.equal(self._sealer.sms_digest(sent["_id"], code), sent["digest"]):
            return None
        sent_id = str(sent["_id"])
        return sent_id if await self._store.burn_sms_codes(phone_key, purpose, sent_id) else None

    async def require(self, phone: str, code: str, request_id: str | None, purpose: Purpose) -> str:
        """As `use`, for somebody who is signed in: the request's id, which is the proof's serial number.

        InvalidInput `phone.invalid`, `phone.code_wrong`; TooMany `phone_code.too_many`.
        """
        phone = read_phone(phone)
        await self._budgets.spend(CODE_TRIES, self._sealer.index("phone", phone))
        used = await self.use(phone, code, request_id, purpose)
        if used is None:
            raise InvalidInput("phone.code_wrong", "the code is wrong or no longer valid")
        return used
