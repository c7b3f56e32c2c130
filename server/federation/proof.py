"""Proving a peer's call and signing our reply: the partners' scheme (protocols, section 2), SM2 only."""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import structlog

from server.core.clock import Clock, to_ms
from server.core.errors import Unauthenticated
from server.core.keys import Seals
from server.core.proving import WINDOW, PublicKeys
from server.core.signing import SignedRequest, encoded, reply_to_sign
from server.core.threads import run_in
from server.federation.model import Peer, ProvenPeer
from server.federation.store import NonceStore

NONCE_KEPT = timedelta(seconds=900)

log = structlog.get_logger()


FindPeer = Callable[[str], Awaitable[Peer | None]]


class Proof:
    """`find_peer` knows who may call, with the keys that are good now."""

    def __init__(
        self,
        find_peer: FindPeer,
        nonces: NonceStore,
        keys: PublicKeys,
        seals: Seals,
        clock: Clock,
        threads: ThreadPoolExecutor,
    ) -> None:
        self._find_peer = find_peer
        self._nonces = nonces
        self._keys = keys
        self._seals = seals
        self._clock = clock
        self._threads = threads

    async def prove(self, request: SignedRequest) -> ProvenPeer:
        """The peer.  Whatever fails says only `federation.unauthenticated`; the reason goes to the log."""
        peer = await self._proven(request)
        if isinstance(peer, str):
            shown = request.app_id if request.is_shaped() else "?"
            log.warning("federation.refused", reason=peer, peer=shown)
            raise Unauthenticated("federation.unauthenticated", "the call is not proven to come from a peer")
        return peer

    async def _proven(self, request: SignedRequest) -> ProvenPeer | str:
        if not request.is_shaped() or request.sign_type != "SM2":
            return "shape"
        peer = await self._find_peer(request.app_id)
        if peer is None:
            return "peer"
        raw = peer.public_keys.get(request.key_id)
        if raw is None:
            return "key"
        now = self._clock.now()
        if abs(int(request.timestamp) - to_ms(now)) > WINDOW.total_seconds() * 1000:
            return "window"
        if not await self._keys.is_signed(raw, request.string_to_sign(), request.signature):
            return "signature"
        if not await self._nonces.spend(peer.peer_id, request.nonce, now + NONCE_KEPT):
            return "nonce"
        return ProvenPeer(peer.peer_id, request.nonce)

    async def sign_reply(self, peer: ProvenPeer, status: int, body: bytes) -> dict[str, str]:
        """The headers that prove the reply is ours, and to this very request."""
        timestamp = str(to_ms(self._clock.now()))
        text = reply_to_sign(status, body, timestamp, peer.nonce)
        key_id, key = self._seals.federation_key()
        signature = await run_in(self._threads, partial(key.sign, text))
        return {
            "X-Key-Id": key_id,
            "X-Timestamp": timestamp,
            "X-Nonce": peer.nonce,
            "X-Signature": encoded(signature),
        }
