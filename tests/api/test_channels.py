"""Messages out of the house: in order, by choice, counted, and why one was not sent."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from pymongo.database import Database

from push.credits.model import MessageTemplates
from push.messages.telling import Told
from sandbox.alipay import user_id_of
from sandbox.wechat import openid_of
from server.gateways import vendor
from tests.harness import Platform

pytestmark = [pytest.mark.feature("N3"), pytest.mark.gen_test(timeout=60)]
FIELDS = {"thing1": "subject", "thing2": "institution", "time3": "when", "thing4": "note"}
ALIPAY_FIELDS = {"keyword1": "subject", "keyword2": "when"}
VISIT = {
    "who": "张*",
    "institution": "云溪市第一人民医院东院区门诊综合大楼一层大厅",
    "department": "内科",
    "starts_at": "2026-11-23T01:00:00Z",
}
Rows = dict[str, Any]


class Resident:
    """Somebody with a phone, and perhaps a login through a platform."""

    def __init__(self, platform: Platform, db: Database[Rows], method: str = "wechat") -> None:
        self.platform, self.db, self.method = platform, db, method
        self.openid = openid_of("wx-test", "amy")
        self.user_id = user_id_of("2026000000000001", "amy")

    async def arrive(self) -> str:
        """Signs in by the platform, has a phone; the account's id."""
        templates = {
            "wechat": {"visit": {"template_id": "tpl-w", "fields": FIELDS}},
            "alipay": {"visit": {"template_id": "tpl-a", "fields": ALIPAY_FIELDS}},
        }
        await self.platform.decide(MessageTemplates, **templates)
        code = {"wechat": "wx:amy", "alipay": "ali:amy"}[self.method]
        answer = await self.platform.http.post("/api/v1/sessions", {"method": self.method, "code": code})
        self.token = str(answer.json["token"])
        phone = "19900009999"
        sms = await self.platform.sms_code(phone, purpose="phone")
        body = {"phone": phone, "code": sms}
        proven = await self.platform.http.send("PUT", "/api/v1/account/phone", body, token=self.token)
        if proven.status >= 400:
            proven = await self.platform.http.post("/api/v1/account/phone", body, token=self.token)
        assert proven.status < 300, proven.body
        self.account_id = str(self.db.accounts.find_one()["_id"])  # type: ignore[index]
        return self.account_id

    async def accept(self, *, at_vendor: bool = True) -> None:
        """Taps "allow" once."""
        template = {"wechat": "tpl-w", "alipay": "tpl-a"}[self.method]
        who = {"openid": self.openid} if self.method == "wechat" else {"user_id": self.user_id}
        if at_vendor:
            url = f"{self.platform.sandbox_url}/{self.method}/prompts"
            assert (await self.platform.http.post(url, {**who, "template_id": template})).status == 201
        body = {"template_id": template, "accepted": True}
        assert (
            await self.platform.http.post("/api/v1/message-credits", body, token=self.token)
        ).status == 200

    async def told(self, once: str, kind: str = "visit_soon") -> None:
        teller = self.platform.app.services.messages._teller
        at = self.platform.clock.now()
        assert await teller.tell(Told(kind, once, [self.account_id], VISIT, at)) == 1

    async def deliver(self, turns: int = 3) -> None:
        for _ in range(turns):
            for lane in self.platform.app.services.lanes:
                await lane.deliver_due()

    def outcomes(self, number: int = -1) -> list[tuple[str, str, str | None]]:
        rows = list(self.db.deliveries.find(sort=[("_id", 1)]))
        return [(one["channel"], one["state"], one.get("why")) for one in rows[number]["outcomes"]]

    async def brought(self, vendor: str) -> list[Rows]:
        found = (await self.platform.http.get(f"{self.platform.sandbox_url}/{vendor}/messages")).json
        messages: list[Rows] = found["messages"]
        return [one for one in messages if one.get("template") != "phone_code"]

    async def left(self) -> int:
        offered = (await self.platform.http.get("/api/v1/message-templates", token=self.token)).json
        return int(offered["templates"][0]["left"])


