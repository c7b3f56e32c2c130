"""The signed call of docs/partner-api.md, any part of which can be spoiled."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta, timezone
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from server.conformance.credentials import Credentials, CredentialsUnusable
from server.core.clock import CITY_AHEAD_S, Clock, to_ms
from server.core.crypto.provider import choose_provider
from server.core.crypto.sm2 import DecryptionFailed, InvalidKey, Sm2PrivateKey

TIMEOUT_S = 30
CITY = timezone(timedelta(seconds=CITY_AHEAD_S))
WINDOW_MS = 300_000


class Failed(Exception):
    """What is wrong with an answer, in one phrase; never what personal data it holds."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @property
    def json(self) -> dict[str, Any]:
        try:
            read = json.loads(self.body)
        except ValueError:
            raise Failed(f"{self.status} with a body that is not JSON") from None
        if not isinstance(read, dict):
            raise Failed(f"{self.status} with a body that is no object")
        return read

    @property
    def code(self) -> str | None:
        """The code of a refusal; None when it is none."""
        try:
            error = self.json.get("error")
        except Failed:
            return None
        return str(error.get("code")) if isinstance(error, dict) else None

    def must_be(self, status: int, code: str | None = None) -> "Answer":
        """Itself; Failed when it is another one."""
        if (self.status, self.code) != (status, code):
            wanted, said = f"{status} {code or ''}".strip(), f"{self.status} {self.code or ''}".strip()
            raise Failed(f"expected {wanted}, was answered {said}")
        return self


class Web:
    """Plain HTTP; the address in front of every path."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise CredentialsUnusable("name the platform as http://… or https://…")
        self._url = url.rstrip("/")
        self._client = SimpleAsyncHTTPClient(force_instance=True, max_body_size=10_000_000)

    async def send(
        self, method: str, target: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """`target` is a path with its query, or a whole address.  Failed when there is no answer."""
        request = HTTPRequest(
            target if target.startswith("http") else self._url + target,
            method,
            {"Content-Type": "application/json", **(headers or {})},
            body,
            allow_nonstandard_methods=True,
            follow_redirects=False,
            request_timeout=TIMEOUT_S,
        )
        try:
            answer = await self._client.fetch(request, raise_error=False)
        except (HTTPClientError, OSError) as error:
            raise Failed(f"no answer: {type(error).__name__}") from None
        return Answer(answer.code, answer.body or b"", dict(answer.headers))

    async def ask(self, method: str, target: str, content: Any = None, token: str | None = None) -> Answer:
        """JSON, as a resident's page asks."""
        body = None if content is None else json.dumps(content).encode()
        return await self.send(method, target, body, {"Authorization": f"Bearer {token}"} if token else {})

    def close(self) -> None:
        self._client.close()


@dataclass(frozen=True)
class Session:
    """A terminal's session, as the platform opened it."""

    session_id: str
    key: bytes = field(repr=False)


PARTS = ("method", "path", "query", "body", "app_id", "key_id", "timestamp", "nonce")
Parts = dict[str, Any]


