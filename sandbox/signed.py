"""Requests signed with a shared secret, as the text-message gateway and the real-name authority take them.

Headers X-App-Id, X-Timestamp (ms), X-Nonce (32 lower-case hex) and X-Signature, the hex HMAC-SM3 with the
secret over `METHOD\\npath\\ntimestamp\\nnonce\\nSM3hex(body)\\n`. Anything wrong is a 401.
"""

import hashlib
import hmac
import re

from tornado.httputil import HTTPServerRequest

from sandbox.config import SignedCaller
from sandbox.service import Answer, Clock, error_answer

WINDOW_MS = 300_000
NONCE = re.compile(r"[0-9a-f]{32}")


def request_signature(secret: str, method: str, path: str, timestamp: str, nonce: str, body: bytes) -> str:
    """The signature of one request, 64 lower-case hex digits."""
    text = f"{method}\n{path}\n{timestamp}\n{nonce}\n{hashlib.new('sm3', body).hexdigest()}\n"
    return hmac.new(secret.encode(), text.encode(), "sm3").hexdigest()


class SignatureCheck:
    """Knows one caller and the nonces it used within the window."""

    def __init__(self, caller: SignedCaller, now: Clock) -> None:
        self._caller = caller
        self._now = now
        self._seen: dict[str, float] = {}

    def admit(self, request: HTTPServerRequest) -> Answer | None:
        """None if the request is the caller's own and new; otherwise the 401 that says what is wrong."""
        timestamp, nonce = request.headers.get("X-Timestamp", ""), request.headers.get("X-Nonce", "")
        now_ms = self._now() * 1000
        if request.headers.get("X-App-Id") != self._caller.app_id:
            return error_answer(401, "caller.unknown", "X-App-Id is not known here")
        if not timestamp.isdecimal() or len(timestamp) > 16 or abs(now_ms - int(timestamp)) > WINDOW_MS:
            return error_answer(
                401, "timestamp.outside_window", "X-Timestamp is not within 300 seconds of now"
            )
        if not NONCE.fullmatch(nonce):
            return error_answer(401, "nonce.malformed", "X-Nonce is not 32 lower-case hex digits")
        expected = request_signature(
            self._caller.secret, request.method or "", request.path, timestamp, nonce, request.body
        )
        if not hmac.compare_digest(expected.encode(), request.headers.get("X-Signature", "").encode()):
            return error_answer(401, "signature.wrong", "X-Signature does not fit the request")
        if not self._is_new(nonce, now_ms):
            return error_answer(401, "nonce.repeated", "X-Nonce was used before")
        return None

    def _is_new(self, nonce: str, now_ms: float) -> bool:
        # A timestamp may lie 300 s ahead, so a request can come again for twice the window.
        self._seen = {known: until for known, until in self._seen.items() if until > now_ms}
        if nonce in self._seen:
            return False
        self._seen[nonce] = now_ms + 2 * WINDOW_MS
        return True
