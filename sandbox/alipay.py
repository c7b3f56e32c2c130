"""Alipay's open-platform gateway: RSA2 both ways, one-use auth codes, and its two ways of saying no.

A login that a test can make up: the auth code `ali:<name>` is the person <name>, always with the same user
id; `ali:<name>:<anything>` is the same person's further logins, because a code works once.
"""

import base64
import binascii
import hashlib
import json
import re
import secrets
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from tornado.httputil import HTTPServerRequest

from sandbox.alipay_messages import MessageRefused, TemplateMessages
from sandbox.config import Alipay, ConfigError
from sandbox.service import Answer, Clock, Route

AUTH_CODE = re.compile(r"ali:([^:]+)(?::.*)?")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
REQUIRED = ("app_id", "method", "sign_type", "sign", "timestamp", "version")
ACCESS_LIFETIME_S = 1_296_000
REFRESH_LIFETIME_S = 2_592_000

# sub_code → (code, msg, sub_msg), worded as the gateway words them.
REFUSALS = {
    "isv.invalid-app-id": ("40002", "Invalid Arguments", "无效的AppID参数"),
    "isv.invalid-method": ("40002", "Invalid Arguments", "不存在的方法名"),
    "isv.invalid-signature-type": ("40002", "Invalid Arguments", "无效的签名类型"),
    "isv.invalid-timestamp": ("40002", "Invalid Arguments", "非法的时间戳参数"),
    "isv.invalid-signature": (
        "40002",
        "Invalid Arguments",
        "验签出错，建议检查签名字符串或签名私钥与应用公钥是否匹配",
    ),
    "isv.code-invalid": ("40002", "Invalid Arguments", "授权码code无效"),
    "isv.refresh-token-invalid": ("40002", "Invalid Arguments", "刷新令牌refresh_token无效"),
    "isv.grant-type-invalid": ("40002", "Invalid Arguments", "授权类型grant_type无效"),
    "aop.invalid-auth-token": ("20001", "Insufficient Token Permissions", "无效的访问令牌"),
    "aop.auth-token-time-out": ("20001", "Insufficient Token Permissions", "访问令牌已过期"),
}


def user_id_of(app_id: str, name: str) -> str:
    """The user id Alipay gives the app for <name>: 2088 and twelve digits, the same for ever."""
    digest = hashlib.sha256(f"{app_id}/{name}".encode()).digest()
    return f"2088{int.from_bytes(digest[:8], 'big') % 10**12:012d}"


class _Refused(Exception):
    def __init__(self, sub_code: str) -> None:
        super().__init__(sub_code)
        self.sub_code = sub_code


