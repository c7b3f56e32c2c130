"""Enrolment (S3): who holds an invitation sets a password and a second factor.  Nobody else knows either.

The secret of the second factor is told once, as an `otpauth:` URI; it counts when its first code has come.
"""

from server.core.audit import Actor, Audit
from server.core.budgets import Budget, Budgets
from server.core.clock import Clock
from server.core.errors import InvalidInput
from server.core.ids import new_token
from server.core.secrets import Sealer
from server.staff import totp
from server.staff.model import INVITATION_LIFE, Credentials, Invitation, Staff
from server.staff.passwords import Passwords, require_strong
from server.staff.store import StaffStore

PER_SOURCE = Budget("staff_enrolment", limit=60, window_s=600)
ISSUER = "EHC"


class Enrolment:
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

    def make(self) -> tuple[Invitation, str]:
        """A new invitation, and the digest that is kept of it."""
        invitation = Invitation(new_token(), self._clock.now() + INVITATION_LIFE)
        return invitation, self._sealer.token_digest(invitation.token)

    async def begin(self, token: str, password: str, source: str) -> tuple[Staff, str, str]:
        """The account, the secret of its second factor and the `otpauth:` URI of it.  Asked again before
        `confirm`, it makes another secret and the one before is worthless.

        InvalidInput `enrolment.invalid` for a token that is wrong, used or older than three days,
        `staff.password_weak`; TooMany `staff_enrolment.too_many`.
        """
        staff, digest = await self._invited(token, source)
        require_strong(password, staff.login_name)
        secret = totp.new_secret()
        pending = Credentials(await self._passwords.hash(password), secret)
        if not await self._store.keep_pending(staff.staff_id, digest, pending):
            raise _invalid()
        return staff, secret, totp.enrolment_uri(secret, staff.login_name, ISSUER)

    async def confirm(self, token: str, code: str, source: str) -> None:
        """The account is active from here on, and the token is used up.

        InvalidInput `enrolment.invalid`; InvalidInput `enrolment.code_wrong` while the token stays good.
        """
        staff, digest = await self._invited(token, source)
        pending = await self._store.find_pending(staff.staff_id)
        if pending is None:
            raise _invalid()
        step = totp.matching_step(pending.totp_secret, code, self._clock.now())
        if step is None:
            raise InvalidInput("enrolment.code_wrong", "this is not the code the authenticator shows now")
        await self._audit.record("staff.enrol", Actor("staff", staff.staff_id), "staff", staff.staff_id)
        # Those of before a renewal are dead while the account is not active: they must not come to life.
        await self._store.close_sessions_of(staff.staff_id)
        if not await self._store.enrol(staff.staff_id, digest, pending, step):
            raise _invalid()

    async def _invited(self, token: str, source: str) -> tuple[Staff, str]:
        await self._budgets.spend(PER_SOURCE, self._sealer.index("staff_login", f"source|{source}"))
        digest = self._sealer.token_digest(token)
        staff = await self._store.find_by_invitation(digest, self._clock.now())
        if staff is None:
            raise _invalid()
        return staff, digest


def _invalid() -> InvalidInput:
    return InvalidInput("enrolment.invalid", "this invitation is wrong, used or too old")
