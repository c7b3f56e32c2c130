"""The envelope of the Tencent style: what is signed, byte for byte (docs/dialects.md).  Pure."""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.core.crypto.hashes import equal_in_constant_time
from server.core.errors import Malformed
from server.partners.dialects.envelopes import as_json, read_object

_SHAPES = {
    "appToken": r"[A-Za-z0-9_-]{0,100}",
    "requestId": r"[A-Za-z0-9_-]{1,64}",
    "hospitalId": r"[A-Za-z0-9._-]{1,64}",
    "timestamp": r"[0-9]{10}",
    "channelNum": r"[0-9]{0,4}",
    "sign": r"[A-Za-z0-9+/]{43}=",
}


@dataclass(frozen=True)
class Question:
    """A call as it came; nothing is proven yet."""

    common: Mapping[str, str]
    request: Mapping[str, Any]

    @property
    def token(self) -> str:
        return self.common["appToken"]

    @property
    def sign(self) -> str:
        return self.common["sign"]


def read_question(raw: bytes) -> Question:
    """Malformed `request.not_json`, or `request.invalid` with detail.fields.  Fields of `commonIn` that are
    not known are signed like the others."""
    given = read_object(raw)
    common, request = given.get("commonIn"), given.get("req", {})
    if not isinstance(common, dict) or not isinstance(request, dict):
        raise Malformed("request.invalid", "a call has commonIn and req", fields=["commonIn", "req"])
    texts = {name: _as_text(value) for name, value in common.items()}
    wrong = [
        name for name, shape in _SHAPES.items() if not re.fullmatch(shape, texts.get(name, ""), re.ASCII)
    ]
    if wrong:
        raise Malformed("request.invalid", "commonIn is not what this dialect sends", fields=sorted(wrong))
    return Question({**dict.fromkeys(_SHAPES, ""), **texts}, request)


def request_id_of(raw: bytes) -> str:
    """The request's id, to be repeated in a refusal; empty when it cannot be read."""
    try:
        common = read_object(raw).get("commonIn")
    except Malformed:
        return ""
    given = _as_text(common.get("requestId")) if isinstance(common, dict) else ""
    return given if re.fullmatch(_SHAPES["requestId"], given, re.ASCII) else ""


def string_to_sign(question: Question, secret: str) -> str:
    """All fields of both objects but `sign`, by name; empty ones dropped, lists and objects as JSON."""
    fields = {**{name: _as_text(value) for name, value in question.request.items()}, **question.common}
    fields.pop("sign", None)
    joined = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if fields[name] != "")
    return joined + secret


def sign_of(question: Question, secret: str) -> str:
    return base64.b64encode(hashlib.sha256(string_to_sign(question, secret).encode()).digest()).decode()


def is_signed(question: Question, secret: str) -> bool:
    return equal_in_constant_time(question.sign.encode(), sign_of(question, secret).encode())


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return as_json(value) if isinstance(value, list | dict) else str(value)


def reply_of(request_id: str, code: int, message: str, content: Any) -> dict[str, Any]:
    return {
        "commonOut": {"requestId": request_id, "resultCode": code, "errMsg": message},
        "rsp": content,
    }
