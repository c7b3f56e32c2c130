"""Be a made-up resident of the demo: sign in by SMS, claim a card, print the text of its code.

    python docs/examples/resident_code.py                    a code that renews itself, of the first resident
    python docs/examples/resident_code.py --resident 7 --static

For trying things only: it reads the SMS where the sandbox keeps them.
"""

import argparse
import json
import re
import urllib.request
from pathlib import Path
from typing import Any


def ask(method: str, url: str, content: Any = None, token: str | None = None) -> Any:
    body = None if content is None else json.dumps(content).encode()
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method)) as reply:
        return json.load(reply)


def main() -> None:
    parser = argparse.ArgumentParser(description="Print the text of a made-up resident's code.")
    parser.add_argument("--demo", default="var/demo.json", help="the file `ehc demo` wrote")
    parser.add_argument("--resident", type=int, default=0, help="which of the residents, from 0")
    parser.add_argument("--api", help="another centre's address: the second one of `ehc demo --federation`")
    parser.add_argument("--static", action="store_true", help="the code that does not change")
    arguments = parser.parse_args()
    demo = json.loads(Path(arguments.demo).read_text(encoding="utf-8"))
    api, resident = (arguments.api or demo["api"]) + "/api/v1", demo["residents"][arguments.resident]
    phone = resident["phone"]

    request = ask("POST", f"{api}/sms-codes", {"phone": phone})
    inbox = ask("GET", f"{demo['sandbox']['sms']}/messages?phone={phone}")
    code = re.findall(r"\b[0-9]{6}\b", inbox["messages"][-1]["text"])[0]
    login = {"method": "sms", "phone": phone, "code": code, "request_id": request["request_id"]}
    token = ask("POST", f"{api}/sessions", login)["token"]

    # 201 the first time, 200 with the same card afterwards.
    card = ask("POST", f"{api}/cards", {**resident, "relation": "self"}, token)
    kind = "static" if arguments.static else "dynamic"
    print(ask("GET", f"{api}/cards/{card['card_id']}/code?kind={kind}", token=token)["text"])


if __name__ == "__main__":
    main()
