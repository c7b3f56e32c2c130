from handlers.authentication import signed_request
from handlers.base import JSON, ApiHandler
from handlers.requests import Operation
from server.core.errors import Unavailable
from server.federation.model import ProvenPeer


class PeerHandler(ApiHandler):
    """The router, or at the router a centre: signed with SM2; replies are signed too, once it is proven."""

    audience = "federation"
    peer: ProvenPeer | None = None

    @property
    def proven(self) -> ProvenPeer:
        assert self.peer is not None, "a method runs after `authenticate`"
        return self.peer

    async def authenticate(self, described: Operation) -> str:
        self.peer = await self.services.federation.proof.prove(signed_request(self.request))
        return f"peer:{self.peer.peer_id}"

    async def respond(self, status: int, body: bytes, media_type: str = JSON) -> None:
        if self.peer is not None:
            try:
                signed = await self.services.federation.proof.sign_reply(self.peer, status, body)
            except Unavailable as busy:
                self.peer = None  # too busy to sign: better an unsigned "later" than no answer
                await self.refuse(busy)
                return
            for name, value in signed.items():
                self.set_header(name, value)
        self.clear_header("WWW-Authenticate")  # it would name the residents' scheme
        await super().respond(status, body, media_type)
