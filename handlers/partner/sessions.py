import base64

from handlers.authentication import PartnerHandler
from handlers.partner.fields import TerminalId
from handlers.requests import Created, Model, Time, operation
from server.core.errors import Forbidden


class SessionRequest(Model):
    terminal_id: TerminalId


class SessionOpened(Model):
    """`key`: 32 bytes, encrypted to the app's key with SM2 (C1‖C3‖C2, C1 with its leading 04), base64."""

    session_id: str
    expires_at: Time
    key: str


class TerminalSessions(PartnerHandler):
    @operation(
        "Open a terminal session: afterwards the terminal signs with HMAC-SM3",
        body=SessionRequest,
        reply=SessionOpened,
        replies=(Created,),
        refuses=(Forbidden,),
        scope="verification",
    )
    async def post(self, body: SessionRequest) -> Created:
        session, key = await self.services.partners.open_session(self.proven, body.terminal_id)
        return Created(
            SessionOpened(
                session_id=session.session_id,
                expires_at=session.expires_at,
                key=base64.b64encode(key).decode(),
            )
        )


ROUTES = [("/partner/v1/sessions", TerminalSessions)]