class AlipayGateway:
    """One app's view of the gateway. Raises ConfigError when a key is not an RSA key in PEM."""

    def __init__(self, config: Alipay, now: Clock) -> None:
        self._app_id = config.app_id
        self._app_key, self._own_key = _load_keys(config)
        self._now = now
        self._used_codes: set[str] = set()
        self._access: dict[str, tuple[str, float]] = {}
        self._refresh: dict[str, tuple[str, float]] = {}
        self._messages = TemplateMessages(now)

    def routes(self) -> list[Route]:
        """The one path of the gateway, and two doors of ours: the messages sent, and a prompt accepted."""
        work = {"GET": self._answer_request, "POST": self._answer_request}
        return [Route(r"/alipay/gateway\.do", work, door="alipay"), *self._messages.routes()]

    def _answer_request(self, request: HTTPServerRequest) -> Answer:
        params = _params(request)
        method = params.get("method", "")
        calls = {
            "alipay.system.oauth.token": self._exchange_code,
            "alipay.user.info.share": self._share_user,
            "alipay.open.app.mini.templatemessage.send": self._messages.send,
        }
        try:
            self._require_signed(params)
            if method not in calls:
                raise _Refused("isv.invalid-method")
            content = calls[method](params)
        except _Refused as refused:
            # A call that fails after it was understood answers under its own name, an OAuth call never does.
            inside = method in calls and refused.sub_code.startswith("aop.")
            return self._signed(method if inside else None, _refusal(refused.sub_code))
        except MessageRefused as refused:
            return self._signed(method, refused.content)
        return self._signed(method, content)

    def _require_signed(self, params: dict[str, str]) -> None:
        for name in REQUIRED:
            if not params.get(name):
                missing = {"sign": "signature", "sign_type": "signature-type"}.get(
                    name, name.replace("_", "-")
                )
                raise _Refused(f"isv.missing-{missing}")
        if params["app_id"] != self._app_id:
            raise _Refused("isv.invalid-app-id")
        if params["sign_type"] != "RSA2":
            raise _Refused("isv.invalid-signature-type")
        if not TIMESTAMP.fullmatch(params["timestamp"]):
            raise _Refused("isv.invalid-timestamp")
        signed = {name: value for name, value in params.items() if name != "sign" and value != ""}
        text = "&".join(f"{name}={value}" for name, value in sorted(signed.items()))
        try:
            signature = base64.b64decode(params["sign"], validate=True)
            self._app_key.verify(signature, text.encode(), padding.PKCS1v15(), hashes.SHA256())
        except (binascii.Error, InvalidSignature):
            raise _Refused("isv.invalid-signature") from None

    def _exchange_code(self, params: dict[str, str]) -> dict[str, Any]:
        """alipay.system.oauth.token: an auth code, or a refresh token, for an access token."""
        grant_type = params.get("grant_type")
        if grant_type == "authorization_code":
            code = params.get("code", "")
            match = AUTH_CODE.fullmatch(code)
            if match is None or code in self._used_codes:
                raise _Refused("isv.code-invalid")
            self._used_codes.add(code)
            return self._new_tokens(user_id_of(self._app_id, match[1]))
        if grant_type == "refresh_token":
            user_id, until = self._refresh.pop(params.get("refresh_token", ""), ("", 0.0))
            if until <= self._now():
                raise _Refused("isv.refresh-token-invalid")
            return self._new_tokens(user_id)
        raise _Refused("isv.grant-type-invalid")

    def _new_tokens(self, user_id: str) -> dict[str, Any]:
        access, refresh = f"auth{secrets.token_hex(16)}", f"ref{secrets.token_hex(16)}"
        self._access[access] = (user_id, self._now() + ACCESS_LIFETIME_S)
        self._refresh[refresh] = (user_id, self._now() + REFRESH_LIFETIME_S)
        beijing = datetime.fromtimestamp(self._now() + 8 * 3600, UTC)
        return {
            "access_token": access,
            "auth_start": beijing.strftime("%Y-%m-%d %H:%M:%S"),
            "expires_in": ACCESS_LIFETIME_S,
            "re_expires_in": REFRESH_LIFETIME_S,
            "refresh_token": refresh,
            "user_id": user_id,
        }

    def _share_user(self, params: dict[str, str]) -> dict[str, Any]:
        """alipay.user.info.share: who the access token stands for."""
        user_id, until = self._access.get(params.get("auth_token", ""), ("", 0.0))
        if not user_id:
            raise _Refused("aop.invalid-auth-token")
        if until <= self._now():
            raise _Refused("aop.auth-token-time-out")
        return {"code": "10000", "msg": "Success", "user_id": user_id}

    def _signed(self, method: str | None, content: dict[str, Any]) -> Answer:
        name = "error_response" if method is None else method.replace(".", "_") + "_response"
        # The signature covers the very characters between the braces, so the text is made once.
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        signature = self._own_key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        body = f'{{"{name}":{text},"sign":"{base64.b64encode(signature).decode()}"}}'
        return Answer(body.encode(), content_type="text/html;charset=utf-8")


def _refusal(sub_code: str) -> dict[str, str]:
    missing = ("40001", "Missing Required Arguments", "缺少必选参数")
    code, message, sub_message = REFUSALS.get(sub_code, missing)
    return {"code": code, "msg": message, "sub_code": sub_code, "sub_msg": sub_message}


def _params(request: HTTPServerRequest) -> dict[str, str]:
    body = request.body.decode("utf-8", "replace") if request.method == "POST" else ""
    return dict(parse_qsl(f"{request.query}&{body}", keep_blank_values=True))


def _load_keys(config: Alipay) -> tuple[rsa.RSAPublicKey, rsa.RSAPrivateKey]:
    try:
        public = serialization.load_pem_public_key(config.app_public_key_pem.encode())
        private = serialization.load_pem_private_key(config.alipay_private_key_pem.encode(), password=None)
    except ValueError:
        raise ConfigError("The sandbox's settings are wrong at alipay: a key is not PEM.") from None
    if not isinstance(public, rsa.RSAPublicKey) or not isinstance(private, rsa.RSAPrivateKey):
        raise ConfigError("The sandbox's settings are wrong at alipay: a key is not an RSA key.")
    return public, private
