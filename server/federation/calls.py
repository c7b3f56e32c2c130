"""Asking a peer: a signed call out, and a reply that is believed only when it is signed and to this call."""

import json
from dataclasses import dataclass
from typing import Any

import structlog

from server.core.errors import Unavailable
from server.core.signed_calls import SignedCalls, Silent, Unproven
from server.federation.model import MAX_ANSWER_BYTES, Peer

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
    """The centres' way of asking over signed calls."""

    def __init__(self, calls: SignedCalls) -> None:
        self._calls = calls

    async def post(self, peer: Peer, url: str, content: dict[str, Any], timeout_s: float) -> Believed:
        """Unavailable `issuer.unavailable` when the peer is down, slow or does not take the call,
        `issuer.untrusted` when what came is not proven to be its word."""
        body = json.dumps(content, ensure_ascii=False).encode()
        return await self._ask(peer, "POST", url, body, timeout_s)

    async def get(self, peer: Peer, url: str, timeout_s: float) -> Believed:
        return await self._ask(peer, "GET", url, None, timeout_s)

    async def _ask(self, peer: Peer, method: str, url: str, body: bytes | None, timeout_s: float) -> Believed:
        try:
            answer, decoded = await self._calls.ask(
                f"peer {peer.peer_id}",
                peer.public_keys.values(),
                method,
                url,
                body,
                timeout_s=timeout_s,
                max_answer_bytes=MAX_ANSWER_BYTES,
            )
        except Silent as error:
            raise unavailable(peer.peer_id, str(error)) from error
        except Unproven as error:
            raise untrusted(peer.peer_id, str(error)) from error
        return Believed(answer.is_success and "error" not in decoded, decoded)


def unavailable(peer_id: str, reason: str) -> Unavailable:
    log.warning("federation.unavailable", peer=peer_id, reason=reason)
    return resting()


def resting(retry_after_s: int = 5) -> Unavailable:
    return Unavailable(
        "issuer.unavailable", "the card's own centre cannot be reached just now", retry_after_s
    )


def untrusted(peer_id: str, reason: str) -> Unavailable:
    """What came is not proven, so nothing is known of the code: fail closed, and ask again later."""
    log.error("federation.untrusted", peer=peer_id, reason=reason)
    return Unavailable("issuer.untrusted", "the answer of the card's own centre is not proven", 30)
