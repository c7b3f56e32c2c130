"""Signing in and out (A3, C1): by SMS code, by WeChat, by Alipay."""

from datetime import timedelta

from server.accounts.model import Account, Addresses, Session
from server.accounts.sms_codes import SmsCodes
from server.accounts.store import AccountStore
from server.core.audit import Actor, Audit
from server.core.budgets import Budget, Budgets
from server.core.clock import Clock
from server.core.errors import Conflict, Unauthenticated, Unavailable
from server.core.ids import new_id, new_token
from server.core.mongo import Duplicate
from server.core.phones import read_phone
from server.core.secrets import Sealer
from server.gateways.login import Login, LoginPlatform

LOGIN_PER_SOURCE = Budget("login_source", limit=600, window_s=3600)
LOGIN_TRIES = Budget("login", limit=30, window_s=600)


class AccountService:
    def __init__(
        self,
        store: AccountStore,
        codes: SmsCodes,
        platforms: dict[str, LoginPlatform],
        audit: Audit,
        budgets: Budgets,
        sealer: Sealer,
        clock: Clock,
        *,
        session_life: timedelta,
    ) -> None:
        self._store = store
        self._codes = codes
        self._platforms = platforms
        self._audit = audit
        self._budgets = budgets
        self._sealer = sealer
        self._clock = clock
        self._session_life = session_life

    async def sign_in_by_sms(self, phone: str, code: str, request_id: str | None) -> tuple[str, Session]:
        """Token and session; Unauthenticated `login.code_wrong` for a wrong, old or used-up code."""
        phone = read_phone(phone)
        await self._budgets.spend(LOGIN_TRIES, self._sealer.index("phone", phone))
        if await self._codes.use(phone, code, request_id, "sign_in") is None:
            raise Unauthenticated("login.code_wrong", "the code is wrong or no longer valid")
        return await self._sign_in(Login("sms", phone, phone))

    async def prove_phone(self, account: Account, phone: str, code: str, request_id: str | None) -> Account:
        """The account with this phone proven: its first, or another one in place of the old, which signs in
        no more.  Safe to repeat with a code of its own.

        InvalidInput `phone.invalid`, `phone.code_wrong`; Conflict `account.phone_taken` when the number
        signs in to another account; TooMany `phone_code.too_many`.
        """
        phone = read_phone(phone)
        await self._codes.require(phone, code, request_id, "phone")
        old = None if account.phone is None else self._login_key("sms", account.phone)
        actor = Actor("account", account.account_id)
        try:
            await self._store.move_phone(account.account_id, phone, old, self._login_key("sms", phone))
        except Duplicate:
            await self._audit.record(
                "accounts.prove_phone", actor, "account", account.account_id, outcome="taken"
            )
            raise Conflict("account.phone_taken", "this number signs in to another account") from None
        await self._audit.record("accounts.prove_phone", actor, "account", account.account_id)
        return Account(account.account_id, phone)

    async def sign_in_by_platform(
        self, method: str, source: str, code: str, phone_code: str | None = None
    ) -> tuple[str, Session]:
        """Unauthenticated `login.refused` when the platform does not know the code; TooMany
        `login_source.too_many`; Unavailable `login.unavailable` when it cannot be reached or is not set up
        here."""
        platform = self._platforms.get(method)
        if platform is None:
            raise Unavailable("login.unavailable", f"signing in with {method} is not set up here")
        await self._budgets.spend(LOGIN_PER_SOURCE, self._login_key("source", source))
        return await self._sign_in(await platform.sign_in(code, phone_code))

    async def _sign_in(self, login: Login) -> tuple[str, Session]:
        account = await self._account_of(login)
        if login.method != "sms":
            await self._store.keep_platform_id(account.account_id, login.method, login.subject)
        now = self._clock.now()
        token, session = new_token(), Session(account, now + self._session_life, login.method)
        await self._store.open_session(self._sealer.token_digest(token), session, now)
        actor = Actor("account", account.account_id)
        await self._audit.record("sessions.open", actor, "account", account.account_id, method=login.method)
        return token, session

    async def _account_of(self, login: Login) -> Account:
        """The account with this login; one that has proven the same phone; or a new one."""
        key = self._login_key(login.method, login.subject)
        keys = [key]
        if login.phone is not None:
            keys.append(self._login_key("sms", login.phone))
        for _ in range(3):
            try:
                return await self._found_or_made(login, key, keys)
            except Duplicate:
                continue  # somebody signed in with the same login in this moment
        raise Unavailable("login.unavailable", "the account is being made; try again", retry_after_s=1)

    async def _found_or_made(self, login: Login, key: str, keys: list[str]) -> Account:
        for known in keys:
            account = await self._store.find_by_login(known)
            if account is not None:
                return await self._completed(account, key, known, login.phone)
        account = Account(new_id(self._clock.now()), login.phone)
        await self._store.insert(account, list(dict.fromkeys(keys)), self._clock.now())
        return account

    async def _completed(self, account: Account, key: str, known: str, phone: str | None) -> Account:
        if known != key:
            await self._store.add_login(account.account_id, key)
        if phone is None or account.phone is not None:
            return account
        try:
            await self._store.add_login(account.account_id, self._login_key("sms", phone))
        except Duplicate:
            return account  # the number signs in to another account: it stays that one's
        await self._store.prove_phone(account.account_id, phone)
        return Account(account.account_id, phone)

    def _login_key(self, method: str, subject: str) -> str:
        return self._sealer.index("login", f"{method}|{subject}")

    async def get_addresses(self, account_id: str) -> Addresses:
        """Where the account can be reached."""
        return await self._store.find_addresses(account_id)

    async def find_session(self, token: str) -> Session | None:
        """The live session of a token, or None."""
        session = await self._store.find_session(self._sealer.token_digest(token))
        return session if session is not None and session.expires_at > self._clock.now() else None

    async def sign_out(self, token: str, account: Account) -> None:
        await self._store.close_session(self._sealer.token_digest(token))
        actor = Actor("account", account.account_id)
        await self._audit.record("sessions.close", actor, "account", account.account_id)
