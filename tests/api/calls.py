"""A partner's call signed by hand, so that a test can spoil any part of it; and a second process."""

import base64
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from handlers.routes import application
from sandbox import sm2
from sandbox.partner_client import TerminalSession, hmac_sm3, reply_string, request_string
from server import app as composition
from tests.harness import APP_ID, PAIR, TERMINAL_ID, Answer, Http, Platform, listening

VERIFICATIONS = "/partner/v1/verifications"


def scan_body(code: str, **changes: Any) -> bytes:
    body = {"code": code, "scene": "010101", "terminal_id": TERMINAL_ID, **changes}
    return json.dumps(body, ensure_ascii=False).encode()


@dataclass(frozen=True)
class SignedCall:
    """What is signed; `headers` signs it, `send` sends it with whatever was changed after signing."""

    at_ms: int
    body: bytes = b""
    method: str = "POST"
    path: str = VERIFICATIONS
    query: str = ""
    app_id: str = APP_ID
    key_id: str = "k1"
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))
    private: bytes = PAIR.private
    session: TerminalSession | None = None

    @property
    def sent_key_id(self) -> str:
        return self.session.session_id if self.session else self.key_id

    def text(self) -> bytes:
        return request_string(
            self.method,
            self.path,
            self.query,
            self.body,
            self.app_id,
            self.sent_key_id,
            str(self.at_ms),
            self.nonce,
        )

    def signature(self) -> bytes:
        if self.session:
            return hmac_sm3(self.session.key, self.text())
        return sm2.sign(self.private, sm2.public_key_of(self.private), self.text())

    def headers(self, **changes: str | None) -> dict[str, str]:
        """The signed headers; `X_Nonce="…"` puts another value in the place, None leaves the header out."""
        signed: dict[str, str | None] = {
            "X-App-Id": self.app_id,
            "X-Key-Id": self.sent_key_id,
            "X-Timestamp": str(self.at_ms),
            "X-Nonce": self.nonce,
            "X-Sign-Type": "HMAC-SM3" if self.session else "SM2",
            "X-Signature": base64.b64encode(self.signature()).decode(),
            **{name.replace("_", "-"): value for name, value in changes.items()},
        }
        return {name: value for name, value in signed.items() if value is not None}

    async def send(self, http: Http, headers: dict[str, str] | None = None) -> Answer:
        target = self.path + (f"?{self.query}" if self.query else "")
        raw = self.body if self.method not in ("GET", "DELETE") else None
        return await http.send(self.method, target, raw=raw, headers=headers or self.headers())

    def again(self, **changes: Any) -> "SignedCall":
        """The same call with a nonce of its own."""
        return replace(self, **{"nonce": secrets.token_hex(16), **changes})


def call(platform: Platform, body: bytes = b"", **more: Any) -> SignedCall:
    return SignedCall(round(platform.clock.now().timestamp() * 1000), body, **more)


def is_signed_by_platform(platform: Platform, sent: SignedCall, answer: Answer) -> bool:
    """Whether the answer proves itself, to this very call."""
    headers = answer.headers
    signature = base64.b64decode(headers.get("X-Signature", ""))
    text = reply_string(answer.status, answer.body, headers.get("X-Timestamp", ""), sent.nonce)
    if headers.get("X-Nonce") != sent.nonce:
        return False
    if sent.session:
        return hmac_sm3(sent.session.key, text) == signature
    return sm2.verify(platform.app.seals.platform_public_key()[1:], text, signature)


@asynccontextmanager
async def another_process(platform: Platform) -> AsyncIterator[Platform]:
    """A second platform on the same database, with nothing in memory that the first one knows."""
    app = await composition.build(platform.settings, platform.clock)
    async with listening(application(app.services)) as url:
        other = Platform(app, platform.clock, Http(url), platform.sandbox_url, platform.settings)
        try:
            yield other
        finally:
            other.http.close()
            await app.stop()
