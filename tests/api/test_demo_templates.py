"""What the demo lets WeChat and Alipay bring: booked through HTTP, brought to the sandbox's own record."""

from typing import get_args

import pytest

from push.credits.model import MessageTemplates
from push.credits.model import Platform as Vendor
from push.kinds import KINDS, TAPS, TEMPLATES
from sandbox.alipay import user_id_of
from sandbox.wechat import openid_of
from sandbox.wechat_wire import argument_fault
from server.demo_slots import open_hospitals
from server.demo_templates import approve_templates, approved, wechat_fields
from tests.harness import CITY, Platform

pytestmark = [pytest.mark.feature("N3"), pytest.mark.gen_test(timeout=60)]
WHO = {
    "wechat": {"openid": openid_of("wx-test", "amy")},
    "alipay": {"user_id": user_id_of("2026000000000001", "amy")},
}
CODE = {"wechat": "wx:amy", "alipay": "ali:amy"}


def test_every_message_that_may_leave_has_its_template() -> None:
    templates = approved()
    for kind in KINDS.values():
        for name in get_args(Vendor):
            assert name not in kind.channels or templates.find(name, kind.template) is not None
    assert templates.wechat.keys() == templates.alipay.keys() == set(TEMPLATES)
    for fields in wechat_fields().values():
        assert argument_fault({field: {"value": "2026年11月23日 09:00"} for field in fields}, fields) is None


@pytest.mark.parametrize("vendor", ["wechat", "alipay"])
async def test_what_is_booked_is_told_by_the_platform_one_came_by(platform: Platform, vendor: str) -> None:
    for _ in range(2):
        await approve_templates(platform.app)
        await open_hospitals(platform.app, CITY, platform.sandbox_url)
    version, _ = await platform.app.services.policies.describe(MessageTemplates.NAME)
    assert version == 1, "approved once"
    resident, http = platform.residents[0], platform.http
    signed_in = await http.post("/api/v1/sessions", {"method": vendor, "code": CODE[vendor]})
    token = signed_in.json["token"]
    sms = await platform.sms_code(resident.phone, purpose="phone")
    proven = {"phone": resident.phone, "code": sms}
    assert (await http.send("PUT", "/api/v1/account/phone", proven, token=token)).status == 200
    claimed = await platform.claim(token, resident)
    assert claimed.status == 201, claimed.body

    offers = (await http.get("/api/v1/message-templates", token=token)).json["templates"]
    asked = {one["name"]: one["template_id"] for one in offers if "book" in one["taps"]}
    assert asked.keys() == set(TAPS["book"])
    prompt = {**WHO[vendor], "template_id": asked["visit"]}
    assert (await http.post(f"{platform.sandbox_url}/{vendor}/prompts", prompt)).status == 201
    answer = {"template_id": asked["visit"], "accepted": True}
    assert (await http.post("/api/v1/message-credits", answer, token=token)).json["left"] == 1

    path = f"/api/v1/institutions/{CITY.hospitals[1].institution_id}"
    [tcm] = [
        one
        for one in (await http.get(f"{path}/departments?kind=clinic", token=token)).json["departments"]
        if one["department_id"] == "TCM"
    ]
    query = f"department_id=TCM&on={tcm['next_free_on']}"
    slots = (await http.get(f"{path}/slots?{query}", token=token)).json["slots"]
    slot = next(one for one in slots if one["free"])
    body = {
        "card_id": claimed.json["card_id"],
        "institution_id": CITY.hospitals[1].institution_id,
        "slot_id": slot["slot_id"],
    }
    assert (await http.post("/api/v1/appointments", body, token=token)).json["state"] == "confirmed"
    for _ in range(3):
        await platform.work()
    brought = (await http.get(f"{platform.sandbox_url}/{vendor}/messages")).json["messages"]
    assert [one["template_id"] for one in brought] == [asked["visit"]]
    said = [one["value"] for one in brought[0]["data"].values()]
    assert said[:3] == ["预约成功", CITY.hospitals[1].name, "中医内科"]
    assert resident.name not in str(brought), "no name leaves the house"
    offers = (await http.get("/api/v1/message-templates", token=token)).json["templates"]
    assert {one["name"]: one["left"] for one in offers}["visit"] == 0
