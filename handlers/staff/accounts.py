from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from handlers.authentication import StaffHandler
from handlers.requests import Created, Id, Model, Ok, Time, operation
from server.core.errors import Conflict, Forbidden, InvalidInput
from server.core.pages import MAX_PAGE
from server.staff.model import Invitation, Staff

RoleName = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]
Reason = Annotated[str, StringConstraints(min_length=2, max_length=200)]


class StaffAccount(Model):
    staff_id: str
    login_name: str
    display_name: str
    status: str
    roles: list[str]
    proposed_roles: list[str]
    is_renewal_proposed: bool
    locked_until: Time | None
    created_at: Time

    @classmethod
    def of(cls, staff: Staff) -> "StaffAccount":
        return cls(
            staff_id=staff.staff_id,
            login_name=staff.login_name,
            display_name=staff.display_name,
            status=staff.status,
            roles=list(staff.roles),
            proposed_roles=list(staff.proposed),
            is_renewal_proposed=staff.is_renewal_proposed,
            locked_until=staff.locked_until,
            created_at=staff.created_at,
        )


class StaffAccountQuery(Model):
    cursor: Id | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 50


class StaffAccountList(Model):
    accounts: list[StaffAccount]
    next_cursor: str | None


class NewStaffAccount(Model):
    login_name: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    display_name: Annotated[str, StringConstraints(min_length=1, max_length=100)]


class InvitationView(Model):
    token: str
    expires_at: Time

    @classmethod
    def of(cls, invitation: Invitation) -> "InvitationView":
        return cls(token=invitation.token, expires_at=invitation.expires_at)


class InvitedStaff(Model):
    account: StaffAccount
    invitation: InvitationView | None


class StaffTransition(Model):
    action: Literal["suspend", "reinstate", "close"]
    reason: Reason


class RoleGrant(Model):
    role: RoleName


class StaffAccounts(StaffHandler):
    @operation(
        "Accounts of staff, in the order they were opened",
        query=StaffAccountQuery,
        reply=StaffAccountList,
        permission="staff.read",
    )
    async def get(self, query: StaffAccountQuery) -> Ok:
        page = await self.services.staff.list_accounts(query.cursor, query.limit)
        shown = [StaffAccount.of(staff) for staff in page.items]
        return Ok(StaffAccountList(accounts=shown, next_cursor=page.next_cursor))

    @operation(
        "Open an account; the invitation is told this once",
        body=NewStaffAccount,
        reply=InvitedStaff,
        replies=(Created,),
        refuses=(InvalidInput, Conflict),
        permission="staff.manage",
        idempotent=True,
    )
    async def post(self, body: NewStaffAccount) -> Created:
        staff, invitation = await self.services.staff.open(body.login_name, body.display_name, self.actor)
        return Created(InvitedStaff(account=StaffAccount.of(staff), invitation=InvitationView.of(invitation)))


class OneStaffAccount(StaffHandler):
    @operation("One account of staff", reply=StaffAccount, permission="staff.read")
    async def get(self, staff_id: Id) -> Ok:
        return Ok(StaffAccount.of(await self.services.staff.get(staff_id)))


class StaffTransitions(StaffHandler):
    @operation(
        "Suspend, reinstate or close an account; its sessions end",
        body=StaffTransition,
        reply=StaffAccount,
        refuses=(Conflict,),
        permission="staff.manage",
        idempotent=True,
    )
    async def post(self, body: StaffTransition, staff_id: Id) -> Ok:
        staff = await self.services.staff.move(staff_id, body.action, body.reason, self.actor)
        return Ok(StaffAccount.of(staff))


class StaffUnlocking(StaffHandler):
    @operation("Forget the wrong tries with an account", reply=StaffAccount, permission="staff.grant")
    async def post(self, staff_id: Id) -> Ok:
        return Ok(StaffAccount.of(await self.services.staff.unlock(staff_id, self.actor)))


class StaffInvitation(StaffHandler):
    @operation(
        "Invite anew who has not enrolled; for an account in use, propose it",
        reply=InvitedStaff,
        refuses=(Conflict,),
        permission="staff.manage",
    )
    async def post(self, staff_id: Id) -> Ok:
        staff, invitation = await self.services.staff.invite_again(staff_id, self.actor)
        shown = None if invitation is None else InvitationView.of(invitation)
        return Ok(InvitedStaff(account=StaffAccount.of(staff), invitation=shown))


class StaffInvitationApproval(StaffHandler):
    @operation(
        "Approve a proposed invitation: the old password, second factor and sessions end",
        reply=InvitedStaff,
        refuses=(Conflict,),
        permission="staff.grant",
    )
    async def post(self, staff_id: Id) -> Ok:
        staff, invitation = await self.services.staff.approve_renewal(staff_id, self.actor)
        return Ok(InvitedStaff(account=StaffAccount.of(staff), invitation=InvitationView.of(invitation)))


class StaffRoles(StaffHandler):
    @operation(
        "Give an account a role; an administrator's role is proposed",
        body=RoleGrant,
        reply=StaffAccount,
        refuses=(InvalidInput, Conflict, Forbidden),
        permission="staff.grant",
        idempotent=True,
    )
    async def post(self, body: RoleGrant, staff_id: Id) -> Ok:
        return Ok(StaffAccount.of(await self.services.staff.grant(staff_id, body.role, self.actor)))


class OneStaffRole(StaffHandler):
    @operation(
        "Take a role from an account, held or proposed",
        reply=StaffAccount,
        refuses=(Conflict,),
        permission="staff.grant",
    )
    async def delete(self, staff_id: Id, role: RoleName) -> Ok:
        return Ok(StaffAccount.of(await self.services.staff.take(staff_id, role, self.actor)))


class StaffRoleApproval(StaffHandler):
    @operation(
        "Approve an administrator's role that the security administrator proposed",
        reply=StaffAccount,
        refuses=(Conflict,),
        permission="staff.manage",
        idempotent=True,
    )
    async def post(self, staff_id: Id, role: RoleName) -> Ok:
        return Ok(StaffAccount.of(await self.services.staff.approve_role(staff_id, role, self.actor)))


ROUTES = [
    ("/staff/v1/accounts", StaffAccounts),
    ("/staff/v1/accounts/{staff_id}", OneStaffAccount),
    ("/staff/v1/accounts/{staff_id}/transitions", StaffTransitions),
    ("/staff/v1/accounts/{staff_id}/unlocking", StaffUnlocking),
    ("/staff/v1/accounts/{staff_id}/invitation", StaffInvitation),
    ("/staff/v1/accounts/{staff_id}/invitation/approval", StaffInvitationApproval),
    ("/staff/v1/accounts/{staff_id}/roles", StaffRoles),
    ("/staff/v1/accounts/{staff_id}/roles/{role}", OneStaffRole),
    ("/staff/v1/accounts/{staff_id}/roles/{role}/approval", StaffRoleApproval),
]
