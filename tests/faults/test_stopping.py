"""SIGTERM under traffic: what is under way is answered, then the process ends in good order (F31, I9)."""

import json
import urllib.request

import pytest

from tests.faults.processes import wait_until
from tests.faults.runs import new_set

pytestmark = pytest.mark.faults
SLOW_S = 1.5


@pytest.mark.feature("S4")
def test_a_request_under_way_is_answered_before_the_process_ends() -> None:
    with new_set(people=2, seed=31) as on:
        serve, on.clients.url = on.stage.serve()
        resident = on.clients.run(on.clients.sign_in(on.people[0]))
        assert resident is not None
        on.stage.fault("real_name", delay_s=SLOW_S)

        def asked() -> int:
            with urllib.request.urlopen(f"{on.stage.sandbox_url}/control/real_name", timeout=5) as answer:
                return int(json.load(answer)["requests"])

        before = asked()
        claiming = on.clients.spawn(on.clients.claim(resident))
        wait_until(lambda: asked() > before, 10, "the authority, asked,")
        serve.terminate()
        claimed = claiming.result(30)  # type: ignore[call-arg]
        assert claimed.attempts[0].status == 201, "the answer under way was cut off"
        assert serve.returncode == 0
        states = {entry["state"] for entry in on.stage.database.audit_directory.find()}
        assert states == {"closed"}
