"""Signing in with password and second factor (S3), and the sessions that come of it.

A refusal never says which of the three was wrong: name, password or code.  It takes as long for a name nobody
has, is counted for it as well, and locks it as well.
"""

from datetime import timedelta

from server.core.audit import Actor, Audit
from server.core.budgets import Budget, Budgets
from server.core.clock import Clock
from server.core.errors import TooMany, Unauthenticated
from server.core.ids import new_token
from server.core.secrets import Sealer
from server.staff import totp
from server.staff.model import (
    SESSION_IDLE,
    SESSION_LIFE,
    Credentials,
    Staff,
    StaffSession,
    StaffStatus,
)
from server.staff.passwords import Passwords, require_strong
from server.staff.store import StaffStore

LOCKED_FOR = timedelta(minutes=15)
TOUCH_EVERY = timedelta(minutes=1)
PER_SOURCE = Budget("staff_source", limit=100, window_s=600)


class StaffSessions:
    def __init__(
        self,
        store: StaffStore,
        passwords: Passwords,
        audit: Audit,
        budgets: Budgets,
        sealer: Sealer,
        clock: Clock,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._audit = audit
        self._budgets = budgets
        self._sealer = sealer
        self._clock = clock

    async def sign_in(
        self, login_name: str, password: str, code: str, source: str
    ) -> tuple[str, StaffSession]:
        """Token and session.  Unauthenticated `staff_login.refused`; TooMany `staff_login.locked` after five
        wrong tries with a name, anybody's or nobody's; TooMany `staff_source.too_many`.

        Every try is on record: under the account's id, or the name's keyed index when it is nobody's.
        """
        await self._budgets.spend(PER_SOURCE, self._sealer.index("staff_login", f"source|{source}"))
        login_name = login_name.lower()
        staff = await self._proven(login_name, password, code)
        await self._store.clear_tries(login_name)
        token, now = new_token(), self._clock.now()
        session = StaffSession(staff, self._sealer.token_digest(token), now + SESSION_LIFE)
        await self._store.open_session(session.digest, staff.staff_id, now, session.ends_at)
        await self._audit.record(
            "staff_sessions.open", Actor("staff", staff.staff_id), "staff", staff.staff_id
        )
        return token, session

    async def _proven(self, login_name: str, password: str, code: str) -> Staff:
        now = self._clock.now()
        locked_until = await self._store.take_try(login_name, now, now + LOCKED_FOR)
        if locked_until is not None:
            await self._record_refusal(login_name, "locked")
            wait_s = int((locked_until - now).total_seconds()) + 1
            raise TooMany("staff_login.locked", "too many wrong tries; wait, or have it unlocked", wait_s)
        staff, credentials = await self._store.find_credentials(login_name)
        is_right = await self._passwords.is_right(
            None if credentials is None else credentials.password_hash, password
        )
        secret = totp.NOBODYS_SECRET if credentials is None else credentials.totp_secret
        step = totp.matching_step(secret, code, now)
        if staff is None or staff.status is not StaffStatus.ACTIVE or not is_right or step is None:
            await self._record_refusal(login_name, "wrong")
            raise _refused()
        if not await self._store.spend_step(staff.staff_id, step):
            await self._record_refusal(login_name, "code_used")
            raise _refused()
        return staff

    async def _record_refusal(self, login_name: str, reason: str) -> None:
        staff = await self._store.find_by_login(login_name)
        by = "nobody" if staff is None else staff.staff_id
        kind, id = ("login", self._store.login_key(login_name)) if staff is None else ("staff", by)
        await self._audit.record(
            "staff_sessions.open", Actor("staff", by), kind, id, outcome="refused", reason=reason
        )

    async def find(self, token: str) -> StaffSession | None:
        """The live session of a token.  Read from the database each time: a suspension ends it at once, on
        every process, and so do roles that were taken."""
        digest, now = self._sealer.token_digest(token), self._clock.now()
        row = await self._store.find_session(digest)
        if row is None or row["ends_at"] <= now or row["seen_at"] + SESSION_IDLE <= now:
            return None
        staff = await self._store.find(row["staff_id"])
        if staff is None or staff.status is not StaffStatus.ACTIVE:
            return None
        if now - row["seen_at"] >= TOUCH_EVERY:
            await self._store.touch_session(digest, now)
        return StaffSession(staff, digest, row["ends_at"])

    async def sign_out(self, session: StaffSession) -> None:
        await self._store.close_session(session.digest)
        staff_id = session.staff.staff_id
        await self._audit.record("staff_sessions.close", Actor("staff", staff_id), "staff", staff_id)

    async def change_password(self, session: StaffSession, old: str, code: str, new: str) -> None:
        """Sets another password and ends every session of the account.

        Refuses as `sign_in` does when the old password or the code is wrong, and InvalidInput
        `staff.password_weak`.
        """
        staff = session.staff
        require_strong(new, staff.login_name)
        await self._proven(staff.login_name, old, code)
        await self._store.clear_tries(staff.login_name)
        _, credentials = await self._store.find_credentials(staff.login_name)
        assert credentials is not None, "they were proven just now"
        await self._audit.record(
            "staff.change_password", Actor("staff", staff.staff_id), "staff", staff.staff_id
        )
        changed = Credentials(await self._passwords.hash(new), credentials.totp_secret)
        await self._store.close_sessions_of(staff.staff_id)  # first: a crash leaves no session behind
        await self._store.put_password(staff.staff_id, changed)


def _refused() -> Unauthenticated:
    return Unauthenticated("staff_login.refused", "name, password or code is wrong")