async def test_wechat_brings_what_was_accepted_and_sms_the_rest(
    platform: Platform, db: Database[Rows]
) -> None:
    resident = Resident(platform, db)
    await resident.arrive()
    await resident.accept()
    await resident.told("one")
    await resident.told("one")
    await resident.deliver()  # of two that are due at once, chance says which takes the credit
    platform.clock.advance(1)
    await resident.told("two")
    await resident.deliver()
    [message] = await resident.brought("wechat")
    assert message["openid"] == resident.openid
    shown = message["data"]["thing2"]["value"]
    assert len(shown) == 20 and shown.endswith("…") and VISIT["institution"].startswith(shown[:-1])
    assert message["data"]["time3"]["value"] == "2026年11月23日 09:00"
    assert resident.outcomes(0) == [("wechat", "sent", None)]
    assert resident.outcomes(1) == [
        ("wechat", "not_sent", "no_credit"),
        ("alipay", "not_sent", "no_address"),
        ("sms", "sent", None),
    ]
    [text] = await resident.brought("sms")
    assert "张" not in text["text"] and "内科" not in text["text"]
    inbox = await platform.messages(resident.token)
    assert len(inbox) == 2 and "张*" in inbox[0]["text"]
    assert "内科" not in str(db.messages.find_one()), "what tells of somebody's care is sealed"


async def test_alipay_takes_its_own(platform: Platform, db: Database[Rows]) -> None:
    resident = Resident(platform, db, "alipay")
    await resident.arrive()
    await resident.accept()
    await resident.told("one")
    await resident.deliver()
    platform.clock.advance(1)
    await resident.told("two", "visit_confirmed")
    await resident.deliver()
    [message] = await resident.brought("alipay")
    assert message["user_id"] == resident.user_id
    assert message["data"]["keyword2"]["value"] == "2026年11月23日 09:00"
    assert resident.outcomes(1) == [("wechat", "not_sent", "no_address"), ("alipay", "not_sent", "no_credit")]


async def test_the_platform_knows_better_than_our_count(platform: Platform, db: Database[Rows]) -> None:
    resident = Resident(platform, db)
    await resident.arrive()
    for _ in range(3):
        await resident.accept(at_vendor=False)
    await resident.told("one")
    await resident.deliver()
    assert resident.outcomes()[0] == ("wechat", "not_sent", "no_credit")
    assert await resident.left() == 0


@pytest.mark.parametrize(
    ("errcode", "why"), [(47003, "fields_refused"), (40037, "template_refused"), (40003, "address_refused")]
)
async def test_what_was_not_taken_is_given_back(
    platform: Platform, db: Database[Rows], errcode: int, why: str
) -> None:
    resident = Resident(platform, db)
    await resident.arrive()
    await resident.accept()
    await platform.http.get(f"{platform.sandbox_url}/wechat/messages")
    await platform.fault(
        "wechat", answer={"errcode": errcode, "errmsg": "no", "access_token": "t", "expires_in": 7200}
    )
    await resident.told("one")
    await resident.deliver()
    assert resident.outcomes()[0] == ("wechat", "not_sent", why)
    assert await resident.left() == 1


async def test_a_passing_refusal_is_tried_again_and_the_token_is_fetched_anew(
    platform: Platform, db: Database[Rows]
) -> None:
    resident = Resident(platform, db)
    await resident.arrive()
    await resident.accept()
    token = {"access_token": "no-token-of-theirs", "expires_in": 7200}
    await platform.fault("wechat", answer={**token, "errcode": 45009, "errmsg": "quota"})
    await resident.told("one")
    await resident.deliver()
    assert resident.outcomes() == []
    assert db.deliveries.find_one()["waits_for"] == "quota"  # type: ignore[index]
    await platform.fault("wechat")
    await resident.deliver()
    assert await resident.brought("wechat") == [], "not before its time"
    platform.clock.advance(10)
    await resident.deliver()
    assert len(await resident.brought("wechat")) == 1
    assert resident.outcomes() == [("wechat", "sent", None)]


@pytest.mark.parametrize("fault", [{"refuse": True}, {"garbage": True}, {"refuse": 502}])
async def test_nobody_knows_and_in_the_end_another_channel_brings_it(
    platform: Platform, db: Database[Rows], fault: dict[str, Any]
) -> None:
    resident = Resident(platform, db)
    await resident.arrive()
    await resident.accept()
    await platform.fault("wechat", **fault)
    await resident.told("one")
    for _ in range(8):
        await resident.deliver(1)
        platform.clock.advance(300)
    await resident.deliver()
    assert resident.outcomes() == [
        ("wechat", "unknown", "unknown"),
        ("alipay", "not_sent", "no_address"),
        ("sms", "sent", None),
    ]
    assert len(await resident.brought("sms")) == 1
    assert await resident.left() == 0, "what may have been used is not given back"


