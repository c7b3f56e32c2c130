"""B1.7 as processes: two centres and the national router, started by `ehc demo --federation`."""

import pytest

from tests.browser.demo import RunningDemo, ask, running_demo


def holder(demo: RunningDemo, api: str) -> tuple[str, str]:
    """(token, card id) of the first resident, at the centre behind `api`."""
    resident = demo.resident(0)
    ask(f"{api}/api/v1/sms-codes", {"phone": resident["phone"]})
    code = demo.last_sms_code(resident["phone"])
    signed_in = ask(f"{api}/api/v1/sessions", {"method": "sms", "phone": resident["phone"], "code": code})
    claimed = ask(f"{api}/api/v1/cards", {**resident, "relation": "self"}, signed_in["token"])
    return signed_in["token"], claimed["card_id"]


@pytest.mark.feature("V5")
def test_the_hospital_of_one_centre_reads_the_card_of_the_other() -> None:
    with running_demo(federated=True) as demo:
        second = demo.told["federation"]["second"]
        token, card_id = holder(demo, second["api"])
        code = ask(f"{second['api']}/api/v1/cards/{card_id}/code?kind=dynamic", token=token)["text"]
        assert code.endswith(second["centre_id"])
        scans = demo.hospital + "scans"
        scanned = ask(scans, {"text": code, "scene": "010101"})
        assert scanned["ok"], scanned
        assert scanned["answer"]["issuer"] == second["centre_id"]
        assert scanned["answer"]["person"]["name"] == demo.resident(0)["name"]
        again = ask(scans, {"text": code, "scene": "010101"})
        assert (again["ok"], again["error"]["code"]) == (False, "code.already_used")
