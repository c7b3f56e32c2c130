from typing import Annotated, Literal

from pydantic import Field, RootModel, StringConstraints

from handlers.authentication import PublicHandler, ResidentHandler
from handlers.requests import Created, Id, Model, NoContent, Ok, Time, operation
from handlers.resident.sms_codes import Phone
from server.accounts.model import Account
from server.core.errors import InvalidInput, TooMany, Unauthenticated
from server.core.masking import mask_phone

Code = Annotated[str, StringConstraints(min_length=1, max_length=512)]


class SmsSignIn(Model):
    method: Literal["sms"]
    phone: Phone
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
    request_id: Id | None = None


class WeChatSignIn(Model):
    method: Literal["wechat"]
    code: Code
    phone_code: Code | None = None


class AlipaySignIn(Model):
    method: Literal["alipay"]
    code: Code


class SignIn(RootModel[Annotated[SmsSignIn | WeChatSignIn | AlipaySignIn, Field(discriminator="method")]]):
    pass


class AccountView(Model):
    account_id: str
    phone_masked: str | None

    @classmethod
    def of(cls, account: Account) -> "AccountView":
        phone = account.phone
        return cls(account_id=account.account_id, phone_masked=None if phone is None else mask_phone(phone))


class SignedIn(Model):
    token: str
    expires_at: Time
    account: AccountView


class SessionView(Model):
    expires_at: Time
    account: AccountView


class Sessions(PublicHandler):
    @operation(
        "Sign in by SMS code, WeChat or Alipay",
        body=SignIn,
        reply=SignedIn,
        replies=(Created,),
        refuses=(InvalidInput, Unauthenticated, TooMany),
    )
    async def post(self, body: SignIn) -> Created:
        accounts, way, source = self.services.accounts, body.root, self.source
        if isinstance(way, SmsSignIn):
            token, session = await accounts.sign_in_by_sms(way.phone, way.code, way.request_id)
        elif isinstance(way, WeChatSignIn):
            token, session = await accounts.sign_in_by_platform("wechat", source, way.code, way.phone_code)
        else:
            token, session = await accounts.sign_in_by_platform("alipay", source, way.code)
        return Created(
            SignedIn(token=token, expires_at=session.expires_at, account=AccountView.of(session.account))
        )


class CurrentSession(ResidentHandler):
    @operation("The session this request came in", reply=SessionView)
    async def get(self) -> Ok:
        session = self.session
        return Ok(SessionView(expires_at=session.expires_at, account=AccountView.of(session.account)))

    @operation("Sign out: the token is worthless from here on", replies=(NoContent,))
    async def delete(self) -> NoContent:
        await self.services.accounts.sign_out(self.token, self.session.account)
        return NoContent()


ROUTES = [("/api/v1/sessions", Sessions), ("/api/v1/sessions/current", CurrentSession)]
