"""Reading a card's code at a hospital (A4.3.1.3, B7.6): what it gives, and every way it is refused."""

import base64
from typing import Any

import pytest
from pymongo.database import Database

from sandbox.partner_client import Unauthenticated
from server.core.audit import Actor
from server.partners.model import App, Institution, Terminal
from tests.api.calls import another_process, call, is_signed_by_platform, scan_body
from tests.harness import APP_ID, PAIR, Platform

pytestmark = [pytest.mark.feature("I7", "V1", "V4", "V8", "V9"), pytest.mark.gen_test(timeout=60)]

PAYING = ("010105", "0101051", "0101053")
HOSTILE = {
    "url": "https://example.test/0000",
    "script": "<script>alert(1)</script>",
    "operator": '{"$ne": null}',
    "nul": "0" * 64 + ":1::0000A0001\u0000",
    "newline": "0" * 64 + ":1::0000A0001\n",
    "4 kB": "A" * 4096,
    "lower case": "ab" * 32 + ":1::0000A0001",
    "full width": "０" * 64 + ":1::0000A0001",
    "dynamic of two parts": "0" * 64 + ":0",
    "three parts": "0" * 64 + ":1:",
    "five parts": "0" * 64 + ":1::0000A0001:",
    "another flag": "0" * 64 + ":2::0000A0001",
    "short token": "0" * 64 + ":0:01ABCDEF:0000A0001",
}


async def refuse(platform: Platform, code: str, **changes: Any) -> tuple[int, str]:
    """(status, error code) of a scan; its reply was signed, or the client would not have believed it."""
    reply = await platform.scan(platform.partner(), code, **changes)
    return reply.status, (reply.error or ("accepted", ""))[0]


@pytest.mark.parametrize("with_session", [True, False])
async def test_a_terminal_gets_the_holder_masked(platform: Platform, with_session: bool) -> None:
    resident = platform.residents[0]
    token, card_id = await platform.holder(resident)
    client = platform.partner()
    session = await client.open_session("T-0001") if with_session else None
    seen = await platform.scan(client, await platform.code(token, card_id), session)
    assert seen.status == 200
    person = seen.body["person"]
    assert len(person.pop("person_id")) == 26
    assert person == {
        "name": resident.name,
        "gender": resident.gender,
        "birthday": resident.birth_on.isoformat(),
        "id_type": "01",
        "id_no_masked": resident.id_no[:3] + "*" * 11 + resident.id_no[-4:],
        "phone_masked": resident.phone[:3] + "****" + resident.phone[-4:],
        "id_no": None,
        "phone": None,
    }
    assert seen.body["card"] == {"card_id": card_id, "status": "active"}
    assert (seen.body["is_dynamic"], seen.body["issuer"]) == (True, "0000A0001")
    assert seen.body["verified_at"] == "2026-11-22T08:00:00Z"


async def test_a_wider_scope_gives_the_whole_numbers(platform: Platform) -> None:
    resident = platform.residents[0]
    token, card_id = await platform.holder(resident)
    await platform.admit(scopes=("verification", "verification.full"))
    seen = await platform.scan(platform.partner(), await platform.code(token, card_id))
    assert (seen.body["person"]["id_no"], seen.body["person"]["phone"]) == (resident.id_no, resident.phone)


async def test_a_static_code_gives_no_whole_number_even_with_the_scope(platform: Platform) -> None:
    await platform.admit(scopes=("verification", "verification.full"))
    token, card_id = await platform.holder(platform.residents[0])
    client = platform.partner()
    dynamic = await platform.code(token, card_id)
    made = f"{dynamic.split(':')[0]}:1::{dynamic.split(':')[3]}"
    seen = await platform.scan(client, made)
    assert seen.status == 200 and not seen.body["is_dynamic"]
    assert seen.body["person"]["id_no"] is None and seen.body["person"]["phone"] is None


async def test_an_app_without_the_scope_is_refused(platform: Platform) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    await platform.admit(scopes=())
    assert await refuse(platform, await platform.code(token, card_id)) == (403, "scope.missing")


