"""An independent client of the partner API, written from its document alone (docs: Partner API, section 2).

It is what a hospital's programmer would write. It shares no line with the platform, so a mistake in how the
platform signs or checks shows here.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse

from sandbox import sm2
from sandbox.service import Clock

WINDOW_S = 300
UNRESERVED = "-._~"


class PartnerApiError(Exception):
    """No trustworthy answer to a request. The parent of the four below."""


class Unreachable(PartnerApiError):
    """No answer came, or one from something that stands before the platform."""


class ReplyForged(PartnerApiError):
    """An answer came, and its signature is missing or wrong: nothing in it may be believed."""


class Unauthenticated(PartnerApiError):
    """401: the platform does not accept the key, the session or the signature, and says no more."""


class SessionRefused(PartnerApiError):
    """The platform refused to open a session, with its status and error code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Reply:
    """An answer whose signature was right."""

    status: int
    body: dict[str, Any]

    @property
    def error(self) -> tuple[str, str] | None:
        """(code, message) of a refusal, or None."""
        error = self.body.get("error")
        if self.status < 400 and error is None:
            return None
        fields = error if isinstance(error, dict) else {}
        return str(fields.get("code", f"http.{self.status}")), str(fields.get("message", ""))


@dataclass(frozen=True)
class TerminalSession:
    """A terminal's session; `key` signs with HMAC-SM3 until `expires_at` (seconds since the epoch)."""

    session_id: str
    expires_at: float
    key: bytes = field(repr=False)


def sm3_hex(data: bytes) -> str:
    """The SM3 digest, 64 lower-case hex digits."""
    return hashlib.new("sm3", data).hexdigest()


def canonical_query(query: str) -> str:
    """The query as it is signed: decoded, encoded anew (RFC 3986, upper-case hex), sorted bytewise."""
    pairs = (part.partition("=") for part in query.split("&") if part)
    encoded = (f"{_encode(unquote(name))}={_encode(unquote(value))}" for name, _, value in pairs)
    return "&".join(sorted(encoded))


def request_string(
    method: str, path: str, query: str, body: bytes, app_id: str, key_id: str, timestamp: str, nonce: str
) -> bytes:
    """What a request's signature covers: eight lines, each ended by a line feed."""
    lines = (method, path, canonical_query(query), sm3_hex(body), app_id, key_id, timestamp, nonce)
    return "".join(f"{line}\n" for line in lines).encode()


def reply_string(status: int, body: bytes, timestamp: str, nonce: str) -> bytes:
    """What a reply's signature covers."""
    return f"{status}\n{sm3_hex(body)}\n{timestamp}\n{nonce}\n".encode()


def hmac_sm3(key: bytes, message: bytes) -> bytes:
    """HMAC with SM3, 32 bytes."""
    return hmac.new(key, message, "sm3").digest()


