"""Proving a peer's call and signing our reply: the partners' scheme (protocols, section 2), SM2 only."""

from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import structlog

from server.core.clock import Clock, to_ms
from server.core.crypto.sm2 import Sm2Provider, Sm2PublicKey
from server.core.errors import Unauthenticated
from server.core.keys import Seals
from server.core.threads import run_in
from server.federation.model import Peer, ProvenPeer
from server.federation.statement import encoded
from server.federation.store import NonceStore
from server.partners.signing import SignedRequest, decoded_signature, reply_to_sign

WINDOW = timedelta(seconds=300)
NONCE_KEPT = timedelta(seconds=900)
MAX_KEYS = 1000

log = structlog.get_logger()


class PublicKeys:
    """Checks signatures in a thread; a key is parsed once."""

    def __init__(self, sm2: Sm2Provider, threads: ThreadPoolExecutor) -> None:
        self._sm2 = sm2
        self._threads = threads
        self._parsed: dict[bytes, Sm2PublicKey] = {}

    async def is_signed(self, raw: bytes, text: bytes, signature: str) -> bool:
        """Whether the base64 `signature` over `text` was made with the key whose public half is `raw`."""
        decoded = decoded_signature(signature)
        if decoded is None:
            return False
        key = self._parsed.get(raw)
        if key is None:
            if len(self._parsed) >= MAX_KEYS:
                self._parsed.clear()
            key = self._parsed[raw] = self._sm2.public_key(raw)
        return await run_in(self._threads, partial(key.verify, text, decoded))


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


def is_in_window(timestamp: str, clock: Clock) -> bool:
    """Whether a reply's timestamp lies within the window of our own clock."""
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) == 13):
        return False
    return abs(int(timestamp) - to_ms(clock.now())) <= WINDOW.total_seconds() * 1000


def is_reply_to(headers: Mapping[str, str], nonce: str, clock: Clock) -> bool:
    return headers.get("X-Nonce") == nonce and is_in_window(headers.get("X-Timestamp", ""), clock)
