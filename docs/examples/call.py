"""Make any signed call of the partner API, and print the proven answer.

    python docs/examples/call.py POST /partner/v1/persons person.json
    python docs/examples/call.py GET "/partner/v1/pix?source=H001%7CP-000123"

The signing is in verify_scan.py, beside this file.
"""

import argparse
import json
import secrets
import sys
import time
import urllib.request
from base64 import b64decode, b64encode
from pathlib import Path

from verify_scan import (
    Partner,
    ReplyNotProven,
    is_fresh,
    read_demo,
    send,
    sm2_sign,
    sm2_verify,
    sm3_hex,
    string_to_sign,
)


def call(partner: Partner, method: str, target: str, body: bytes | None) -> tuple[int, bytes]:
    """Status and body of a reply that is proven to be to this call; a 401 proves nothing."""
    url, timestamp, nonce = partner.api + target, str(time.time_ns() // 1_000_000), secrets.token_hex(16)
    text = string_to_sign(method, url, body or b"", partner.app_id, partner.key_id, timestamp, nonce)
    headers = {
        "X-App-Id": partner.app_id,
        "X-Key-Id": partner.key_id,
        "X-Timestamp": timestamp,
        "X-Nonce": nonce,
        "X-Sign-Type": "SM2",
        "X-Signature": b64encode(sm2_sign(partner, text)).decode(),
    }
    if body is not None:
        headers |= {"Content-Type": "application/json", "Idempotency-Key": secrets.token_hex(16)}
    status, answer, signed = send(urllib.request.Request(url, body, headers, method=method))
    if status == 401:
        return status, answer
    if signed.get("X-Nonce") != nonce or not is_fresh(signed.get("X-Timestamp", "")):
        raise ReplyNotProven("the reply belongs to another call")
    text = f"{status}\n{sm3_hex(answer)}\n{signed['X-Timestamp']}\n{nonce}\n".encode()
    if not sm2_verify(partner.platform_public_key_hex, text, b64decode(signed.get("X-Signature", ""))):
        raise ReplyNotProven("the signature is not the platform's")
    return status, answer


def main() -> int:
    parser = argparse.ArgumentParser(description="Make a signed call of the partner API.")
    parser.add_argument("method", choices=["GET", "POST", "PUT", "DELETE"])
    parser.add_argument("target", help="the path, and the query encoded as in a URL")
    parser.add_argument("body", nargs="?", help="a file with the JSON to send")
    parser.add_argument("--demo", default="var/demo.json", help="the file `ehc demo` wrote")
    arguments = parser.parse_args()
    body = Path(arguments.body).read_bytes() if arguments.body else None
    status, answer = call(read_demo(arguments.demo), arguments.method, arguments.target, body)
    print(status)
    if answer:
        print(json.dumps(json.loads(answer), ensure_ascii=False, indent=1))
    return 0 if 200 <= status < 300 else 1


if __name__ == "__main__":
    sys.exit(main())