async def test_an_answer_that_was_lost_costs_one_credit(platform: Platform, db: Database[Rows]) -> None:
    resident = Resident(platform, db)
    await resident.arrive()
    await resident.accept()
    await platform.app.services.lanes[0].deliver_due()
    await resident.accept()
    await platform.fault("sms", lose_answer=True, times=1)
    await resident.told("one", "visit_cancelled")
    await resident.deliver()
    assert await resident.left() == 1
    platform.clock.advance(10)
    await resident.told("two", "visit_cancelled")
    await resident.deliver()
    platform.clock.advance(1)
    await resident.told("three", "visit_cancelled")
    await platform.fault("sms", lose_answer=True, times=1)
    await resident.deliver()
    platform.clock.advance(10)
    await resident.deliver()
    assert resident.outcomes()[-1] == ("sms", "sent", None)
    assert len(await resident.brought("sms")) == 1, "the gateway knows a message by its id"


async def test_a_channel_that_hangs_keeps_up_nobody_else(
    platform: Platform, db: Database[Rows], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendor, "TIMEOUT_S", 1)
    resident = Resident(platform, db)
    await resident.arrive()
    await resident.accept()
    await resident.told("one")
    await platform.fault("wechat", delay_s=30)
    wechat, alipay, sms = platform.app.services.lanes
    hanging = asyncio.ensure_future(wechat.deliver_due())
    await asyncio.sleep(0)
    platform.clock.advance(1)
    db.deliveries.insert_one(
        {
            "_id": "x",
            "account_id": resident.account_id,
            "kind": "visit_soon",
            "channel": "sms",
            "until": platform.clock.now() + timedelta(hours=1),
            "attempts": 0,
            "outcomes": [],
            "due_at": platform.clock.now(),
        }
    )
    assert await sms.deliver_due() == 1
    assert await alipay.deliver_due() == 0
    assert not hanging.done()
    assert await hanging == 1
    await platform.fault("wechat")


async def test_quiet_hours_and_choices_are_kept(platform: Platform, db: Database[Rows]) -> None:
    resident = Resident(platform, db)
    await resident.arrive()
    await resident.accept()
    platform.clock.advance(7 * 3600)  # 23:00 in the city
    await resident.told("one")
    await resident.deliver()
    assert resident.outcomes() == [] and await resident.brought("wechat") == []
    await resident.told("urgent", "visit_moved")
    await resident.deliver()
    assert len(await resident.brought("wechat")) == 1, "what is urgent comes at night"
    platform.clock.advance(8 * 3600)
    await resident.deliver()
    assert len(await resident.brought("sms")) == 1
    chosen = {"quiet_hours": None, "groups": {"visits": "inbox"}}
    await platform.http.send("PUT", "/api/v1/message-preferences", chosen, token=resident.token)
    platform.clock.advance(1)
    await resident.told("two")
    await resident.deliver()
    assert resident.outcomes() == [("wechat", "not_sent", "opted_out")]
    before = len(await platform.messages(resident.token))
    chosen = {"quiet_hours": None, "groups": {"visits": "nowhere"}}
    await platform.http.send("PUT", "/api/v1/message-preferences", chosen, token=resident.token)
    teller = platform.app.services.messages._teller
    nothing = Told("visit_soon", "three", [resident.account_id], VISIT, platform.clock.now())
    assert await teller.tell(nothing) == 0
    assert len(await platform.messages(resident.token)) == before


async def test_a_poison_message_parks_and_the_others_go_on(platform: Platform, db: Database[Rows]) -> None:
    resident = Resident(platform, db)
    await resident.arrive()
    await resident.accept()
    await resident.told("poison")
    db.messages.update_one({}, {"$set": {"content": b"not sealed by us"}})
    db.deliveries.update_one({}, {"$set": {"kind": "no_such_kind"}})
    platform.clock.advance(1)
    await resident.told("good")
    for _ in range(8):
        await resident.deliver(1)
        platform.clock.advance(300)
    [parked] = list(db.deliveries.find({"parked_at": {"$exists": True}}))
    assert parked["parked_because"]
    assert await platform.app.services.deliveries.backlog() == (0, 1)
    assert len(await resident.brought("wechat")) == 1