class PartnerClient:
    """Signs requests for one app and believes only signed answers.

    `key_id` names the app's registered SM2 key; keys are hex (private 32 bytes, public 04‖x‖y).
    """

    def __init__(
        self,
        *,
        api: str,
        app_id: str,
        key_id: str,
        private_key_hex: str,
        platform_public_key_hex: str,
        now: Clock = time.time,
        timeout_s: float = 10,
    ) -> None:
        self._api = api.rstrip("/")
        self._app_id = app_id
        self._key_id = key_id
        self._private_key = bytes.fromhex(private_key_hex)
        self._public_key = sm2.public_key_of(self._private_key)
        self._platform_key = bytes.fromhex(platform_public_key_hex)[1:]
        self._now = now
        self._timeout_s = timeout_s

    async def open_session(self, terminal_id: str) -> TerminalSession:
        """A new session for the terminal, its key decrypted. Raises ReplyForged if the key is not for us."""
        reply = await self.call("POST", "/partner/v1/sessions", {"terminal_id": terminal_id})
        if reply.error:
            code, message = reply.error
            raise SessionRefused(reply.status, code, message)
        try:
            key = sm2.decrypt(self._private_key, base64.b64decode(reply.body["key"], validate=True))
            expires_at = datetime.fromisoformat(reply.body["expires_at"]).timestamp()
            return TerminalSession(str(reply.body["session_id"]), expires_at, key)
        except (KeyError, TypeError, ValueError) as error:
            raise ReplyForged("the session in the answer cannot be used") from error

    async def call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        query: Sequence[tuple[str, str]] = (),
        session: TerminalSession | None = None,
        idempotency_key: str | None = None,
    ) -> Reply:
        """One signed request: with the session's key if one is given, otherwise with the app's SM2 key.

        With the same `idempotency_key` and body it may be asked again and gets the first answer.
        """
        raw = b"" if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        sent_query = "&".join(f"{_encode(name)}={_encode(value)}" for name, value in query)
        url = f"{self._api}{path}" + (f"?{sent_query}" if sent_query else "")
        headers = self._sign(method, url, raw, session)
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        request = HTTPRequest(
            url,
            method,
            headers,
            raw if method in ("POST", "PUT", "PATCH") else None,
            connect_timeout=self._timeout_s,
            request_timeout=self._timeout_s,
            follow_redirects=False,
        )
        try:
            response = await AsyncHTTPClient().fetch(request, raise_error=False)
        except (HTTPClientError, OSError) as error:
            raise Unreachable(f"no answer from the platform: {type(error).__name__}") from error
        return self._believe(response, headers["X-Nonce"], session)

    def _sign(self, method: str, url: str, body: bytes, session: TerminalSession | None) -> dict[str, str]:
        parts = urlsplit(url)
        key_id = session.session_id if session else self._key_id
        timestamp, nonce = str(int(self._now() * 1000)), secrets.token_hex(16)
        text = request_string(method, parts.path, parts.query, body, self._app_id, key_id, timestamp, nonce)
        if session:
            signature = hmac_sm3(session.key, text)
        else:
            signature = sm2.sign(self._private_key, self._public_key, text)
        return {
            "Content-Type": "application/json",
            "X-App-Id": self._app_id,
            "X-Key-Id": key_id,
            "X-Timestamp": timestamp,
            "X-Nonce": nonce,
            "X-Sign-Type": "HMAC-SM3" if session else "SM2",
            "X-Signature": base64.b64encode(signature).decode(),
        }

    def _believe(self, response: HTTPResponse, nonce: str, session: TerminalSession | None) -> Reply:
        # A 401 comes before the platform knows who asks, so it may be unsigned; believing it is harmless.
        if response.code == 401:
            raise Unauthenticated("the platform does not accept our signature")
        if response.code == 599 or (response.code >= 500 and "X-Signature" not in response.headers):
            raise Unreachable(f"no answer from the platform: HTTP {response.code}")
        if not self._is_signed(response, nonce, session):
            raise ReplyForged("the answer is not signed by the platform")
        try:
            body = json.loads(response.body or b"{}")
        except ValueError as error:
            raise ReplyForged("the answer is signed, and is not JSON") from error
        return Reply(response.code, body if isinstance(body, dict) else {})

    def _is_signed(self, response: HTTPResponse, nonce: str, session: TerminalSession | None) -> bool:
        timestamp = response.headers.get("X-Timestamp", "")
        if response.headers.get("X-Nonce") != nonce or not timestamp.isdecimal():
            return False
        if abs(self._now() - int(timestamp) / 1000) > WINDOW_S:
            return False
        try:
            signature = base64.b64decode(response.headers.get("X-Signature", ""), validate=True)
        except binascii.Error:
            return False
        text = reply_string(response.code, response.body or b"", timestamp, nonce)
        if session and hmac.compare_digest(hmac_sm3(session.key, text), signature):
            return True
        return sm2.verify(self._platform_key, text, signature)


def _encode(text: str) -> str:
    return quote(text, safe=UNRESERVED)
