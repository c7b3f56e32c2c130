from typing import Annotated, Literal

from pydantic import Field

from handlers.authentication import PartnerHandler
from handlers.partner.fields import ShortText, TerminalId, UsageCode
from handlers.partner.verifications import FULL, VerificationView
from handlers.requests import Created, Id, Model, Ok, Time, operation
from server.core.errors import Conflict, Forbidden, InvalidInput
from server.verification.authorization.service import LONGEST_WAIT_S, Question


class AuthorizationQuestion(Model):
    terminal_id: TerminalId
    scene: UsageCode
    channel: UsageCode | None = None
    department: ShortText | None = None
    purpose: ShortText | None = None


class AuthorizationAsked(Model):
    """`qr_text` is what the terminal shows as a QR code until `expires_at`."""

    request_id: str
    qr_text: str
    expires_at: Time


class WaitQuery(Model):
    wait_s: Annotated[
        int, Field(ge=0, le=LONGEST_WAIT_S, description="seconds the answer may be held back while undecided")
    ] = 0


class AuthorizationResult(Model):
    """`verification` comes with `approved`: the same answer as a passive scan."""

    request_id: str
    state: Literal["waiting", "approved", "refused", "expired"]
    expires_at: Time
    verification: VerificationView | None


class AuthorizationRequests(PartnerHandler):
    @operation(
        "Ask a resident through their own phone: show the text, they scan it and approve",
        body=AuthorizationQuestion,
        reply=AuthorizationAsked,
        replies=(Created,),
        refuses=(InvalidInput, Forbidden),
        scope="verification",
        idempotent=True,
    )
    async def post(self, body: AuthorizationQuestion) -> Created:
        question = Question(**body.model_dump())
        request, text = await self.services.authorizations.ask(self.proven, question)
        return Created(
            AuthorizationAsked(request_id=request.request_id, qr_text=text, expires_at=request.expires_at)
        )


class OneAuthorizationRequest(PartnerHandler):
    @operation(
        "What the resident answered; waits for it when asked to",
        query=WaitQuery,
        reply=AuthorizationResult,
        refuses=(Conflict,),
        scope="verification",
    )
    async def get(self, request_id: Id, query: WaitQuery) -> Ok:
        request, state, seen = await self.services.authorizations.result(
            self.proven, request_id, query.wait_s
        )
        view = None if seen is None else VerificationView.of(seen, FULL in self.proven.app.scopes)
        return Ok(
            AuthorizationResult(
                request_id=request_id, state=state.value, expires_at=request.expires_at, verification=view
            )
        )


ROUTES = [
    ("/partner/v1/authorization-requests", AuthorizationRequests),
    ("/partner/v1/authorization-requests/{request_id}", OneAuthorizationRequest),
]
