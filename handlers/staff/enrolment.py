from typing import Annotated

from pydantic import StringConstraints

from handlers.authentication import PublicHandler
from handlers.requests import Created, Model, NoContent, operation
from handlers.staff.sessions import Code, Password
from server.core.errors import InvalidInput, TooMany

Token = Annotated[str, StringConstraints(min_length=20, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]


class EnrolmentStart(Model):
    token: Token
    password: Password


class SecondFactor(Model):
    login_name: str
    display_name: str
    totp_secret: str
    otpauth_uri: str


class EnrolmentConfirmation(Model):
    token: Token
    totp: Code


class EnrolmentBeginning(PublicHandler):
    @operation(
        "Set a password with an invitation; the second factor's secret is told this once",
        body=EnrolmentStart,
        reply=SecondFactor,
        replies=(Created,),
        refuses=(InvalidInput, TooMany),
    )
    async def post(self, body: EnrolmentStart) -> Created:
        staff, secret, uri = await self.services.enrolment.begin(body.token, body.password, self.source)
        return Created(
            SecondFactor(
                login_name=staff.login_name,
                display_name=staff.display_name,
                totp_secret=secret,
                otpauth_uri=uri,
            )
        )


class EnrolmentEnd(PublicHandler):
    @operation(
        "Prove the second factor by its first code: the account is active",
        body=EnrolmentConfirmation,
        replies=(NoContent,),
        refuses=(InvalidInput, TooMany),
    )
    async def post(self, body: EnrolmentConfirmation) -> NoContent:
        await self.services.enrolment.confirm(body.token, body.totp, self.source)
        return NoContent()


ROUTES = [
    ("/staff/v1/enrolment", EnrolmentBeginning),
    ("/staff/v1/enrolment/confirmation", EnrolmentEnd),
]