@pytest.mark.parametrize("code", HOSTILE.values(), ids=HOSTILE.keys())
async def test_what_is_no_code_is_malformed(platform: Platform, code: str) -> None:
    assert await refuse(platform, code) == (422, "code.malformed")


async def test_more_than_4_kb_is_no_code_text(platform: Platform) -> None:
    assert await refuse(platform, "A" * 4097) == (400, "request.invalid")


async def test_a_code_of_no_card_is_unknown(platform: Platform) -> None:
    assert await refuse(platform, "0" * 64 + ":1::0000A0001") == (422, "code.unknown_card")


async def test_a_code_of_another_centre_is_not_ours(platform: Platform) -> None:
    assert await refuse(platform, "0" * 64 + ":1::9999Z9999") == (422, "issuer.unknown")


@pytest.mark.parametrize("status", ["pending", "frozen", "lost", "cancelled", "refused"])
async def test_a_card_that_is_not_active_is_not_accepted(
    platform: Platform, db: Database[Any], status: str
) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    codes = [await platform.code(token, card_id, kind) for kind in ("dynamic", "static")]
    db.cards.update_one({"_id": card_id}, {"$set": {"status": status}})
    for code in codes:
        assert await refuse(platform, code) == (409, f"card.{status}")
    assert db.usages.count_documents({}) == 0


async def test_scene_and_channel_are_of_the_tables(platform: Platform, db: Database[Any]) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    code = await platform.code(token, card_id)
    assert await refuse(platform, code, scene="999999") == (422, "scene.unknown")
    assert await refuse(platform, code, channel="9999") == (422, "channel.unknown")
    assert await refuse(platform, code, channel="0402") == (200, "accepted")
    assert db.usages.find_one()["channel"] == "0402"


@pytest.mark.parametrize("is_two_parts", [False, True], ids=["four parts", "two parts"])
async def test_a_static_code_identifies_and_never_pays(
    platform: Platform, db: Database[Any], is_two_parts: bool
) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    code = await platform.code(token, card_id, "static")
    if is_two_parts:
        code = ":".join(code.split(":")[:2])
    for scene in PAYING:
        assert await refuse(platform, code, scene=scene) == (403, "scene.requires_dynamic")
    seen = await platform.scan(platform.partner(), code)
    assert (seen.status, seen.body["is_dynamic"]) == (200, False)
    assert (await platform.scan(platform.partner(), code)).status == 200
    assert db.usages.count_documents({}) == 2


async def test_a_dynamic_code_presented_as_static_gains_nothing(platform: Platform) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    code = await platform.code(token, card_id)
    card, _, mac, centre = code.split(":")
    assert await refuse(platform, f"{card}:1:{mac}:{centre}") == (422, "code.malformed")
    for scene in PAYING:
        assert await refuse(platform, f"{card}:1::{centre}", scene=scene) == (403, "scene.requires_dynamic")
    assert await refuse(platform, code, scene="010105") == (200, "accepted")


async def test_a_dynamic_code_pays(platform: Platform) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    for scene in PAYING:
        assert await refuse(platform, await platform.code(token, card_id), scene=scene) == (200, "accepted")


async def test_a_terminal_is_the_apps_own(platform: Platform) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    await platform.admit("hospital-b", "T-B")
    await platform.admit(APP_ID, "T-0002")
    code = await platform.code(token, card_id)
    assert await refuse(platform, code, terminal_id="T-B") == (403, "terminal.unknown")
    assert await refuse(platform, code, terminal_id="T-none") == (403, "terminal.unknown")
    client = platform.partner()
    session = await client.open_session("T-0001")
    not_this_one = await platform.scan(client, code, session, terminal_id="T-0002")
    assert (not_this_one.status, not_this_one.error[0]) == (403, "terminal.unknown")
    with pytest.raises(Exception, match="not one of the caller's"):
        await client.open_session("T-B")
    assert await refuse(platform, code, terminal_id="T-0002") == (200, "accepted")


