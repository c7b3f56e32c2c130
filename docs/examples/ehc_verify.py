"""Verify a scanned code as existing hospital software does, in the dialect `ehc.*` (docs/dialects.md).

    python docs/examples/resident_code.py | python docs/examples/ehc_verify.py

Needs Python 3.11 and cryptography.  New software: verify_scan.py.
"""

import argparse
import base64
import hashlib
import json
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def sm4(secret: str) -> Any:
    return Cipher(algorithms.SM4(secret.encode()), modes.ECB())


def encrypt(app: dict[str, Any], text: str) -> str:
    padder, encryptor = padding.PKCS7(128).padder(), sm4(app["app_secret"]).encryptor()
    sealed = encryptor.update(padder.update(text.encode()) + padder.finalize()) + encryptor.finalize()
    return sealed.hex() if app["encoding"] == "hex" else base64.b64encode(sealed).decode()


def decrypt(app: dict[str, Any], sent: str) -> str:
    sealed = bytes.fromhex(sent) if app["encoding"] == "hex" else base64.b64decode(sent)
    unpadder, decryptor = padding.PKCS7(128).unpadder(), sm4(app["app_secret"]).decryptor()
    text = unpadder.update(decryptor.update(sealed) + decryptor.finalize()) + unpadder.finalize()
    return text.decode()


def digest(app: dict[str, Any], fields: dict[str, str], plain: str) -> str:
    is_plain = app["digest_rule"] == "plaintext"
    told = {**fields, "biz_content": plain} if is_plain else fields
    joined = "&".join(f"{name}={told[name]}" for name in sorted(told))
    joined += f"&app_secret={app['app_secret']}" if is_plain else app["app_secret"]
    return hashlib.new("sm3", joined.encode()).hexdigest()


def call(api: str, app: dict[str, Any], method: str, content: dict[str, Any]) -> tuple[bool, str, Any]:
    """(whether it succeeded, the message, the content) of a reply whose digest is right."""
    plain = json.dumps(content, ensure_ascii=False)
    fields = {
        "app_id": app["app_id"],
        "biz_content": encrypt(app, plain),
        "digest_type": "SM3",
        "enc_type": "SM4",
        "method": method,
        "term_id": app["terminal_id"],
        "timestamp": str(time.time_ns() // 1_000_000),
        "version": "X.M.0.1",
    }
    body = json.dumps({**fields, "digest": digest(app, fields, plain)}).encode()
    url, headers = f"{api}/erhc/ehealthcard/business.do", {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as reply:
        told = json.load(reply)
    if told["digest"] == "":  # the platform does not know whom to answer
        return False, told["msg"], None
    plain = decrypt(app, told["biz_content"])
    if told.pop("digest") != digest(app, told, plain):
        raise SystemExit("the reply is not the platform's")
    return told["code"] == app["success_code"], told["msg"], json.loads(plain)


def main() -> int:
    parser = argparse.ArgumentParser(description="Verify a scanned health card code, in the dialect ehc.*")
    parser.add_argument("code", nargs="?", help="the text of the code; read from standard input when missing")
    parser.add_argument("--demo", default="var/demo.json", help="the file `ehc demo` wrote")
    arguments = parser.parse_args()
    demo = json.loads(Path(arguments.demo).read_text(encoding="utf-8"))
    app, code = demo["dialects"]["ehc"], (arguments.code or sys.stdin.readline()).strip()
    content = {"ehealth_code": code, "medstepcode": "010101", "terminalcode": app["terminal_id"]}
    is_good, message, seen = call(demo["api"], app, "ehc.ehealthcode.verify", content)
    if not is_good:
        print(f"refused: {message}", file=sys.stderr)
        return 1
    print(f"{seen['name']}  {seen['gender']}  born {seen['birthday']}  ID {seen['id_no']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