def string_to_sign(parts: Parts) -> bytes:
    lines = [
        parts["method"],
        parts["path"],
        canonical_query(parts["query"]),
        hashlib.new("sm3", parts["body"]).hexdigest(),
        *(parts[name] for name in PARTS[4:]),
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def canonical_query(query: str) -> str:
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return "&".join(sorted(f"{_encoded(name)}={_encoded(value)}" for name, _, value in pairs))


def _encoded(text: str) -> str:
    return quote(unquote(text), safe="-._~")


class Client:
    """Calls as the app, or in a session of one of its terminals; believes what is signed and nothing else."""

    def __init__(self, web: Web, known: Credentials, clock: Clock) -> None:
        self.web = web
        self.known = known.partner
        self.terminal_id = known.partner["terminal_id"]
        self._clock = clock
        self._sm2 = choose_provider()
        try:
            self._key = self._sm2.private_key(bytes.fromhex(self.known["private_key_hex"]))
            self._platform = self._sm2.public_key(bytes.fromhex(self.known["platform_public_key_hex"]))
        except (ValueError, InvalidKey):
            raise CredentialsUnusable("a key is no SM2 key in hex") from None

    def another_key(self) -> Sm2PrivateKey:
        return self._sm2.private_key(self._sm2.generate_key_pair().private)

    def now_ms(self) -> int:
        return to_ms(self._clock.now())

    def wall_time(self) -> str:
        """Now, as a clock in the city shows it: yyyy-MM-dd HH:mm:ss."""
        return f"{self._clock.now().astimezone(CITY):%Y-%m-%d %H:%M:%S}"

    def parts(
        self,
        method: str,
        path: str,
        content: Any = None,
        *,
        query: str = "",
        session: Session | None = None,
        away_ms: int = 0,
    ) -> Parts:
        """A call that is right in every part; bytes go as they are."""
        is_raw = isinstance(content, bytes)
        body = content if is_raw else b"" if content is None else json.dumps(content).encode()
        return {
            "method": method,
            "path": path,
            "query": query,
            "body": body,
            "app_id": self.known["app_id"],
            "key_id": self.known["key_id"] if session is None else session.session_id,
            "timestamp": str(self.now_ms() + away_ms),
            "nonce": secrets.token_hex(16),
        }

    def signature(self, parts: Parts, session: Session | None, key: Sm2PrivateKey | None = None) -> bytes:
        if session is not None:
            return hmac.digest(session.key, string_to_sign(parts), "sm3")
        return (key or self._key).sign(string_to_sign(parts))

    def headers(self, parts: Parts, signature: bytes, session: Session | None) -> dict[str, str]:
        return {
            "X-App-Id": parts["app_id"],
            "X-Key-Id": parts["key_id"],
            "X-Timestamp": parts["timestamp"],
            "X-Nonce": parts["nonce"],
            "X-Sign-Type": "SM2" if session is None else "HMAC-SM3",
            "X-Signature": base64.b64encode(signature).decode(),
        }

    async def send(self, parts: Parts, headers: Mapping[str, str]) -> Answer:
        query = f"?{parts['query']}" if parts["query"] else ""
        body = parts["body"] if parts["body"] or parts["method"] == "POST" else None
        return await self.web.send(parts["method"], parts["path"] + query, body, headers)

    async def call(
        self,
        method: str,
        path: str,
        content: Any = None,
        *,
        session: Session | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Answer:
        """The answer to a call that is right; Failed unless it proves itself to be to this very call."""
        parts = self.parts(method, path, content, session=session, **more)
        signed = self.headers(parts, self.signature(parts, session), session)
        answer = await self.send(parts, {**signed, **(headers or {})})
        self.require_proof(answer, parts, session)
        return answer

    def require_proof(self, answer: Answer, parts: Parts, session: Session | None) -> None:
        told = answer.headers
        timestamp = told.get("X-Timestamp", "")
        if told.get("X-Nonce") != parts["nonce"]:
            raise Failed(f"the reply ({answer.status}) is not to this call: X-Nonce")
        if not timestamp.isdecimal() or abs(int(timestamp) - self.now_ms()) > WINDOW_MS:
            raise Failed(f"the reply ({answer.status}) is of another time: X-Timestamp")
        digest = hashlib.new("sm3", answer.body).hexdigest()
        text = f"{answer.status}\n{digest}\n{timestamp}\n{parts['nonce']}\n".encode()
        try:
            signature = base64.b64decode(told.get("X-Signature", ""), validate=True)
        except ValueError:
            signature = b""
        if session is not None:
            is_right = hmac.compare_digest(hmac.digest(session.key, text, "sm3"), signature)
        else:
            is_right = self._platform.verify(text, signature)
        if not is_right:
            raise Failed(f"the reply's signature ({answer.status}) is not the platform's")

    async def open_session(self) -> Session:
        asked = {"terminal_id": self.terminal_id}
        told = (await self.call("POST", "/partner/v1/sessions", asked)).must_be(201).json
        try:
            key = self._key.decrypt(base64.b64decode(told["key"], validate=True))
            return Session(str(told["session_id"]), key)
        except (KeyError, TypeError, ValueError, DecryptionFailed):
            raise Failed("the session's key cannot be decrypted") from None
