"""Just enough of a platform to answer a partner: opens sessions, verifies, signs, and lies when told to.

Written apart from sandbox/partner_client.py, line by line from the protocol, so that each checks the other.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import gmssl_pyx
from tornado.web import Application, RequestHandler

PERSON = {
    "name": "古丽娜尔·艾山",
    "gender": "female",
    "birthday": "1953-02-01",
    "id_type": "01",
    "id_no_masked": "9901**********4520",
    "phone_masked": "199****1234",
    "person_id": "p-1",
}


def sm3(data: bytes) -> str:
    return hashlib.new("sm3", data).hexdigest()


def integers_of(der: bytes) -> list[bytes]:
    """The INTEGERs and OCTET STRINGs of a short DER sequence, in order."""
    at = 3 if der[1] == 0x81 else 2
    values = []
    while at < len(der):
        length = der[at + 1]
        values.append(der[at + 2 : at + 2 + length])
        at += 2 + length
    return values


def fixed(integer: bytes) -> bytes:
    return integer.lstrip(b"\0").rjust(32, b"\0")


class TinyPlatform:
    """Its keys, its sessions, and the switches a test turns."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.public_key, self._private_key = gmssl_pyx.sm2_key_generate()
        self.partner_public_key, self.partner_private_key = gmssl_pyx.sm2_key_generate()
        self.sessions: dict[str, bytes] = {}
        self.asked: list[dict[str, Any]] = []
        self.kept: dict[str, tuple[int, dict[str, Any]]] = {}
        self.answers_to_lose = 0
        self.opened = 0
        self.session_lifetime_s = 28_800
        self.alter: Callable[[dict[str, str], bytes], bytes] | None = None
        self.sign_unknown = True

    def app(self) -> Application:
        return Application([(r"/partner/v1/(sessions|verifications)", _Handler, {"platform": self})])

    def hospital(self, api: str) -> dict[str, Any]:
        """The sandbox's `hospital` setting that belongs to this platform."""
        return {
            "api": api,
            "app_id": "hospital-a-his",
            "key_id": "k1",
            "private_key_hex": self.partner_private_key.hex(),
            "platform_public_key_hex": "04" + self.public_key.hex(),
            "terminal_id": "T-0101",
            "institution_name": "云溪市第一人民医院",
            "terminal_name": "门诊收费窗口 3 号",
        }

    def open(self) -> tuple[int, dict[str, Any]]:
        session_id, key = f"s-{secrets.token_hex(4)}", secrets.token_bytes(32)
        self.sessions[session_id] = key
        self.opened += 1
        x, y, check, body = integers_of(gmssl_pyx.sm2_encrypt(self.partner_public_key, key))
        sealed = b"\x04" + fixed(x) + fixed(y) + check + body
        ends = datetime.fromtimestamp(self.now() + self.session_lifetime_s, UTC)
        return 201, {
            "session_id": session_id,
            "expires_at": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "key": base64.b64encode(sealed).decode(),
        }

    def verify(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.asked.append(asked)
        if asked["code"] == "expired":
            error = {"code": "code.expired", "message": "the code has expired", "detail": {}}
            return 422, {"error": error, "request_id": "r-1"}
        return 200, {
            "verification_id": "v-1",
            "card": {"card_id": "c-1", "status": "active"},
            "person": PERSON,
            "is_dynamic": asked["code"] != "static",
            "issuer": "0000A0001",
            "verified_at": "2026-09-21T14:13:20Z",
        }

    def sign(self, text: bytes) -> bytes:
        der = gmssl_pyx.sm2_sign(self._private_key, self.public_key, text)
        return b"".join(fixed(value) for value in integers_of(der))


def der_of(signature: bytes) -> bytes:
    values = b""
    for part in (signature[:32], signature[32:]):
        value = part.lstrip(b"\0")
        value = b"\0" + value if value[0] & 0x80 else value
        values += bytes([2, len(value)]) + value
    return bytes([0x30, len(values)]) + values


class _Handler(RequestHandler):
    def initialize(self, platform: TinyPlatform) -> None:
        self.platform = platform

    def post(self, call: str) -> None:
        head = self.request.headers
        lines = ["POST", self.request.path, "", sm3(self.request.body)]
        lines += [head[name] for name in ("X-App-Id", "X-Key-Id", "X-Timestamp", "X-Nonce")]
        text = "".join(line + "\n" for line in lines).encode()
        signature = base64.b64decode(head["X-Signature"])
        key = self.platform.sessions.get(head["X-Key-Id"])
        if head["X-Sign-Type"] == "SM2":
            known = head["X-Key-Id"] == "k1"
            is_right = known and gmssl_pyx.sm2_verify(
                self.platform.partner_public_key, text, der_of(signature)
            )
        else:
            is_right = key is not None and hmac.compare_digest(hmac.new(key, text, "sm3").digest(), signature)
        if not is_right:
            refusal = {"error": {"code": "partner.unauthenticated", "message": "", "detail": {}}}
            self.answer(401, refusal, None if self.platform.sign_unknown else b"")
        elif call == "sessions":
            self.answer(*self.platform.open(), None)
        else:
            kept = self.platform.kept
            again = head.get("Idempotency-Key") or secrets.token_hex(4)
            if again not in kept:
                kept[again] = self.platform.verify(json.loads(self.request.body))
            if self.platform.answers_to_lose:
                self.platform.answers_to_lose -= 1
                self.detach().close()
            else:
                self.answer(*kept[again], key)

    def answer(self, status: int, value: dict[str, Any], key: bytes | None) -> None:
        body = json.dumps(value, ensure_ascii=False).encode()
        nonce, timestamp = self.request.headers["X-Nonce"], str(int(self.platform.now() * 1000))
        text = f"{status}\n{sm3(body)}\n{timestamp}\n{nonce}\n".encode()
        signature = hmac.new(key, text, "sm3").digest() if key else self.platform.sign(text)
        headers = {"X-Timestamp": timestamp, "X-Nonce": nonce}
        if key != b"":
            headers["X-Signature"] = base64.b64encode(signature).decode()
        if self.platform.alter is not None and "verifications" in self.request.path:
            body = self.platform.alter(headers, body)
        self.set_status(status)
        for name, header in headers.items():
            self.set_header(name, header)
        self.finish(body)
