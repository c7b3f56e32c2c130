"""Verify many codes, as a terminal does: open a session with SM2, then sign with its key and HMAC-SM3.

    scanner | python docs/examples/terminal_session.py             one code a line on standard input

The rest is in verify_scan.py, beside this file.
"""

import argparse
import base64
import hmac
import json
import secrets
import sys
import time
import urllib.request
from typing import Any

import gmssl_pyx
from verify_scan import (
    Partner,
    ReplyNotProven,
    call,
    is_fresh,
    read_demo,
    send,
    sm3_hex,
    string_to_sign,
)


def open_session(partner: Partner) -> tuple[str, bytes]:
    """The session's id and its key of 32 bytes, good for 8 hours at most."""
    question = {"terminal_id": partner.terminal_id}
    status, answer = call(partner, "POST", "/partner/v1/sessions", question)
    if status != 201:
        raise SystemExit(f"no session: {status} {answer['error']['code']}")
    return answer["session_id"], sm2_decrypt(partner, base64.b64decode(answer["key"]))


def sm2_decrypt(partner: Partner, sealed: bytes) -> bytes:
    """The wire has 04, x, y, C3 (32 bytes) and C2; the library has ASN.1."""
    x, y, c3, c2 = sealed[1:33], sealed[33:65], sealed[65:97], sealed[97:]
    integers = [int.from_bytes(part, "big") for part in (x, y)]
    parts = [(2, n.to_bytes(n.bit_length() // 8 + 1, "big")) for n in integers] + [(4, c3), (4, c2)]
    content = b"".join(bytes([tag, len(part)]) + part for tag, part in parts)
    head = b"\x30\x81" if len(content) > 127 else b"\x30"
    return bytes(
        gmssl_pyx.sm2_decrypt(bytes.fromhex(partner.private_key_hex), head + bytes([len(content)]) + content)
    )


def call_in_session(
    partner: Partner, session_id: str, key: bytes, path: str, content: dict[str, Any]
) -> tuple[int, dict[str, Any]]:
    """As `call`, but the session's key signs, and its id stands where the key's id stood."""
    url, body = partner.api + path, json.dumps(content).encode()
    timestamp, nonce = str(time.time_ns() // 1_000_000), secrets.token_hex(16)
    text = string_to_sign("POST", url, body, partner.app_id, session_id, timestamp, nonce)
    headers = {
        "Content-Type": "application/json",
        "X-App-Id": partner.app_id,
        "X-Key-Id": session_id,
        "X-Timestamp": timestamp,
        "X-Nonce": nonce,
        "X-Sign-Type": "HMAC-SM3",
        "X-Signature": base64.b64encode(hmac.digest(key, text, "sm3")).decode(),
        "Idempotency-Key": secrets.token_hex(16),
    }
    status, answer, signed = send(urllib.request.Request(url, body, headers, method="POST"))
    if status == 401:
        return status, json.loads(answer)
    text = f"{status}\n{sm3_hex(answer)}\n{signed.get('X-Timestamp')}\n{nonce}\n".encode()
    expected = base64.b64encode(hmac.digest(key, text, "sm3")).decode()
    if not is_fresh(signed.get("X-Timestamp", "")) or not hmac.compare_digest(
        expected, signed.get("X-Signature", "")
    ):
        raise ReplyNotProven("the signature is not the session's")
    return status, json.loads(answer)


def main() -> int:
    parser = argparse.ArgumentParser(description="Verify codes, one a line, in a terminal session.")
    parser.add_argument("--demo", default="var/demo.json", help="the file `ehc demo` wrote")
    partner = read_demo(parser.parse_args().demo)
    session_id, key = open_session(partner)
    refused = 0
    for line in sys.stdin:
        question = {"code": line.strip(), "scene": "010101", "terminal_id": partner.terminal_id}
        path = "/partner/v1/verifications"
        status, answer = call_in_session(partner, session_id, key, path, question)
        if status == 401:  # the session ended, or was ended: a new one, once
            session_id, key = open_session(partner)
            status, answer = call_in_session(partner, session_id, key, path, question)
        print(answer["person"]["name"] if status == 200 else answer["error"]["code"], flush=True)
        refused += status != 200
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
