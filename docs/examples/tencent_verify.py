"""Verify a scanned code as existing hospital software does, in the Tencent style (docs/dialects.md).

    python docs/examples/resident_code.py | python docs/examples/tencent_verify.py

Needs Python 3.11 and nothing else.  New software: verify_scan.py.
"""

import argparse
import base64
import hashlib
import json
import secrets
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

BASE = "/rest/auth/HealthCard"


def sign(secret: str, fields: dict[str, Any]) -> str:
    told = []
    for name, value in sorted(fields.items()):
        is_json = isinstance(value, list | dict)
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":")) if is_json else str(value)
        if text:
            told.append(f"{name}={text}")
    return base64.b64encode(hashlib.sha256(("&".join(told) + secret).encode()).digest()).decode()


def call(api: str, app: dict[str, Any], token: str, path: str, content: dict[str, Any]) -> dict[str, Any]:
    """{"commonOut", "rsp"} as it comes: in this style a reply proves nothing."""
    common = {
        "appToken": token,
        "requestId": secrets.token_hex(16).upper(),
        "hospitalId": app["hospital_id"],
        "timestamp": str(int(time.time())),
        "channelNum": "0",
    }
    common["sign"] = sign(app["app_secret"], {**common, **content})
    body = json.dumps({"commonIn": common, "req": content}, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(api + BASE + path, body, headers)
    with urllib.request.urlopen(request, timeout=10) as reply:
        told: dict[str, Any] = json.load(reply)
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description="Verify a scanned health card code, in the Tencent style.")
    parser.add_argument("code", nargs="?", help="the text of the code; read from standard input when missing")
    parser.add_argument("--demo", default="var/demo.json", help="the file `ehc demo` wrote")
    arguments = parser.parse_args()
    demo = json.loads(Path(arguments.demo).read_text(encoding="utf-8"))
    api, app = demo["api"], demo["dialects"]["tencent"]
    code = (arguments.code or sys.stdin.readline()).strip()

    told = call(api, app, "", "/HealthOpenAuth/AuthObj/getAppToken", {"appId": app["app_id"]})
    if told["commonOut"]["resultCode"] == 0:
        token = told["rsp"]["appToken"]  # good for two hours: keep it
        asked = {"qrCodeText": code, "terminalId": app["terminal_id"], "medicalStep": "010101"}
        told = call(api, app, token, "/HealthOpenPlatform/ISVOpenObj/verifyQRCode", asked)
    if told["commonOut"]["resultCode"] != 0:
        print(f"refused: {told['commonOut']['errMsg']}", file=sys.stderr)
        return 1
    card = told["rsp"]
    print(f"{card['name']}  {card['gender']}  born {card['birthday']}  ID {card['idNumber']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
