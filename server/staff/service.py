"""Accounts of staff and who may do what (S3, A6.3(3)): the acts of the system and the security administrator.

Nobody acts on an account of his own.  What would make an administrator, and what would hand an account that
is in use to somebody else, takes two: one administrator asks, the other decides.
"""

import re
import unicodedata

from server.core.audit import Actor, Audit
from server.core.clock import Clock
from server.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from server.core.ids import new_id
from server.core.mongo import Duplicate
from server.core.pages import Page, page_of
from server.staff.enrolment import Enrolment
from server.staff.model import Invitation, Staff, StaffStatus
from server.staff.roles import ADMINISTRATORS, ROLES, may_hold_together
from server.staff.store import StaffStore

LOGIN_NAME = re.compile(r"[a-z][a-z0-9._-]{2,31}")
MAX_DISPLAY_NAME = 40
# action → the states it starts from, and the one it ends in
TRANSITIONS: dict[str, tuple[tuple[StaffStatus, ...], StaffStatus]] = {
    "suspend": ((StaffStatus.ACTIVE,), StaffStatus.SUSPENDED),
    "reinstate": ((StaffStatus.SUSPENDED,), StaffStatus.ACTIVE),
    "close": ((StaffStatus.INVITED, StaffStatus.ACTIVE, StaffStatus.SUSPENDED), StaffStatus.CLOSED),
}


