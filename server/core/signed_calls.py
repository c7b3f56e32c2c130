"""A signed call out, and an answer that is believed only when it is signed, and to this call.

The scheme is the partner API's (docs/partner-api.md, "Signing a call"), SM2 both ways.
"""

import json
import secrets
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from server.core.clock import Clock, to_ms
from server.core.crypto.sm2 import Sm2PrivateKey
from server.core.errors import Unavailable
from server.core.http import OutboundHttp, RawAnswer
from server.core.proving import PublicKeys, is_reply_to
from server.core.signing import SignedRequest, encoded, reply_to_sign
from server.core.threads import run_in

NamedKey = tuple[str, Sm2PrivateKey]
"""(how the other end names it, the key)."""


class Unproven(Exception):
    """Something came, and it is not the peer's word on this call.  The text says why, for the log."""


class Silent(Unproven):
    """Nothing came that claims to be the peer's word: nobody answered, or something unsigned did."""


class SignedCalls:
    """Signs as `own_id` with the key that `own_key` gives at that moment."""

    def __init__(
        self,
        http: OutboundHttp,
        own_key: Callable[[], NamedKey],
        keys: PublicKeys,
        clock: Clock,
        threads: ThreadPoolExecutor,
        *,
        own_id: str,
    ) -> None:
        self._http = http
        self._own_key = own_key
        self._keys = keys
        self._clock = clock
        self._threads = threads
        self._own_id = own_id

    async def ask(
        self,
        peer: str,
        public_keys: Iterable[bytes],
        method: str,
        url: str,
        body: bytes | None,
        *,
        timeout_s: float,
        max_answer_bytes: int,
    ) -> tuple[RawAnswer, dict[str, Any]]:
        """The answer, signed by one of `public_keys`, and its JSON object; Silent or Unproven otherwise."""
        nonce = secrets.token_hex(16)
        headers = await self._signed(method, url, body or b"", nonce)
        try:
            answer = await self._http.exchange(peer, method, url, body, headers, timeout_s)
        except Unavailable as error:
            raise Silent("unreachable") from error
        await self._require_signed(answer, nonce, public_keys, max_answer_bytes)
        try:
            decoded = json.loads(answer.body)
        except (ValueError, RecursionError):
            raise Unproven("not JSON") from None
        if not isinstance(decoded, dict):
            raise Unproven("not an object")
        return answer, decoded

    async def _signed(self, method: str, url: str, body: bytes, nonce: str) -> dict[str, str]:
        parts = urlsplit(url)
        key_id, key = self._own_key()
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

    async def _require_signed(
        self, answer: RawAnswer, nonce: str, public_keys: Iterable[bytes], max_answer_bytes: int
    ) -> None:
        headers = answer.headers
        if "X-Signature" not in headers:
            # A proxy's page, a busy process, or a 401: the peer's word on nothing, so nothing was said.
            raise Silent(f"unsigned {answer.status}")
        if len(answer.body) > max_answer_bytes:
            raise Unproven("too long")
        if not is_reply_to(headers, nonce, self._clock):
            raise Unproven("another call's reply, or outside the window")
        text = reply_to_sign(answer.status, answer.body, headers["X-Timestamp"], nonce)
        for raw in public_keys:
            if await self._keys.is_signed(raw, text, headers["X-Signature"]):
                return
        raise Unproven("signature")
