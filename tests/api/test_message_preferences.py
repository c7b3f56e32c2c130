"""How somebody wants to be told, and what platforms still take for them."""

from typing import Any

import pytest

from push.credits.model import MessageTemplates
from tests.harness import Platform

pytestmark = [pytest.mark.feature("N3"), pytest.mark.gen_test(timeout=60)]
TEMPLATE = {"template_id": "tpl-visit", "fields": {"thing1": "subject", "time2": "when"}}


async def wechat(platform: Platform, name: str = "amy") -> str:
    signed_in = await platform.http.post("/api/v1/sessions", {"method": "wechat", "code": f"wx:{name}"})
    assert signed_in.status == 201, signed_in.body
    return str(signed_in.json["token"])


async def test_preferences_hold_until_they_are_changed(platform: Platform) -> None:
    token = await platform.sign_in(platform.residents[0])
    before = (await platform.http.get("/api/v1/message-preferences", token=token)).json
    assert before["quiet_hours"] == {"begins": "22:00", "ends": "07:00"}
    assert set(before["groups"].values()) == {"everywhere"}
    assert before["always_in_inbox"] == ["card"]
    wanted: dict[str, Any] = {"quiet_hours": None, "groups": {"queue": "inbox", "bills": "nowhere"}}
    put = await platform.http.send("PUT", "/api/v1/message-preferences", wanted, token=token)
    assert put.status == 200, put.body
    after = (await platform.http.get("/api/v1/message-preferences", token=token)).json
    assert after["quiet_hours"] is None
    assert (after["groups"]["queue"], after["groups"]["bills"]) == ("inbox", "nowhere")


async def test_receipts_and_security_messages_stay(platform: Platform) -> None:
    token = await platform.sign_in(platform.residents[0])
    wanted = {"quiet_hours": None, "groups": {"card": "nowhere"}}
    refused = await platform.http.send("PUT", "/api/v1/message-preferences", wanted, token=token)
    assert (refused.status, refused.error) == (422, "message_group.not_optional")


async def test_one_accepted_prompt_is_one_message(platform: Platform) -> None:
    await platform.decide(MessageTemplates, wechat={"visit": TEMPLATE})
    token = await wechat(platform)
    offered = (await platform.http.get("/api/v1/message-templates", token=token)).json
    assert offered["platform"] == "wechat"
    assert offered["templates"] == [
        {"template_id": "tpl-visit", "name": "visit", "taps": ["book"], "left": 0}
    ]
    answered = {"template_id": "tpl-visit", "accepted": True}
    key = {"Idempotency-Key": "tap-1"}
    for _ in range(2):  # the same tap told twice is one
        counted = await platform.http.post("/api/v1/message-credits", answered, token=token, headers=key)
        assert (counted.status, counted.json["left"]) == (200, 1)
    refused = {"template_id": "tpl-visit", "accepted": False}
    assert (await platform.http.post("/api/v1/message-credits", refused, token=token)).json["left"] == 1
    unknown = await platform.http.post(
        "/api/v1/message-credits", {"template_id": "x", "accepted": True}, token=token
    )
    assert (unknown.status, unknown.error) == (404, "template.not_found")
    credits, [offer] = platform.app.services.message_credits, offered["templates"]
    [account] = [row async for row in platform.app.mongo.collection("accounts").each({})]
    spent = (account["_id"], "wechat", offer["template_id"])
    assert [await credits.take(*spent, message) for message in ("m1", "m1", "m2")] == [True, True, False]  # type: ignore[arg-type]
    await credits.give_back(*spent, "m1")  # type: ignore[arg-type]
    await credits.give_back(*spent, "m1")  # type: ignore[arg-type]
    assert (await platform.http.get("/api/v1/message-templates", token=token)).json["templates"][0][
        "left"
    ] == 1


async def test_on_the_web_there_is_nothing_to_ask_for(platform: Platform) -> None:
    token = await platform.sign_in(platform.residents[0])
    assert (await platform.http.get("/api/v1/message-templates", token=token)).json == {
        "platform": None,
        "templates": [],
    }
