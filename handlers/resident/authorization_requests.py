from typing import Annotated

from pydantic import StringConstraints

from handlers.authentication import ResidentHandler
from handlers.requests import Id, Model, NoContent, Ok, Time, operation
from handlers.resident.factors import AnyFactor, as_factor
from server.core.errors import Conflict, Forbidden, InvalidInput, TooMany

RequestText = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class ScannedRequest(Model):
    """What the phone read from the terminal's screen."""

    text: RequestText


class AuthorizationAsks(Model):
    """Who asks, and for what.  That they do is proven: only a partner's signed call makes a request."""

    request_id: str
    institution: str
    place: str
    terminal_id: str
    scene: str
    department: str | None
    purpose: str | None
    expires_at: Time
    seconds_left: int
    needs_factor: bool


class Approval(Model):
    card_id: Id
    factor: AnyFactor | None = None


class ScannedRequests(ResidentHandler):
    @operation(
        "Who shows this code on a terminal, and what they ask for",
        body=ScannedRequest,
        reply=AuthorizationAsks,
        refuses=(InvalidInput, Conflict),
    )
    async def post(self, body: ScannedRequest) -> Ok:
        reading = await self.services.authorizations.read(body.text)
        request = reading.request
        return Ok(
            AuthorizationAsks(
                request_id=request.request_id,
                institution=request.institution,
                place=request.place,
                terminal_id=request.terminal_id,
                scene=request.scene,
                department=request.department,
                purpose=request.purpose,
                expires_at=request.expires_at,
                seconds_left=reading.seconds_left,
                needs_factor=reading.needs_factor,
            )
        )


class Approvals(ResidentHandler):
    @operation(
        "Let the terminal read this card, this once",
        body=Approval,
        replies=(NoContent,),
        refuses=(Conflict, Forbidden, TooMany),
        idempotent=True,
    )
    async def post(self, request_id: Id, body: Approval) -> NoContent:
        account_id = self.session.account.account_id
        factor = as_factor(body.factor)
        await self.services.authorizations.approve(account_id, request_id, body.card_id, factor)
        return NoContent()


class Refusals(ResidentHandler):
    @operation("Refuse the terminal", replies=(NoContent,), refuses=(Conflict,), idempotent=True)
    async def post(self, request_id: Id) -> NoContent:
        await self.services.authorizations.refuse(self.session.account.account_id, request_id)
        return NoContent()


ROUTES = [
    ("/api/v1/authorization-requests", ScannedRequests),
    ("/api/v1/authorization-requests/{request_id}/approval", Approvals),
    ("/api/v1/authorization-requests/{request_id}/refusal", Refusals),
]
