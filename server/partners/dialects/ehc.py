"""The envelope of `ehc.*`: what is digested, what is encrypted, byte for byte (docs/dialects.md).  Pure.

SM4 in ECB mode shows which blocks are alike, and a digest with the secret at its end is no MAC of today.  So
it is spoken; so nobody may speak it unless the card centre has switched it on.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from server.core.crypto.hashes import equal_in_constant_time, sm3_hex
from server.core.errors import Malformed
from server.partners.dialects.envelopes import read_object
from server.partners.dialects.model import DigestRule, Encoding

BLOCK_BITS = 128
# Without & and =: so the digested text can be read in one way only, though nothing in it is escaped.
_WORD = r"[A-Za-z0-9._:-]{%d,64}"
_SHAPES = {
    "app_id": _WORD % 1,
    "digest": r"[0-9A-Fa-f]{64}",
    "digest_type": "SM3",
    "enc_type": "SM4",
    "method": r"[A-Za-z.]{1,64}",
    "term_id": _WORD % 0,
    "timestamp": r"[0-9]{13}",
    "version": _WORD % 1,
}
VERSION = "X.M.0.1"


class Undecipherable(Exception):
    """Not what the secret encrypts, in the encoding that was agreed."""


@dataclass(frozen=True)
class Envelope:
    """A call as it came; nothing is proven yet.  `biz_content` is what was sent, encrypted."""

    app_id: str
    biz_content: str
    digest: str
    digest_type: str
    enc_type: str
    method: str
    term_id: str
    timestamp: str
    version: str

    def digested(self) -> dict[str, str]:
        return {name: value for name, value in vars(self).items() if name != "digest"}


def read_envelope(raw: bytes) -> Envelope:
    """Malformed `request.not_json`, or `request.invalid` with detail.fields: each of the nine fields is
    there, none besides them."""
    given = {name: _as_text(value) for name, value in read_object(raw).items()}
    wrong = [
        name
        for name, shape in {**_SHAPES, "biz_content": r"[^\r\n]*"}.items()
        if (value := given.get(name)) is None or not re.fullmatch(shape, value, re.ASCII)
    ]
    if wrong or len(given) != len(_SHAPES) + 1:
        raise Malformed(
            "request.invalid", "the envelope is not what this dialect sends", fields=sorted(wrong)
        )
    return Envelope(**{name: str(value) for name, value in given.items()})


def _as_text(value: Any) -> str | None:
    """What a client means by a text; a timestamp may come as a number."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value)


def string_to_digest(fields: Mapping[str, str], rule: DigestRule, secret: str) -> str:
    """`fields` with the plain biz_content under the plaintext rule, the sent one under the other."""
    joined = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
    return f"{joined}&app_secret={secret}" if rule == "plaintext" else joined + secret


def digest_of(fields: Mapping[str, str], rule: DigestRule, secret: str) -> str:
    return sm3_hex(string_to_digest(fields, rule, secret).encode())


def is_digest(given: str, fields: Mapping[str, str], rule: DigestRule, secret: str) -> bool:
    """Upper and lower case are both seen."""
    return equal_in_constant_time(given.lower().encode(), digest_of(fields, rule, secret).encode())


def encrypt(plain: str, secret: str, encoding: Encoding) -> str:
    padder = padding.PKCS7(BLOCK_BITS).padder()
    padded = padder.update(plain.encode()) + padder.finalize()
    encryptor = _cipher(secret).encryptor()
    sealed = encryptor.update(padded) + encryptor.finalize()
    return sealed.hex() if encoding == "hex" else base64.b64encode(sealed).decode()


def decrypt(sent: str, secret: str, encoding: Encoding) -> str:
    """Undecipherable for another encoding, another secret, or bytes that are no text."""
    try:
        sealed = _decoded(sent, encoding)
        decryptor = _cipher(secret).decryptor()
        padded = decryptor.update(sealed) + decryptor.finalize()
        unpadder = padding.PKCS7(BLOCK_BITS).unpadder()
        return (unpadder.update(padded) + unpadder.finalize()).decode("utf-8")
    except (ValueError, binascii.Error):
        raise Undecipherable from None


def _decoded(sent: str, encoding: Encoding) -> bytes:
    if encoding == "base64":
        return base64.b64decode(sent, validate=True)
    if not re.fullmatch(r"[0-9A-Fa-f]*", sent, re.ASCII):  # `fromhex` forgives spaces
        raise ValueError("not hex")
    return bytes.fromhex(sent)


def _cipher(secret: str) -> "Cipher[modes.ECB]":
    # ECB is what the dialect's clients send.
    return Cipher(algorithms.SM4(secret.encode()), modes.ECB())  # nosec


def reply_of(
    *, code: str, message: str, content: str, rule: DigestRule, encoding: Encoding, secret: str
) -> dict[str, str]:
    """The proven reply: encrypted and digested as the call was."""
    sent = encrypt(content, secret, encoding)
    fields = {"code": code, "msg": message, "biz_content": sent}
    told = {**fields, "biz_content": content} if rule == "plaintext" else fields
    return {**fields, "digest": digest_of(told, rule, secret)}


def unproven_reply(code: str, message: str) -> dict[str, str]:
    return {"code": code, "msg": message, "biz_content": "", "digest": ""}
