"""Every main call of docs/partner-api.md, made by the examples of the guide: in Python, and with curl."""

import json
import re
import shutil
import ssl
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from handlers.scopes import SCOPES
from server.core.clock import HeldClock, iso
from tests.contract.test_partner_example import EXAMPLES, ROOT, Ran, demo_file, start
from tests.harness import APP_ID, TERMINAL_ID, Platform

pytestmark = [pytest.mark.feature("V4"), pytest.mark.gen_test(timeout=120)]
GUIDE = (ROOT / "docs" / "partner-api.md").read_text("utf-8")
Ways = Callable[..., Any]


@pytest.fixture
def clock() -> HeldClock:
    """The examples read the time of day, so the platform stands at it."""
    return HeldClock(datetime.now(UTC))


def by_hand(platform: Platform, folder: Path, way: str) -> Ways:
    """Makes a call in one of the guide's two ways; returns its answer."""
    demo = str(demo_file(platform, folder))

    async def call(method: str, path: str, content: Any = None, query: str = "") -> Any:
        file = folder / "body.json"
        if content is not None:
            file.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
        target = f"{path}?{query}" if query else path
        if way == "python":
            body = [] if content is None else [str(file)]
            script = str(EXAMPLES / "call.py")
            ran = await start(sys.executable, script, method, target, *body, "--demo", demo)
            status, answer = ran.output.partition("\n")[::2]
        else:
            said = {"METHOD": method, "TARGET": path, "QUERY": query, "BODY": str(file) if content else ""}
            variables = [f"{name}={value}" for name, value in said.items()]
            ran = await start("env", *variables, "sh", str(EXAMPLES / "verify_scan.sh"), "-", demo)
            proof, status, answer = _three(ran)
            assert proof == "Verified OK", ran.complaint
        assert status.startswith("2"), (path, ran.output, ran.complaint)
        return json.loads(answer)

    return call


def _three(ran: Ran) -> tuple[str, str, str]:
    first, _, rest = ran.output.partition("\n")
    second, _, third = rest.partition("\n")
    return first, second, third


@pytest.mark.parametrize(
    "way",
    [
        "python",
        pytest.param(
            "curl",
            marks=pytest.mark.skipif(
                shutil.which("curl") is None or ssl.OPENSSL_VERSION_INFO < (3,),
                reason="needs curl and OpenSSL 3",
            ),
        ),
    ],
)
async def test_every_main_call_by_hand(platform: Platform, tmp_path: Path, way: str) -> None:
    await platform.admit(scopes=tuple(SCOPES))
    call, made = by_hand(platform, tmp_path, way), set[tuple[str, str]]()
    resident, other = platform.residents[:2]
    token, card_id = await platform.holder(resident)

    async def ask(method: str, path: str, *more: Any, shape: str = "", **named: Any) -> Any:
        made.add((method, shape or path))
        return await call(method, path, *more, **named)

    assert (await ask("GET", "/partner/v1/app"))["app_id"] == APP_ID
    assert (await ask("POST", "/partner/v1/sessions", {"terminal_id": TERMINAL_ID}))["session_id"]
    scan = {"scene": "010101", "terminal_id": TERMINAL_ID}
    seen = await ask(
        "POST", "/partner/v1/verifications", {"code": await platform.code(token, card_id), **scan}
    )
    verification = {"verification_id": seen["verification_id"]}
    person = {"name": other.name, "id_type": "01", "id_no": other.id_no, "hospital_patient_no": "P-2"}
    assert (await ask("POST", "/partner/v1/persons", person))["outcome"] in ("new", "same")
    bound = await ask("POST", "/partner/v1/patients", {"hospital_patient_no": "P-1", **verification})
    pix = await ask("GET", "/partner/v1/pix", query=f"source={bound['domain']}%7CP-1")
    assert pix["person_id"] == seen["person"]["person_id"]

    asked = await ask("POST", "/partner/v1/authorization-requests", scan)
    shape = "/partner/v1/authorization-requests/{request_id}"
    path = f"/partner/v1/authorization-requests/{asked['request_id']}"
    assert (await ask("GET", path, query="wait_s=0", shape=shape))["state"] == "waiting"

    visitor = {name: person[name] for name in ("name", "id_type", "id_no")}
    window = {
        "phone": other.phone,
        "terminal_id": TERMINAL_ID,
        "reading": {"how": "device", "device_no": "r-1"},
    }
    issued = await ask(
        "POST", "/partner/v1/cards", {**visitor, **window, "face_to_face": {"clerk_id": "c-1"}}
    )
    assert issued["is_new"] is True

    use = {"event_id": "U-1", "hospital_patient_no": "P-1", "step": "010101", "channel": "0100"}
    used = {"events": [{**use, "direct": False, "used_at": iso(platform.clock.now())}]}
    assert (await ask("POST", "/partner/v1/usage-events", used))["accepted"] == 1
    visit = {**verification, "registration_no": "R-1", "department": "内科"}
    assert (await ask("POST", "/partner/v1/visits", visit))["visit_id"]
    event = {"registration_no": "R-1", "event": "consulted", "event_id": "E-1"}
    assert (await ask("POST", "/partner/v1/visit-events", event))["visit_id"]

    section = GUIDE.partition("## Every call by hand")[2].partition("\n## ")[0]
    listed = set(re.findall(r"^\| `(GET|POST) (/[^`?]+)", section, re.MULTILINE))
    assert listed == made, "the guide's table and this test tell of the same calls"
