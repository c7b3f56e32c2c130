"""Verify a scanned health card code, from nothing but docs/partner-api.md.

    python docs/examples/verify_scan.py "6CFB…:0:…:0000A0001"     the code as an argument
    scanner | python docs/examples/verify_scan.py                  or on standard input

Reads who we are from var/demo.json (--demo FILE for another). Needs Python 3.11 and gmssl-pyx.
"""

import argparse
import base64
import hashlib
import json
import secrets
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_plus, urlsplit

import gmssl_pyx

WINDOW_S = 300


@dataclass(frozen=True)
class Partner:
    """Who we are: given at admission. Keys are hex; a public key is 04, x and y."""

    api: str
    app_id: str
    key_id: str
    private_key_hex: str
    public_key_hex: str
    platform_public_key_hex: str
    terminal_id: str


def read_demo(path: str) -> Partner:
    demo = json.loads(Path(path).read_text(encoding="utf-8"))
    return Partner(api=demo["api"], **demo["partner"])


# -- 1. the string that is signed
def sm3_hex(data: bytes) -> str:
    return hashlib.new("sm3", data).hexdigest()


def canonical_query(query: str) -> str:
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    encoded = [
        f"{quote(unquote_plus(n), safe='-._~')}={quote(unquote_plus(v), safe='-._~')}" for n, _, v in pairs
    ]
    return "&".join(sorted(encoded))


def string_to_sign(
    method: str, url: str, body: bytes, app_id: str, key_id: str, timestamp: str, nonce: str
) -> bytes:
    parts = urlsplit(url)
    lines = [
        method,
        parts.path,
        canonical_query(parts.query),
        sm3_hex(body),
        app_id,
        key_id,
        timestamp,
        nonce,
    ]
    return "".join(line + "\n" for line in lines).encode()


# -- 2. SM2: the wire has r and s, 32 bytes each; the library has ASN.1
def sm2_sign(partner: Partner, message: bytes) -> bytes:
    private = bytes.fromhex(partner.private_key_hex)
    public = bytes.fromhex(partner.public_key_hex)[1:]  # the library wants no leading 04
    r, s = read_integers(gmssl_pyx.sm2_sign(private, public, message))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def sm2_verify(public_key_hex: str, message: bytes, signature: bytes) -> bool:
    if len(signature) != 64:
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        return bool(gmssl_pyx.sm2_verify(bytes.fromhex(public_key_hex)[1:], message, sequence(r, s)))
    except gmssl_pyx.GmsslInnerError:
        return False


def read_integers(der: bytes) -> tuple[int, int]:
    """The two INTEGERs of a SEQUENCE as short as a signature."""
    end_of_r = 4 + der[3]
    return int.from_bytes(der[4:end_of_r], "big"), int.from_bytes(der[end_of_r + 2 :], "big")


def sequence(*integers: int) -> bytes:
    parts = [n.to_bytes(n.bit_length() // 8 + 1, "big") for n in integers]
    content = b"".join(bytes([2, len(part)]) + part for part in parts)
    return bytes([0x30, len(content)]) + content


# -- 3. the call
class ReplyNotProven(Exception):
    """The reply does not carry the platform's signature: nothing in it may be used."""


def call(partner: Partner, method: str, path: str, content: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Status and body of a reply that is proven to be the platform's, to this very call."""
    url = partner.api + path
    body = json.dumps(content).encode()  # sign exactly the bytes that are sent
    timestamp, nonce = str(time.time_ns() // 1_000_000), secrets.token_hex(16)
    text = string_to_sign(method, url, body, partner.app_id, partner.key_id, timestamp, nonce)
    headers = {
        "Content-Type": "application/json",
        "X-App-Id": partner.app_id,
        "X-Key-Id": partner.key_id,
        "X-Timestamp": timestamp,
        "X-Nonce": nonce,
        "X-Sign-Type": "SM2",
        "X-Signature": base64.b64encode(sm2_sign(partner, text)).decode(),
        # Our own name for this scan: if the answer is lost, ask again with the same key and body.
        "Idempotency-Key": secrets.token_hex(16),
    }
    status, answer, signed = send(urllib.request.Request(url, body, headers, method=method))
    if status == 401:
        return status, json.loads(answer)  # not signed: the platform does not know whom to sign it for
    if signed.get("X-Nonce") != nonce or not is_fresh(signed.get("X-Timestamp", "")):
        raise ReplyNotProven("the reply belongs to another call")
    text = f"{status}\n{sm3_hex(answer)}\n{signed['X-Timestamp']}\n{nonce}\n".encode()
    signature = base64.b64decode(signed.get("X-Signature", ""))
    if not sm2_verify(partner.platform_public_key_hex, text, signature):
        raise ReplyNotProven("the signature is not the platform's")
    return status, json.loads(answer)


def send(request: urllib.request.Request) -> tuple[int, bytes, Any]:
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, reply.read(), reply.headers
    except urllib.error.HTTPError as refusal:  # 4xx and 5xx: an answer as well
        return refusal.code, refusal.read(), refusal.headers


def is_fresh(timestamp: str) -> bool:
    return timestamp.isdecimal() and abs(time.time() - int(timestamp) / 1000) <= WINDOW_S


def main() -> int:
    parser = argparse.ArgumentParser(description="Verify a scanned health card code.")
    parser.add_argument("code", nargs="?", help="the text of the code; read from standard input when missing")
    parser.add_argument("--demo", default="var/demo.json", help="the file `ehc demo` wrote")
    parser.add_argument("--scene", default="010101", help="the step the card is used at; 010101 registration")
    arguments = parser.parse_args()
    partner = read_demo(arguments.demo)
    code = (arguments.code or sys.stdin.readline()).strip()

    question = {"code": code, "scene": arguments.scene, "terminal_id": partner.terminal_id}
    status, answer = call(partner, "POST", "/partner/v1/verifications", question)
    if status != 200:
        print(f"refused: {status} {answer['error']['code']}: {answer['error']['message']}", file=sys.stderr)
        return 1
    person = answer["person"]
    print(f"{person['name']}  {person['gender']}  born {person['birthday']}  ID {person['id_no_masked']}")
    print(f"card {answer['card']['card_id']}  verification {answer['verification_id']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
