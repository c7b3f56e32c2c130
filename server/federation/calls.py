"""Asking a peer: a signed call out, and a reply that is believed only when it is signed and to this call."""

import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import structlog

from server.core.clock import Clock, to_ms
from server.core.errors import Unavailable
from server.core.http import OutboundHttp, RawAnswer
from server.core.keys import Seals
from server.core.threads import run_in
from server.federation.model import MAX_ANSWER_BYTES, Peer
from server.federation.proof import PublicKeys, is_reply_to
from server.federation.statement import encoded
from server.partners.signing import SignedRequest, reply_to_sign

log = structlog.get_logger()


@dataclass(frozen=True)
class Believed:
    """A reply the peer has signed, to this call: what it was sent with, and its object."""

    is_success: bool
    content: dict[str, Any]

    @property
    def error(self) -> str:
        """The code of a refusal."""
        error = self.content.get("error")
        return str(error.get("code")) if isinstance(error, dict) else "?"


class PeerCalls:
    """Signs as `own_id` with the current federation key."""

    def __init__(
        self,
        http: OutboundHttp,
        seals: Seals,
        keys: PublicKeys,
        clock: Clock,
        threads: ThreadPoolExecutor,
        *,
        own_id: str,
    ) -> None:
        self._http = http
        self._seals = seals
        self._keys = keys
        self._clock = clock
        self._threads = threads
        self._own_id = own_id

    async def post(self, peer: Peer, url: str, content: dict[str, Any], timeout_s: float) -> Believed:
        """Unavailable `issuer.unavailable` when the peer is down, slow or does not take the call,
        `issuer.untrusted` when what came is not proven to be its word."""
        body = json.dumps(content, ensure_ascii=False).encode()
        return await self._ask(peer, "POST", url, body, timeout_s)

    async def get(self, peer: Peer, url: str, timeout_s: float) -> Believed:
        return await self._ask(peer, "GET", url, None, timeout_s)

    async def _ask(self, peer: Peer, method: str, url: str, body: bytes | None, timeout_s: float) -> Believed:
        nonce = secrets.token_hex(16)
        headers = await self._signed(method, url, body or b"", nonce)
        try:
            answer = await self._http.exchange(f"peer {peer.peer_id}", method, url, body, headers, timeout_s)
        except Unavailable as error:
            raise unavailable(peer.peer_id, "unreachable") from error
        await self._require_signed(peer, answer, nonce)
        try:
            decoded = json.loads(answer.body)
        except (ValueError, RecursionError):
            raise untrusted(peer.peer_id, "not JSON") from None
        if not isinstance(decoded, dict):
            raise untrusted(peer.peer_id, "not an object")
        return Believed(answer.is_success and "error" not in decoded, decoded)

    async def _signed(self, method: str, url: str, body: bytes, nonce: str) -> dict[str, str]:
        parts = urlsplit(url)
        key_id, key = self._seals.federation_key()
        request = SignedRequest(
            method=method,
            path=parts.path,
            query=parts.query,
            body=body,
            app_id=self._own_id,
            key_id=key_id,
            timestamp=str(to_ms(self._clock.now())),
            nonce=nonce,
            sign_type="SM2",
            signature="",
        )
        signature = await run_in(self._threads, partial(key.sign, request.string_to_sign()))
        return {
            "X-App-Id": request.app_id,
            "X-Key-Id": request.key_id,
            "X-Timestamp": request.timestamp,
            "X-Nonce": nonce,
            "X-Sign-Type": "SM2",
            "X-Signature": encoded(signature),
        }

    async def _require_signed(self, peer: Peer, answer: RawAnswer, nonce: str) -> None:
        headers = answer.headers
        if "X-Signature" not in headers:
            # A proxy's page, a busy process, or a 401: the peer's word on nothing, so nothing was said.
            raise unavailable(peer.peer_id, f"unsigned {answer.status}")
        if len(answer.body) > MAX_ANSWER_BYTES:
            raise untrusted(peer.peer_id, "too long")
        if not is_reply_to(headers, nonce, self._clock):
            raise untrusted(peer.peer_id, "another call's reply, or outside the window")
        text = reply_to_sign(answer.status, answer.body, headers["X-Timestamp"], nonce)
        for raw in peer.public_keys.values():
            if await self._keys.is_signed(raw, text, headers["X-Signature"]):
                return
        raise untrusted(peer.peer_id, "signature")


def unavailable(peer_id: str, reason: str) -> Unavailable:
    log.warning("federation.unavailable", peer=peer_id, reason=reason)
    return Unavailable("issuer.unavailable", "the card's own centre cannot be reached just now")


def untrusted(peer_id: str, reason: str) -> Unavailable:
    """What came is not proven, so nothing is known of the code: fail closed, and ask again later."""
    log.error("federation.untrusted", peer=peer_id, reason=reason)
    return Unavailable("issuer.untrusted", "the answer of the card's own centre is not proven", 30)
