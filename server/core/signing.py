"""The string that is signed, byte for byte (docs/partner-api.md, "Signing a call").  Pure."""

import base64
import binascii
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from server.core.crypto.hashes import sm3_hex

SIGN_TYPES = ("SM2", "HMAC-SM3")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_MILLISECONDS = re.compile(r"[0-9]{13}", re.ASCII)
_NONCE = re.compile(r"[0-9a-f]{32}", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/]{43,86}={1,2}", re.ASCII)


@dataclass(frozen=True)
class SignedRequest:
    """A call as it came: the six headers, and what they sign."""

    method: str
    path: str
    query: str
    body: bytes
    app_id: str
    key_id: str
    timestamp: str
    nonce: str
    sign_type: str
    signature: str

    def is_shaped(self) -> bool:
        return (
            _NAME.fullmatch(self.app_id) is not None
            and _NAME.fullmatch(self.key_id) is not None
            and _MILLISECONDS.fullmatch(self.timestamp) is not None
            and _NONCE.fullmatch(self.nonce) is not None
            and self.sign_type in SIGN_TYPES
            and _BASE64.fullmatch(self.signature) is not None
            and "+" not in self.query  # signed as a plus, and read as a space
        )

    def string_to_sign(self) -> bytes:
        lines = [
            self.method,
            self.path,
            canonical_query(self.query),
            sm3_hex(self.body),
            self.app_id,
            self.key_id,
            self.timestamp,
            self.nonce,
        ]
        return "".join(line + "\n" for line in lines).encode()


def encoded(signature: bytes) -> str:
    """As it stands in X-Signature."""
    return base64.b64encode(signature).decode()


def decoded_signature(text: str) -> bytes | None:
    """The bytes of a signature's base64; None unless it is their one spelling."""
    try:
        signature = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return signature if encoded(signature) == text else None


def canonical_query(query: str) -> str:
    """Names and values decoded and encoded again (RFC 3986, upper-case hex), the pairs sorted bytewise."""
    pairs = []
    for pair in query.split("&"):
        if not pair:
            continue
        name, _, value = pair.partition("=")
        pairs.append(f"{_encoded(name)}={_encoded(value)}")
    return "&".join(sorted(pairs))


def _encoded(text: str) -> str:
    return quote(unquote_to_bytes(text), safe="-._~")


def reply_to_sign(status: int, body: bytes, timestamp: str, nonce: str) -> bytes:
    return f"{status}\n{sm3_hex(body)}\n{timestamp}\n{nonce}\n".encode()