class StaffService:
    def __init__(self, store: StaffStore, enrolment: Enrolment, audit: Audit, clock: Clock) -> None:
        self._store = store
        self._enrolment = enrolment
        self._audit = audit
        self._clock = clock

    async def get(self, staff_id: str) -> Staff:
        """NotFound `staff.not_found`."""
        staff = await self._store.find(staff_id)
        if staff is None:
            raise NotFound("staff.not_found", "there is no such account of staff")
        return staff

    async def find_by_login(self, login_name: str) -> Staff:
        """NotFound `staff.not_found`."""
        staff = await self._store.find_by_login(login_name)
        if staff is None:
            raise NotFound("staff.not_found", "there is no such account of staff")
        return staff

    async def list_accounts(self, cursor: str | None, limit: int) -> Page[Staff]:
        rows = await self._store.list_after(cursor, limit + 1)
        return page_of(rows, limit, lambda staff: staff.staff_id)

    # -- accounts
    async def open(
        self, login_name: str, display_name: str, by: Actor, roles: tuple[str, ...] = ()
    ) -> tuple[Staff, Invitation]:
        """A new account and its invitation.  `roles` are for the command line; people grant with `grant`.

        InvalidInput `staff.login_invalid`, `staff.name_invalid`, `role.unknown`; Conflict
        `staff.login_taken`, `role.exclusive`.
        """
        if not LOGIN_NAME.fullmatch(login_name):
            raise InvalidInput(
                "staff.login_invalid", "3 to 32 of a-z, 0-9, dot, dash and underscore; a letter first"
            )
        display_name = unicodedata.normalize("NFC", display_name.strip())
        if not 1 <= len(display_name) <= MAX_DISPLAY_NAME or not display_name.isprintable():
            raise InvalidInput("staff.name_invalid", f"a name to show has 1 to {MAX_DISPLAY_NAME} characters")
        for role in roles:
            _require_known(role)
        if not may_hold_together(roles):
            raise _exclusive()
        now = self._clock.now()
        staff = Staff(
            new_id(now), login_name, display_name, StaffStatus.INVITED, tuple(roles), (), False, now
        )
        await self._audit.record("staff.open", by, "staff", staff.staff_id, roles=list(roles))
        try:
            await self._store.insert(staff, by.id)
        except Duplicate:
            raise Conflict("staff.login_taken", "another account has this login name") from None
        return staff, await self._invite(staff.staff_id)

    async def move(self, staff_id: str, action: str, reason: str, by: Actor) -> Staff:
        """Suspends, reinstates or closes; sessions end with the state.

        Conflict `staff.transition_illegal` with detail.status; Forbidden `staff.own_account`; NotFound.
        """
        staff = await self._others(staff_id, by)
        before, after = TRANSITIONS[action]
        illegal = Conflict(
            "staff.transition_illegal", "not from the state the account is in", status=staff.status
        )
        if staff.status not in before:
            raise illegal
        await self._audit.record(f"staff.{action}", by, "staff", staff_id, reason=reason)
        if not await self._store.move(staff_id, staff.status, after, self._clock.now()):
            raise illegal
        await self._store.close_sessions_of(staff_id)
        return await self.get(staff_id)

    async def unlock(self, staff_id: str, by: Actor) -> Staff:
        """Forgets the wrong tries with this account's name."""
        staff = await self._others(staff_id, by)
        await self._audit.record("staff.unlock", by, "staff", staff_id)
        await self._store.clear_tries(staff.login_name)
        return await self.get(staff_id)

    # -- roles
    async def grant(self, staff_id: str, role: str, by: Actor) -> Staff:
        """The account with the role; an administrator's role is proposed only, until `approve_role`.

        InvalidInput `role.unknown`; Conflict `role.exclusive`; Forbidden `staff.own_account`; NotFound.
        """
        _require_known(role)
        staff = await self._others(staff_id, by)
        if role in staff.roles or role in staff.proposed:
            return staff
        if role in ADMINISTRATORS:
            await self._audit.record("roles.propose", by, "staff", staff_id, role=role)
            is_stored = await self._store.propose_role(staff_id, role, by.id)
        else:
            await self._audit.record("roles.grant", by, "staff", staff_id, role=role)
            is_stored = await self._store.add_role(staff_id, role)
        if not is_stored:
            raise _exclusive()
        return await self.get(staff_id)

    async def approve_role(self, staff_id: str, role: str, by: Actor) -> Staff:
        """A second administrator's word: the account is an administrator from here on.

        Conflict `role.not_proposed`; Forbidden `staff.own_account`; NotFound.
        """
        staff = await self._others(staff_id, by)
        if role not in staff.proposed:
            raise _not_proposed()
        await self._audit.record("roles.approve", by, "staff", staff_id, role=role)
        if not await self._store.approve_role(staff_id, role, by.id):
            raise _not_proposed()
        return await self.get(staff_id)

    async def take(self, staff_id: str, role: str, by: Actor) -> Staff:
        """The account without the role, held or proposed; it counts from the next request of the account.

        Conflict `role.not_held`; Forbidden `staff.own_account`; NotFound.
        """
        staff = await self._others(staff_id, by)
        not_held = Conflict("role.not_held", "the account does not have this role")
        if role not in (*staff.roles, *staff.proposed):
            raise not_held
        await self._audit.record("roles.take", by, "staff", staff_id, role=role)
        if not await self._store.remove_role(staff_id, role):
            raise not_held
        return await self.get(staff_id)

    # -- inviting anew: the invitation ran out, or the second factor is lost
    async def invite_again(self, staff_id: str, by: Actor) -> tuple[Staff, Invitation | None]:
        """An invitation for an account that was never enrolled.  For one that was, its holder invited anew or
        not: a proposal, and None.

        Forbidden `staff.own_account`; Conflict `staff.transition_illegal`; NotFound.
        """
        staff = await self._others(staff_id, by)
        if staff.status is StaffStatus.INVITED and not staff.was_enrolled:
            await self._audit.record("staff.invite", by, "staff", staff_id)
            return staff, await self._invite(staff_id)
        if staff.status not in (StaffStatus.ACTIVE, StaffStatus.INVITED):
            raise Conflict(
                "staff.transition_illegal", "not from the state the account is in", status=staff.status
            )
        await self._audit.record("staff.propose_renewal", by, "staff", staff_id)
        await self._store.propose_renewal(staff_id, by.id)
        return await self.get(staff_id), None

    async def approve_renewal(self, staff_id: str, by: Actor) -> tuple[Staff, Invitation]:
        """The old password, second factor and sessions end; whoever gets the invitation sets new ones.

        Conflict `staff.renewal_not_proposed`; Forbidden `staff.own_account`; NotFound.
        """
        staff = await self._others(staff_id, by)
        not_proposed = Conflict(
            "staff.renewal_not_proposed", "the system administrator has not asked for this"
        )
        if not staff.is_renewal_proposed:
            raise not_proposed
        await self._audit.record("staff.renew", by, "staff", staff_id)
        invitation, digest = self._enrolment.make()
        if not await self._store.renew(staff_id, by.id, digest, invitation.expires_at):
            raise not_proposed
        await self._store.close_sessions_of(staff_id)
        return await self.get(staff_id), invitation

    async def renew_by_command(self, login_name: str, by: Actor) -> tuple[Staff, Invitation]:
        """The same, by who has the machine: for the last administrator of a kind who lost the factor."""
        staff = await self.find_by_login(login_name)
        if staff.status is StaffStatus.INVITED:
            await self._audit.record("staff.invite", by, "staff", staff.staff_id)
            return staff, await self._invite(staff.staff_id)
        await self._store.propose_renewal(staff.staff_id, "who has the machine")
        return await self.approve_renewal(staff.staff_id, by)

    async def _invite(self, staff_id: str) -> Invitation:
        invitation, digest = self._enrolment.make()
        if not await self._store.invite(staff_id, digest, invitation.expires_at):
            raise Conflict("staff.transition_illegal", "the account is closed", status=StaffStatus.CLOSED)
        return invitation

    async def _others(self, staff_id: str, by: Actor) -> Staff:
        """Somebody else's account."""
        staff = await self.get(staff_id)
        if by.kind == "staff" and by.id == staff_id:
            raise Forbidden("staff.own_account", "nobody does this to an account of his own")
        return staff


def _require_known(role: str) -> None:
    if role not in ROLES:
        raise InvalidInput("role.unknown", "there is no role of this name")


def _exclusive() -> Conflict:
    return Conflict("role.exclusive", "an administrator's account has one role, and a closed account none")


def _not_proposed() -> Conflict:
    return Conflict("role.not_proposed", "nobody else has proposed this role for the account")
