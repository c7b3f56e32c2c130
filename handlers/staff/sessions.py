from typing import Annotated

from pydantic import StringConstraints

from handlers.authentication import PublicHandler, StaffHandler
from handlers.requests import Created, Model, NoContent, Ok, Time, operation
from server.core.errors import InvalidInput, TooMany, Unauthenticated
from server.staff.model import Staff, StaffSession

LoginName = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Password = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Code = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]


class StaffSignIn(Model):
    login_name: LoginName
    password: Password
    totp: Code


class SelfView(Model):
    staff_id: str
    login_name: str
    display_name: str
    roles: list[str]
    permissions: list[str]

    @classmethod
    def of(cls, staff: Staff) -> "SelfView":
        return cls(
            staff_id=staff.staff_id,
            login_name=staff.login_name,
            display_name=staff.display_name,
            roles=list(staff.roles),
            permissions=sorted(staff.permissions),
        )


class StaffSignedIn(Model):
    token: str
    expires_at: Time
    staff: SelfView


class StaffSessionView(Model):
    expires_at: Time
    staff: SelfView

    @classmethod
    def of(cls, session: StaffSession) -> "StaffSessionView":
        return cls(expires_at=session.ends_at, staff=SelfView.of(session.staff))


class PasswordChange(Model):
    password: Password
    totp: Code
    new_password: Password


class StaffSessions(PublicHandler):
    @operation(
        "Sign in as staff, with password and second factor",
        body=StaffSignIn,
        reply=StaffSignedIn,
        replies=(Created,),
        refuses=(Unauthenticated, TooMany),
    )
    async def post(self, body: StaffSignIn) -> Created:
        token, session = await self.services.staff_sessions.sign_in(
            body.login_name, body.password, body.totp, self.source
        )
        return Created(
            StaffSignedIn(token=token, expires_at=session.ends_at, staff=SelfView.of(session.staff))
        )


class CurrentStaffSession(StaffHandler):
    @operation("The session this request came in, and what it may do", reply=StaffSessionView)
    async def get(self) -> Ok:
        return Ok(StaffSessionView.of(self.session))

    @operation("Sign out: the token is worthless from here on", replies=(NoContent,))
    async def delete(self) -> NoContent:
        await self.services.staff_sessions.sign_out(self.session)
        return NoContent()


class OwnPassword(StaffHandler):
    @operation(
        "Change one's own password; every session of the account ends",
        body=PasswordChange,
        replies=(NoContent,),
        refuses=(InvalidInput, TooMany),
    )
    async def put(self, body: PasswordChange) -> NoContent:
        await self.services.staff_sessions.change_password(
            self.session, body.password, body.totp, body.new_password
        )
        return NoContent()


ROUTES = [
    ("/staff/v1/sessions", StaffSessions),
    ("/staff/v1/sessions/current", CurrentStaffSession),
    ("/staff/v1/password", OwnPassword),
]
