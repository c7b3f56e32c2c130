"""Passing a scan on to the centre that issued the code, and counting that it was (B1.7, step two)."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import structlog

from server.cards import qrcode
from server.core.circuit import Circuits
from server.core.clock import Clock
from server.core.errors import Conflict, EhcError, InvalidInput, Unavailable
from server.core.observability import Metrics
from server.federation.calls import Believed, PeerCalls, resting, unavailable, untrusted
from server.federation.model import (
    PATH,
    Answer,
    Peer,
    ProvenPeer,
    Question,
    Signed,
    question_to_plain,
)
from server.federation.proof import Proof
from server.router.model import Centre, RouteCount, bucket_of
from server.router.register import CentreRegister
from server.router.store import RouteStore

PLACES, ALL_PLACES = 64, 1024
"""Scans at once: towards one centre, and in all."""
OWN_SHARE_S = 0.15
"""Of what is left of the budget: for the way back."""
LEAST_S = 0.05
MAX_OUTCOMES = 100
"""Outcomes are other centres' words: after so many different ones the rest is counted as one."""
MAX_DAYS = 92

log = structlog.get_logger()


class RouterService:
    """`Answering` for the router."""

    def __init__(
        self,
        proof: Proof,
        register: CentreRegister,
        routes: RouteStore,
        calls: PeerCalls,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self.proof = proof
        self.register = register
        self._routes = routes
        self._calls = calls
        self._metrics = metrics
        self._clock = clock
        self._outcomes: set[str] = set()
        self._circuits = Circuits(clock, resting, places=PLACES, all_places=ALL_PLACES)

    async def answer(self, peer: ProvenPeer, question: Question) -> Answer:
        """The issuing centre's answer with its certificate.

        InvalidInput: code.malformed, federation.loop, issuer.unknown.  Conflict: issuer.suspended.
        Unavailable: issuer.unavailable, issuer.untrusted.
        """
        code = qrcode.read_code(question.code)
        issuer = code.centre_id
        if question.hops != 0 or question.asked_by != peer.peer_id or issuer == peer.peer_id:
            raise InvalidInput("federation.loop", "a centre asks once, for itself, about another's code")
        centre = None if issuer is None else await self.register.find(issuer)
        if centre is None:
            raise InvalidInput("issuer.unknown", "the card was issued by a centre we do not know")
        started_at_s = asyncio.get_running_loop().time()
        try:
            answer = await self._passed_on(centre, question)
        except EhcError as refusal:
            await self._count(peer.peer_id, centre.centre_id, refusal.code, started_at_s)
            raise
        await self._count(peer.peer_id, centre.centre_id, answer.outcome, started_at_s)
        return answer

    async def _passed_on(self, centre: Centre, question: Question) -> Answer:
        if not centre.is_active:
            raise Conflict("issuer.suspended", "the card's own centre is suspended by the national router")
        left_s = question.budget_ms / 1000 - OWN_SHARE_S
        if left_s < LEAST_S:
            raise unavailable(centre.centre_id, "budget")
        sent = replace(question, hops=question.hops + 1, budget_ms=int((left_s - OWN_SHARE_S / 2) * 1000))
        peer = Peer(centre.centre_id, centre.good_keys(self._clock.now()))
        try:
            async with asyncio.timeout(left_s):
                with self._circuits.place(centre.centre_id):
                    reply = await self._calls.post(peer, centre.url + PATH, question_to_plain(sent), left_s)
                    return _certified(centre, reply)
        except TimeoutError:
            raise unavailable(centre.centre_id, "budget") from None

    async def _count(self, asked_by: str, issuer: str, outcome: str, started_at_s: float) -> None:
        took_s = asyncio.get_running_loop().time() - started_at_s
        if outcome not in self._outcomes and len(self._outcomes) >= MAX_OUTCOMES:
            outcome = "other"
        self._outcomes.add(outcome)
        self._metrics.routed.labels(asked_by, issuer, outcome).inc()
        self._metrics.routed_seconds.labels(asked_by, issuer).observe(took_s)
        try:
            await self._routes.count(
                self._clock.now().date(), asked_by, issuer, outcome, bucket_of(took_s * 1000)
            )
        except Unavailable:  # an answer that was got is worth more than its count
            log.warning("router.uncounted", asked_by=asked_by, issuer=issuer)

    async def statistics(self, peer: ProvenPeer, since: date) -> list[RouteCount]:
        """The centre's own routes, both directions, of at most MAX_DAYS."""
        oldest = self._clock.now().date() - timedelta(days=MAX_DAYS)
        return await self._routes.of_centre(peer.peer_id, max(since, oldest))

    async def every_route(self, since: date) -> list[RouteCount]:
        """Everybody's, for who runs the router."""
        return await self._routes.every(since)


def _certified(centre: Centre, reply: Believed) -> Answer:
    """The reply as an answer, with the certificate of the key it names.  What it says is not ours to read."""
    if not reply.is_success:
        raise unavailable(centre.centre_id, reply.error)
    content = reply.content
    outcome, key_id, statement = (content.get(name) for name in ("outcome", "key_id", "statement"))
    if not (isinstance(outcome, str) and isinstance(key_id, str) and isinstance(statement, dict)):
        raise untrusted(centre.centre_id, "not an answer")
    text, signature = statement.get("text"), statement.get("signature")
    if not (isinstance(text, str) and isinstance(signature, str)) or not _is_outcome(outcome):
        raise untrusted(centre.centre_id, "not an answer")
    certificate = centre.certificate(key_id)
    if certificate is None:
        raise untrusted(centre.centre_id, "a key that is not admitted")
    return Answer(outcome, key_id, Signed(text, signature), certificate)


def _is_outcome(outcome: str) -> bool:
    """It becomes a counter's name: words and one dot, and short."""
    return len(outcome) <= 40 and outcome.replace(".", "_", 1).isidentifier() and outcome.isascii()