async def test_a_suspended_terminal_is_refused(platform: Platform) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    client = platform.partner()
    session = await client.open_session("T-0001")
    app = App(APP_ID, Institution("i", "n"), True, frozenset({"verification"}), {"k1": PAIR.public})
    idle = Terminal("T-0001", APP_ID, "place", "0100", False)
    await platform.app.services.partner_register.admit(app, [idle], Actor("system", "test"))
    code = await platform.code(token, card_id)
    refused = await platform.scan(client, code)
    assert (refused.status, refused.error[0]) == (403, "terminal.unknown")
    with pytest.raises(Unauthenticated):  # its session is over for every call, not for scans alone
        await client.call("GET", "/partner/v1/app", session=session)


async def test_a_suspended_app_is_refused_by_every_process(platform: Platform) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    async with another_process(platform) as other:
        client = other.partner()
        session = await client.open_session("T-0001")
        for used in (None, session):
            assert (await other.scan(client, await platform.code(token, card_id), used)).status == 200
        app = App(APP_ID, Institution("i", "n"), False, frozenset({"verification"}), {"k1": PAIR.public})
        await platform.app.services.partner_register.admit(app, [], Actor("system", "test"))
        await other.app.versions.poll()
        for process in (platform, other):
            for used in (None, session):
                with pytest.raises(Unauthenticated):
                    await process.scan(process.partner(), await platform.code(token, card_id), used)


async def test_a_use_is_recorded_and_the_holder_told(platform: Platform, db: Database[Any]) -> None:
    resident = platform.residents[0]
    token, card_id = await platform.holder(resident)
    code = await platform.code(token, card_id)
    seen = await platform.scan(platform.partner(), code, department="内科", purpose="挂号", scene="0101012")
    [usage] = list(db.usages.find())
    expected = {
        "_id": seen.body["verification_id"],
        "card_id": card_id,
        "app_id": APP_ID,
        "institution_id": f"institution-of-{APP_ID}",
        "terminal_id": "T-0001",
        "scene": "0101012",
        "channel": "0100",
        "department": "内科",
        "purpose": "挂号",
        "is_dynamic": True,
        "is_direct": True,
    }
    assert expected.items() <= usage.items()
    await platform.work()
    [receipt] = await platform.messages(token)
    assert receipt["data"]["scene_name"] == "当日挂号"
    assert receipt["data"]["place"] == "门诊收费窗口 3 号"
    assert receipt["data"]["verified_at"] == seen.body["verified_at"]
    unread = await platform.http.get("/api/v1/messages?limit=1", token=token)
    assert unread.json["messages"][0]["read_at"] is None
    await platform.http.post(f"/api/v1/messages/{receipt['message_id']}/read", token=token)
    assert (await platform.messages(token))[0]["read_at"] == "2026-11-22T08:00:00Z"


async def test_a_refusal_is_recorded_too(platform: Platform, db: Database[Any]) -> None:
    await refuse(platform, "0" * 64 + ":1::0000A0001")
    row = db.audit.find_one({"action": "cards.verify"})
    assert (row["outcome"], row["actor"]) == ("code.unknown_card", {"kind": "app", "id": APP_ID})


@pytest.mark.parametrize("with_session", [True, False])
async def test_every_reply_proves_itself(platform: Platform, with_session: bool) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    session = await platform.partner().open_session("T-0001") if with_session else None
    code = await platform.code(token, card_id)
    bodies = {
        200: scan_body(code),
        409: scan_body(code),
        403: scan_body(code, terminal_id="T-none"),
        422: scan_body("no code"),
        400: b"[]",
    }
    for status, body in bodies.items():
        sent = call(platform, body, session=session)
        answer = await sent.send(platform.http)
        assert answer.status == status
        assert is_signed_by_platform(platform, sent, answer)
        answer.headers["X-Signature"] = base64.b64encode(bytes(64)).decode()
        assert not is_signed_by_platform(platform, sent, answer)
