"""Our terminal read another centre's code: ask through the national router, and believe only what is proven.

Three things are proven of an answer: the router sent it to this call; the issuing centre, by a certificate
signed at admission, signed it; and it is about this code, scene, terminal and request, and no other.
"""

import asyncio
from dataclasses import dataclass

import structlog

from server.core.circuit import Circuits
from server.core.clock import Clock
from server.core.errors import Conflict, InvalidInput, Unavailable
from server.core.proving import PublicKeys
from server.federation.calls import Believed, PeerCalls, resting, unavailable, untrusted
from server.federation.model import (
    BUDGET_S,
    PATH,
    ROUTER,
    Certificate,
    Peer,
    Question,
    Signed,
    question_to_plain,
)
from server.federation.statement import (
    CERTIFICATE,
    STATEMENT,
    Refusal,
    Unreadable,
    read_certificate,
    read_statement,
)
from server.verification.foreign import ForeignAnswer, ForeignScan

# Scans at once: towards one issuing centre, and towards all.  A peer that holds every one of them for the
# whole budget then costs memory and sockets for so many, and local scans nothing.
PLACES, ALL_PLACES = 16, 48
OWN_SHARE_S = 0.2
"""Of the budget: for reading the answer and storing our row."""

log = structlog.get_logger()


@dataclass(frozen=True)
class RouterAddress:
    """Where the router is and how it is known: its keys, and the anchor that signs certificates."""

    url: str
    public_keys: dict[str, bytes]
    anchor: bytes


class ForeignCentres:
    """The way to other centres; without a router every foreign code is `issuer.unknown`."""

    def __init__(
        self,
        router: RouterAddress | None,
        calls: PeerCalls,
        keys: PublicKeys,
        clock: Clock,
        *,
        centre_id: str,
    ) -> None:
        self._router = router
        self._calls = calls
        self._keys = keys
        self._clock = clock
        self._centre_id = centre_id
        self._to_router = Circuits(clock, resting, places=ALL_PLACES, all_places=ALL_PLACES)
        self._to_issuers = Circuits(clock, resting, places=PLACES, all_places=ALL_PLACES)

    async def ask(self, scan: ForeignScan) -> ForeignAnswer:
        """See `Foreign.ask`.  Returns or refuses within BUDGET_S."""
        if self._router is None:
            raise InvalidInput("issuer.unknown", "the card was issued by a centre we do not know")
        question = self._question(scan)
        try:
            async with asyncio.timeout(BUDGET_S - OWN_SHARE_S / 2):
                with self._to_issuers.place(scan.centre_id):
                    told = await self._asked(self._router, question, scan.centre_id)
        except TimeoutError:
            raise unavailable(scan.centre_id, "budget") from None
        if isinstance(told, Refusal):
            raise told.kind(told.code, told.message)
        return told

    def _question(self, scan: ForeignScan) -> Question:
        return Question(
            code=scan.code,
            scene=scan.scene,
            channel=scan.channel,
            asked_by=self._centre_id,
            institution_id=scan.caller.app.institution.institution_id,
            institution=scan.caller.app.institution.name,
            terminal_id=scan.terminal.terminal_id,
            place=scan.terminal.place,
            wants_full=scan.wants_full,
            request=scan.request,
            hops=0,
            budget_ms=int((BUDGET_S - 2 * OWN_SHARE_S) * 1000),
        )

    async def _asked(self, router: RouterAddress, question: Question, issuer: str) -> ForeignAnswer | Refusal:
        peer = Peer(ROUTER, router.public_keys)
        with self._to_router.place(ROUTER):
            reply = await self._calls.post(
                peer, router.url + PATH, question_to_plain(question), BUDGET_S - OWN_SHARE_S
            )
        if not reply.is_success:
            raise _refused_by_router(reply)
        try:
            return await self._believed(router, question, issuer, reply)
        except Unreadable as error:
            raise untrusted(issuer, str(error)) from None

    async def _believed(
        self, router: RouterAddress, question: Question, issuer: str, reply: Believed
    ) -> ForeignAnswer | Refusal:
        certificate = await self._certified(router, _signed(reply, "certificate"))
        if certificate.centre_id != issuer:
            raise Unreadable("the certificate of another centre")
        if certificate.not_after <= self._clock.now():
            raise Unreadable("the certificate is over")
        statement = _signed(reply, "statement")
        text = STATEMENT + statement.text.encode()
        if not await self._keys.is_signed(certificate.public_key, text, statement.signature):
            raise Unreadable("not signed by the issuing centre")
        return read_statement(statement.text, question, issuer)

    async def _certified(self, router: RouterAddress, signed: Signed) -> Certificate:
        text = CERTIFICATE + signed.text.encode()
        if not await self._keys.is_signed(router.anchor, text, signed.signature):
            raise Unreadable("not a certificate of our anchor")
        return read_certificate(signed.text)


def _signed(reply: Believed, name: str) -> Signed:
    part = reply.content.get(name)
    if not isinstance(part, dict):
        raise Unreadable(f"no {name}")
    text, signature = part.get("text"), part.get("signature")
    if not isinstance(text, str) or not isinstance(signature, str):
        raise Unreadable(f"no {name}")
    return Signed(text, signature)


def _refused_by_router(reply: Believed) -> Exception:
    """The router's own refusals; it has signed them, and there is no more to them than the code."""
    if reply.error == "issuer.unknown":
        return InvalidInput("issuer.unknown", "the card was issued by a centre we do not know")
    if reply.error == "issuer.suspended":
        return Conflict("issuer.suspended", "the card's own centre is suspended by the national router")
    if reply.error == "issuer.untrusted":
        return untrusted(ROUTER, "the router does not trust the issuing centre")
    return _from(reply)


def _from(reply: Believed) -> Unavailable:
    return unavailable(ROUTER, reply.error)
