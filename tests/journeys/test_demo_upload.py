"""A6.4 as processes: in `ehc demo` a scan goes up to the centre above, and staff see how far it is."""

import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyotp
import pytest

from tests.browser.demo import RunningDemo, running_demo
from tests.faults.processes import wait_until
from tests.journeys.test_two_centres import ask, holder

WITHIN_S = 60


def awaited(look: Callable[[], Any], what: str) -> Any:
    """What it finds, as soon as there is something."""
    found: list[Any] = []

    def is_there() -> bool:
        found.append(look())
        return bool(found[-1])

    wait_until(is_there, WITHIN_S, what)
    return found[-1]


def signed_in(demo: RunningDemo, login_name: str) -> str:
    """A session token of somebody of the demo's staff.  By the next code: the demo itself may have signed in
    with the present one, and a code is taken once."""
    member = next(one for one in demo.told["staff"] if one["login_name"] == login_name)
    code = pyotp.TOTP(member["totp_secret"]).generate_otp(int(datetime.now(UTC).timestamp()) // 30 + 1)
    body = {"login_name": login_name, "password": member["password"], "totp": code}
    return str(ask(f"{demo.told['api']}/staff/v1/sessions", body)["token"])


@pytest.mark.feature("U1", "V9")
def test_what_is_scanned_in_a_demo_goes_up() -> None:
    with running_demo() as demo:
        api, uses = demo.told["api"], demo.told["upper_centre"]["uses"]
        staff = signed_in(demo, "wu.fang")

        def progress() -> dict[str, Any]:
            return ask(f"{api}/staff/v1/usage-uploads", token=staff)

        before = progress()
        assert (before["is_set_up"], before["sent"], before["waiting"]) == (True, 0, 0)
        token, card_id = holder(demo, api)
        code = ask(f"{api}/api/v1/cards/{card_id}/code?kind=dynamic", token=token)["text"]
        scanned = ask(demo.hospital + "scans", {"text": code, "scene": "010101"})
        assert scanned["ok"], scanned
        [use] = awaited(lambda: ask(uses)["uses"], "the use, above,")
        assert use["use_id"] == scanned["answer"]["verification_id"]
        assert (use["step"], use["is_direct"], use["card"] == card_id) == ("010101", True, False)
        shown = awaited(lambda: (now := progress())["sent"] and now, "its count")
        assert (shown["sent"], shown["waiting"], shown["failures"], shown["refused"]) == (1, 0, 0, 0)
        with urllib.request.urlopen(f"{api}/metrics", timeout=5) as page:
            metrics = page.read().decode()
        assert "ehc_usage_unsent 0.0" in metrics, "a serving process measures what its page shows"
        assert "ehc_outbox_parked 0.0" in metrics
