"""Hospital software as it is out there, written from the wire formats (docs/dialects.md) and from nothing of
the platform: SM4 is the pure-Python gmssl's, the digests are hashlib's."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from gmssl.sm4 import SM4_DECRYPT, SM4_ENCRYPT, CryptSM4

from tests.harness import APP_ID, TERMINAL_ID, Platform

BUSINESS = "/erhc/ehealthcard/business.do"
OPEN = "/rest/auth/HealthCard/HealthOpenPlatform/ISVOpenObj/"
TOKEN = "/rest/auth/HealthCard/HealthOpenAuth/AuthObj/getAppToken"
EHC_SECRET, TENCENT_SECRET = "0123456789ABCDEF", "APPSECRET-OF-A-TEST"
HOSPITAL_ID = "30001"


def sm4(mode: int, secret: str, data: bytes) -> bytes:
    cipher = CryptSM4()
    cipher.set_key(secret.encode(), mode)
    done: bytes = cipher.crypt_ecb(data)
    return done


@dataclass
class EhcSoftware:
    platform: Platform
    rule: str = "plaintext"
    encoding: str = "hex"
    secret: str = EHC_SECRET
    app_id: str = APP_ID
    upper: bool = False

    def seal(self, plain: str) -> str:
        sealed = sm4(SM4_ENCRYPT, self.secret, plain.encode())
        return sealed.hex() if self.encoding == "hex" else base64.b64encode(sealed).decode()

    def open(self, sent: str) -> str:
        sealed = bytes.fromhex(sent) if self.encoding == "hex" else base64.b64decode(sent)
        return sm4(SM4_DECRYPT, self.secret, sealed).decode()

    def digest(self, fields: dict[str, str], plain: str) -> str:
        told = {**fields, "biz_content": plain} if self.rule == "plaintext" else fields
        joined = "&".join(f"{name}={told[name]}" for name in sorted(told) if name != "digest")
        joined += f"&app_secret={self.secret}" if self.rule == "plaintext" else self.secret
        digest = hashlib.new("sm3", joined.encode()).hexdigest()
        return digest.upper() if self.upper else digest

    def envelope(self, method: str, content: Any, **changes: str) -> dict[str, str]:
        plain = json.dumps(content, ensure_ascii=False)
        fields = {
            "app_id": self.app_id,
            "biz_content": self.seal(plain),
            "digest_type": "SM3",
            "enc_type": "SM4",
            "method": method,
            "term_id": TERMINAL_ID,
            "timestamp": str(round(self.platform.clock.now().timestamp() * 1000)),
            "version": "X.M.0.1",
            **changes,
        }
        return {**fields, "digest": self.digest(fields, plain)}

    async def send(self, envelope: Any) -> dict[str, str]:
        """The reply as it came; always in the dialect's form."""
        self.platform.clock.advance(0.001)
        answer = await self.platform.http.post(BUSINESS, envelope)
        assert answer.status == 200, answer.body
        assert set(answer.json) == {"code", "msg", "biz_content", "digest"}
        told: dict[str, str] = answer.json
        return told

    async def call(self, method: str, content: Any, **changes: str) -> tuple[str, str, Any]:
        """(code, msg, content) of a reply whose digest is right."""
        told = await self.send(self.envelope(method, content, **changes))
        plain = self.open(told["biz_content"])
        told_digest = told.pop("digest")
        upper, self.upper = self.upper, False
        assert told_digest == self.digest(told, plain)
        self.upper = upper
        return told["code"], told["msg"].partition(":")[0], json.loads(plain)


@dataclass
class TencentSoftware:
    platform: Platform
    secret: str = TENCENT_SECRET
    token: str = ""
    hospital_id: str = HOSPITAL_ID
    sent: list[dict[str, Any]] = field(default_factory=list)

    def question(self, content: dict[str, Any], **changes: Any) -> dict[str, Any]:
        common = {
            "appToken": self.token,
            "requestId": secrets.token_hex(16).upper(),
            "hospitalId": self.hospital_id,
            "timestamp": str(int(self.platform.clock.now().timestamp())),
            "channelNum": "0",
            **changes,
        }
        return {"commonIn": {**common, "sign": self.sign(common, content)}, "req": content}

    def sign(self, common: dict[str, Any], content: dict[str, Any]) -> str:
        told = []
        for name, value in sorted({**common, **content}.items()):
            is_list = isinstance(value, list | dict)
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":")) if is_list else str(value)
            if text:
                told.append(f"{name}={text}")
        return base64.b64encode(hashlib.sha256(("&".join(told) + self.secret).encode()).digest()).decode()

    async def send(self, path: str, question: Any) -> tuple[int, str, Any]:
        """(resultCode, the stable code, rsp)."""
        answer = await self.platform.http.post(path, question)
        assert answer.status == 200, answer.body
        assert set(answer.json) == {"commonOut", "rsp"}
        out = answer.json["commonOut"]
        assert set(out) == {"requestId", "resultCode", "errMsg"}
        return out["resultCode"], out["errMsg"].partition(":")[0], answer.json["rsp"]

    async def sign_in(self) -> None:
        code, message, told = await self.send(TOKEN, self.question({"appId": APP_ID}))
        assert (code, told["expiresIn"]) == (0, 7200), message
        self.token = told["appToken"]

    async def call(self, name: str, content: dict[str, Any], **changes: Any) -> tuple[int, str, Any]:
        return await self.send(OPEN + name, self.question(content, **changes))


async def switch_on(platform: Platform, name: str, **settings: Any) -> None:
    """As staff does it, over HTTP."""
    given = {
        "terminal_id": TERMINAL_ID,
        "clerk_id": "c-0042",
        "app_secret": EHC_SECRET if name == "ehc" else TENCENT_SECRET,
        **({"hospital_id": HOSPITAL_ID} if name == "tencent" else {}),
        **settings,
    }
    token = await platform.staff("partners.review")
    path = f"/staff/v1/partners/{APP_ID}/dialects/{name}"
    answer = await platform.http.send("PUT", path, given, token=token)
    assert answer.status == 200, answer.body
