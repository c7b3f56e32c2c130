"""Who is asking.  One kind of handler for each audience, because each has its own credentials."""

import re

from tornado.httputil import HTTPServerRequest

from handlers.base import JSON, ApiHandler
from handlers.requests import Operation
from server.accounts.model import Session
from server.core.audit import Actor
from server.core.errors import Forbidden, Malformed, Unauthenticated, Unavailable
from server.core.signing import SignedRequest
from server.identity.applicant import Channel
from server.partners.model import Caller
from server.staff.model import StaffSession


def signed_request(request: HTTPServerRequest) -> SignedRequest:
    """The call as it came, with the six headers that sign it."""
    headers = request.headers
    path, _, query = (request.uri or "").partition("?")
    return SignedRequest(
        method=request.method or "",
        path=path,
        query=query,
        body=request.body,
        app_id=headers.get("X-App-Id", ""),
        key_id=headers.get("X-Key-Id", ""),
        timestamp=headers.get("X-Timestamp", ""),
        nonce=headers.get("X-Nonce", ""),
        sign_type=headers.get("X-Sign-Type", ""),
        signature=headers.get("X-Signature", ""),
    )


# Whoever signs in by SMS is on the web pages or in an app of an institution.
CHANNELS: dict[str, Channel] = {"sms": "web", "wechat": "wechat", "alipay": "alipay"}


class PublicHandler(ApiHandler):
    """Anybody."""

    audience = "public"


class ResidentHandler(ApiHandler):
    """A resident with a session: `Authorization: Bearer <token>`."""

    audience = "resident"
    session: Session
    token: str

    @property
    def channel(self) -> Channel:
        """Where the resident is, as the rules of claiming have it."""
        return CHANNELS[self.session.method]

    @property
    def device_id(self) -> str | None:
        """The random id the page made for itself, if it did; Malformed `device.invalid` for another form."""
        device_id = self.request.headers.get("X-Device-Id")
        if device_id is not None and not re.fullmatch(r"[!-~]{1,64}", device_id):
            raise Malformed("device.invalid", "X-Device-Id: 1 to 64 visible characters")
        return device_id

    async def authenticate(self, described: Operation) -> str:
        token = _bearer(self)
        session = None if token is None else await self.services.accounts.find_session(token)
        if session is None or token is None:
            raise _not_signed_in()
        self.session, self.token = session, token
        return f"account:{session.account.account_id}"


class StaffHandler(ApiHandler):
    """Somebody who works at the card centre, with a session: `Authorization: Bearer <token>`.

    What `@operation(permission=…)` names must be among what the roles of the account allow.
    """

    audience = "staff"
    session: StaffSession

    @property
    def actor(self) -> Actor:
        """Who it is, as the audit has it."""
        return Actor("staff", self.session.staff.staff_id)

    async def authenticate(self, described: Operation) -> str:
        token = _bearer(self)
        session = None if token is None else await self.services.staff_sessions.find(token)
        if session is None:
            raise _not_signed_in()
        self.session = session
        if described.permission is not None and described.permission not in session.staff.permissions:
            raise Forbidden(
                "permission.missing", "none of your roles allows this", permission=described.permission
            )
        return f"staff:{session.staff.staff_id}"


def _bearer(handler: ApiHandler) -> str | None:
    """The token of the Authorization header, if it looks like one."""
    scheme, _, token = handler.request.headers.get("Authorization", "").partition(" ")
    is_shaped = scheme.lower() == "bearer" and 20 <= len(token) <= 100 and token.isascii()
    return token if is_shaped else None


def _not_signed_in() -> Unauthenticated:
    return Unauthenticated("session.missing", "sign in first")


class PartnerHandler(ApiHandler):
    """A partner's app or terminal, signed; its replies are signed too, once it is proven."""

    audience = "partner"
    caller: Caller | None = None

    @property
    def proven(self) -> Caller:
        assert self.caller is not None, "a method runs after `authenticate`"
        return self.caller

    async def authenticate(self, described: Operation) -> str:
        self.caller = await self.services.partners.authenticate(signed_request(self.request))
        if described.scope is not None and described.scope not in self.caller.app.scopes:
            raise Forbidden("scope.missing", "the app lacks the scope for this call", scope=described.scope)
        return self.caller.id

    async def respond(self, status: int, body: bytes, media_type: str = JSON) -> None:
        if self.caller is not None:
            try:
                signed = await self.services.partners.sign_reply(self.caller, status, body)
            except Unavailable as busy:
                self.caller = None  # too busy to sign: better an unsigned "later" than no answer
                await self.refuse(busy)
                return
            for name, value in signed.items():
                self.set_header(name, value)
        self.clear_header("WWW-Authenticate")  # it would name the residents' scheme
        await super().respond(status, body, media_type)
