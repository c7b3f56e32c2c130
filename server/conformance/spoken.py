"""Existing hospital software, as small as it gets: the envelopes of both dialects, to be spoiled."""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from server.conformance.case import Skipped
from server.conformance.client import Client, Failed

UNPROVEN = "partner.unauthenticated"
HOSTILE = (b"", b"[]", b"\xff\xfe", b"{" * 2000, b'{"commonIn":[]}', b'{"app_id":{}}')
BUSINESS = "/erhc/ehealthcard/business.do"
TENCENT = "/rest/auth/HealthCard"
Content = Mapping[str, Any] | Sequence[Mapping[str, Any]]


def must_be(refused: str | None, expected: str | None) -> None:
    """`refused`: the stable code of a refusal, or None; Failed when it is another one."""
    if refused != expected:
        raise Failed(f"expected {expected or 'success'}, was answered {refused or 'success'}")


def allowed(answer: tuple[str | None, Any]) -> Any:
    """The content of a success.  Skipped when the app was not admitted to the call; Failed for another
    refusal."""
    refused, told = answer
    if refused == "scope.missing":
        raise Skipped("the app lacks the scope of a call")
    must_be(refused, None)
    return told


@dataclass(frozen=True)
class EhcSpeaker:
    client: Client
    app: Mapping[str, str]

    def _cipher(self) -> "Cipher[modes.ECB]":
        return Cipher(algorithms.SM4(self.app["app_secret"].encode()), modes.ECB())  # nosec: the dialect's

    def _sealed(self, text: str) -> str:
        padder, encryptor = padding.PKCS7(128).padder(), self._cipher().encryptor()
        padded = padder.update(text.encode()) + padder.finalize()
        sealed = encryptor.update(padded) + encryptor.finalize()
        return sealed.hex() if self.app["encoding"] == "hex" else base64.b64encode(sealed).decode()

    def _opened(self, sent: str) -> str:
        unpadder, decryptor = padding.PKCS7(128).unpadder(), self._cipher().decryptor()
        try:
            sealed = bytes.fromhex(sent) if self.app["encoding"] == "hex" else base64.b64decode(sent)
            padded = decryptor.update(sealed) + decryptor.finalize()
            return (unpadder.update(padded) + unpadder.finalize()).decode()
        except ValueError:
            raise Failed("the reply's content cannot be decrypted") from None

    def _digest(self, fields: Mapping[str, str], plain: str) -> str:
        is_plain = self.app["digest_rule"] == "plaintext"
        told = {**fields, "biz_content": plain} if is_plain else fields
        joined = "&".join(f"{name}={told[name]}" for name in sorted(told))
        joined += f"&app_secret={self.app['app_secret']}" if is_plain else self.app["app_secret"]
        return hashlib.new("sm3", joined.encode()).hexdigest()

    def envelope(self, method: str, content: Content, away_ms: int = 0) -> dict[str, str]:
        # A name nobody knows makes each call another one: there is no nonce, and two of one millisecond
        # would be a replay.
        call_no = {"call_no": secrets.token_hex(8)}
        told = (
            {**content, **call_no}
            if isinstance(content, Mapping)
            else [{**row, **call_no} for row in content]
        )
        plain = json.dumps(told, ensure_ascii=False)
        fields = {
            "app_id": self.app["app_id"],
            "biz_content": self._sealed(plain),
            "digest_type": "SM3",
            "enc_type": "SM4",
            "method": method,
            "term_id": self.app["terminal_id"],
            "timestamp": str(self.client.now_ms() + away_ms),
            "version": "X.M.0.1",
        }
        return {**fields, "digest": self._digest(fields, plain)}

    async def send(self, envelope: Any) -> dict[str, str]:
        raw = envelope if isinstance(envelope, bytes) else json.dumps(envelope).encode()
        answer = await self.client.web.send("POST", BUSINESS, raw)
        if set(answer.json) != {"code", "msg", "biz_content", "digest"}:
            raise Failed(f"{answer.status} is not answered in the dialect's form")
        return answer.json

    async def call(self, method: str, content: Content) -> tuple[str | None, Any]:
        """(None or the stable code of the refusal, the content) of a proven reply."""
        told = await self.send(self.envelope(method, content))
        if told["digest"] == "":
            return told["msg"].partition(":")[0], {}
        plain = self._opened(told["biz_content"])
        if told.pop("digest").lower() != self._digest(told, plain):
            raise Failed("the reply's digest is not right")
        refused = None if told["code"] == self.app["success_code"] else told["msg"].partition(":")[0]
        return refused, json.loads(plain)


@dataclass(frozen=True)
class TencentSpeaker:
    client: Client
    app: Mapping[str, str]
    token: str = ""

    def question(self, content: Mapping[str, Any], away_s: int = 0) -> dict[str, Any]:
        common = {
            "appToken": self.token,
            "requestId": secrets.token_hex(16),
            "hospitalId": self.app["hospital_id"],
            "timestamp": str(self.client.now_ms() // 1000 + away_s),
            "channelNum": "0",
        }
        told = []
        for name, value in sorted({**common, **content}.items()):
            is_json = isinstance(value, list | dict)
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":")) if is_json else str(value)
            if text:
                told.append(f"{name}={text}")
        text = "&".join(told) + self.app["app_secret"]
        sign = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        return {"commonIn": {**common, "sign": sign}, "req": dict(content)}

    async def send(self, path: str, question: Any) -> tuple[str | None, Any]:
        """(None or the stable code of the refusal, rsp)."""
        raw = question if isinstance(question, bytes) else json.dumps(question).encode()
        answer = await self.client.web.send("POST", TENCENT + path, raw)
        if set(answer.json) != {"commonOut", "rsp"}:
            raise Failed(f"{answer.status} is not answered in the dialect's form")
        out = answer.json["commonOut"]
        return None if out["resultCode"] == 0 else out["errMsg"].partition(":")[0], answer.json["rsp"]

    async def call(self, name: str, content: Mapping[str, Any]) -> tuple[str | None, Any]:
        return await self.send(f"/HealthOpenPlatform/ISVOpenObj/{name}", self.question(content))
