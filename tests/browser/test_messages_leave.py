"""The demo's WeChat and Alipay bring what is told: seen in the sandbox's own record, through HTTP alone."""

from typing import Any

import pytest
from playwright.sync_api import Browser

from sandbox.alipay import user_id_of
from sandbox.wechat import openid_of
from tests.browser.demo import RunningDemo, ask

pytestmark = [pytest.mark.browser, pytest.mark.feature("N3")]
SECOND = "云溪市中医医院"
VENDORS: dict[str, dict[str, Any]] = {
    "wechat": {"code": "wx:lan", "who": {"openid": openid_of("wx-demo", "lan")}, "number": 50},
    "alipay": {"code": "ali:lan", "who": {"user_id": user_id_of("2026000000000001", "lan")}, "number": 51},
}


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_booking_is_told_by_the_platform_the_resident_came_by(
    browser: Browser, demo: RunningDemo, vendor: str
) -> None:
    known, api = VENDORS[vendor], f"{demo.told['api']}/api/v1"
    sandbox = demo.told["sandbox"]["control"].removesuffix("/control")
    resident = demo.adult(known["number"])
    token = ask(f"{api}/sessions", {"method": vendor, "code": known["code"]})["token"]
    ask(f"{api}/sms-codes", {"phone": resident["phone"], "purpose": "phone"})
    proven = {"phone": resident["phone"], "code": demo.last_sms_code(resident["phone"])}
    ask(f"{api}/account/phone", proven, token, "PUT")
    card_id = ask(f"{api}/cards", {**resident, "relation": "self"}, token)["card_id"]

    templates = ask(f"{api}/message-templates", token=token)["templates"]
    visit = next(one for one in templates if one["name"] == "visit" and "book" in one["taps"])
    prompt = {**known["who"], "template_id": visit["template_id"]}
    ask(f"{sandbox}/{vendor}/prompts", prompt)
    ask(f"{api}/message-credits", {"template_id": visit["template_id"], "accepted": True}, token)

    institutions = ask(f"{api}/institutions", token=token)["institutions"]
    second = next(one for one in institutions if one["name"] == SECOND)["institution_id"]
    path = f"{api}/institutions/{second}"
    days = ask(f"{path}/days?department_id=ACU&kind=clinic", token=token)["days"]
    on = next(day["on"] for day in days[1:] if day["free"])
    slots = ask(f"{path}/slots?department_id=ACU&on={on}", token=token)["slots"]
    slot_id = next(one["slot_id"] for one in slots if one["free"])
    ask(f"{api}/appointments", {"card_id": card_id, "institution_id": second, "slot_id": slot_id}, token)

    page = browser.new_page()
    page.goto(f"{sandbox}/sms/")
    brought = page.wait_for_function(
        "url => fetch(url).then(answer => answer.json()).then(found => found.messages[0])",
        arg=f"{sandbox}/{vendor}/messages",
    ).json_value()
    page.close()
    assert brought["template_id"] == visit["template_id"]
    assert known["who"].items() <= brought.items()
    said = [one["value"] for one in brought["data"].values()]
    assert said[:3] == ["预约成功", SECOND, "针灸科"]
