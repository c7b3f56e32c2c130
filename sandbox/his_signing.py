"""Both signatures of the hospital contract, and of the centre above, written from docs/his-contract.md alone.

The platform's on what it asks, ours on what we answer.
"""

import base64
import binascii
import re
from dataclasses import replace

from tornado.httputil import HTTPServerRequest

from sandbox import sm2
from sandbox.config import SignedBothWays
from sandbox.partner_client import reply_string, request_string
from sandbox.service import Answer, Clock, error_answer

WINDOW_MS = 300_000
NONCE = re.compile(r"[0-9a-f]{32}")
# Whose it is does not matter: it is nobody's that the platform believes.
OTHER_KEY = bytes(31) + b"\x07"


class HisSigning:
    """Admits the platform's own new calls; seals every answer but the 401, which says nothing."""

    def __init__(self, config: SignedBothWays, now: Clock) -> None:
        self._centre_id = config.centre_id
        self._platform_key = bytes.fromhex(config.platform_public_key_hex)[1:]
        self._private_key = bytes.fromhex(config.private_key_hex)
        self._public_key = sm2.public_key_of(self._private_key)
        self._other_public = sm2.public_key_of(OTHER_KEY)
        self._now = now
        self._seen: dict[str, float] = {}

    def admit(self, request: HTTPServerRequest) -> Answer | None:
        """None for a call of the platform; otherwise the 401."""
        headers = request.headers
        timestamp, nonce = headers.get("X-Timestamp", ""), headers.get("X-Nonce", "")
        now_ms = self._now() * 1000
        is_shaped = timestamp.isdecimal() and len(timestamp) == 13 and NONCE.fullmatch(nonce) is not None
        if not is_shaped or abs(now_ms - int(timestamp)) > WINDOW_MS or not self._is_signed(request):
            return error_answer(401, "caller.unauthenticated", "the call is not the platform's")
        if not self._is_new(nonce, now_ms):
            return error_answer(401, "caller.unauthenticated", "the call came before")
        return None

    def _is_new(self, nonce: str, now_ms: float) -> bool:
        # Remembered for twice the window, since a timestamp may lie in front of us by all of it.
        self._seen = {known: until for known, until in self._seen.items() if until > now_ms}
        if nonce in self._seen:
            return False
        self._seen[nonce] = now_ms + 2 * WINDOW_MS
        return True

    def _is_signed(self, request: HTTPServerRequest) -> bool:
        headers = request.headers
        if headers.get("X-App-Id") != self._centre_id or headers.get("X-Sign-Type") != "SM2":
            return False
        try:
            signature = base64.b64decode(headers.get("X-Signature", ""), validate=True)
        except binascii.Error:
            return False
        text = request_string(
            request.method or "",
            request.path,
            request.query,
            request.body,
            self._centre_id,
            headers.get("X-Key-Id", ""),
            headers["X-Timestamp"],
            headers["X-Nonce"],
        )
        return sm2.verify(self._platform_key, text, signature)

    def seal(self, request: HTTPServerRequest, answer: Answer, with_other_key: bool) -> Answer:
        if answer.status == 401:
            return answer
        timestamp, nonce = str(int(self._now() * 1000)), request.headers["X-Nonce"]
        private, public = self._private_key, self._public_key
        if with_other_key:
            private, public = OTHER_KEY, self._other_public
        text = reply_string(answer.status, answer.content, timestamp, nonce)
        signed = {
            "X-Timestamp": timestamp,
            "X-Nonce": nonce,
            "X-Signature": base64.b64encode(sm2.sign(private, public, text)).decode(),
        }
        return replace(answer, headers={**answer.headers, **signed})
