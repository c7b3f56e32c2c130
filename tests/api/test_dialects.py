"""Existing hospital software: register, show, verify through each dialect; and what is refused (V6)."""

import asyncio
import json
from typing import Any

import pytest
from pymongo.database import Database

from handlers.routes import application
from handlers.scopes import SCOPES
from sandbox.city import Resident
from server.core.audit import Actor
from tests.api.calls import another_process
from tests.dialect_clients import (
    BUSINESS,
    EHC_SECRET,
    OPEN,
    TENCENT_SECRET,
    EhcSoftware,
    TencentSoftware,
    switch_on,
)
from tests.harness import APP_ID, TERMINAL_ID, Platform, listening

pytestmark = [pytest.mark.feature("V6"), pytest.mark.gen_test(timeout=60)]
CARD = "ehealth_card_id"


def ehc_person(resident: Resident, **changes: Any) -> dict[str, Any]:
    return {
        "register_no": "R1",
        "register_time": "20261122080000",
        "apply_type": "01",
        "id_type": "01",
        "id_no": resident.id_no,
        "name": resident.name,
        "gender": "",
        "nation": "01",
        "nationality": "CHN",
        "cellphone": resident.phone,
        "address": None,
        "rzfs": "05",
        "file1": "",
        **changes,
    }


def code_read(code: str, **changes: str) -> dict[str, str]:
    return {"ehealth_code": code, "medstepcode": "010101", "terminalcode": TERMINAL_ID, **changes}


async def test_ehc_registers_shows_and_verifies_in_every_way_it_is_spoken(
    platform: Platform, db: Database[Any]
) -> None:
    await platform.admit(scopes=tuple(SCOPES))
    ways = [("plaintext", "hex"), ("plaintext", "base64"), ("ciphertext", "hex"), ("ciphertext", "base64")]
    for number, (rule, encoding) in enumerate(ways):
        success = ("10", "0", "200", "000")[number]
        failure = ("00", "1", "500", "999")[number]
        codes = {"success_code": success, "failure_code": failure}
        await switch_on(platform, "ehc", digest_rule=rule, encoding=encoding, **codes)
        software = EhcSoftware(platform, rule, encoding, upper=number % 2 == 1)
        resident = platform.residents[number]
        registered = await software.call("ehc.ehealthcard.register", ehc_person(resident))
        assert registered[0] == success, registered
        card_no = registered[2][CARD]
        again = await software.call("ehc.ehealthcard.register", ehc_person(resident))
        assert again[2] == {CARD: card_no, "is_new": "0"}

        static = await software.call("ehc.ehealthcode.generate", {CARD: card_no, "ewmbs": "1"})
        assert static[2] == {"ehealth_code": f"{card_no}:1::0000A0001"}
        shown = await software.call("ehc.ehealthcode.generate", {CARD: card_no, "ewmbs": "0"})
        seen = await software.call("ehc.ehealthcode.verify", code_read(shown[2]["ehealth_code"]))
        assert (seen[0], seen[2]["name"], seen[2]["id_no"]) == (success, resident.name, resident.id_no)
        used = await software.call("ehc.ehealthcode.verify", code_read(shown[2]["ehealth_code"]))
        assert used == (failure, "code.already_used", {})
        print_seen = await software.call("ehc.ehealthcode.verify", code_read(static[2]["ehealth_code"]))
        assert print_seen[0] == success and resident.id_no not in str(print_seen)
        assert (await software.call("ehc.ehealthcode.query", {CARD: card_no}))[2]["status"] == "active"
    issued = db.cards.find_one({"ehealth_card_id": card_no})
    assert issued is not None and issued["issues"][0]["clerk_id"] == "c-0042"
    rows = [row for name in ("partner_dialects", "usages", "audit") for row in db[name].find()]
    assert EHC_SECRET not in str(rows) and len(rows) > 10


async def test_ehc_changes_persons_and_takes_back_only_what_it_gave_out_by_mistake(
    platform: Platform,
) -> None:
    await platform.admit(scopes=tuple(SCOPES))
    await switch_on(platform, "ehc", terminals={"SK1": TERMINAL_ID})
    software, (mistake, owner) = EhcSoftware(platform), platform.residents[:2]
    [_, _, told] = await software.call("ehc.ehealthcard.register", ehc_person(mistake), term_id="SK1")
    changed = await software.call("ehc.ehealthcard.modify", {**told, "cellphone": "19900001234"})
    assert changed[0] == "10"
    by_document = {"id_type": "01", "id_no": mistake.id_no}
    found = await software.call("ehc.ehealthcard.regquery", by_document)
    assert (found[2][CARD], found[2]["cellphone"]) == (
        told[CARD],
        mistake.phone[:3] + "****" + mistake.phone[-4:],
    )
    for _ in range(2):  # the second time it is over already
        closed = await software.call("ehc.ehealthcard.close", {CARD: told[CARD], "revoke_no": "V1"})
        assert closed == ("10", "success", {CARD: told[CARD]})

    await platform.holder(owner)
    [_, _, told] = await software.call("ehc.ehealthcard.register", ehc_person(owner))
    assert (await software.call("ehc.ehealthcard.delete", told))[:2] == ("00", "card.in_use")
    stranger = platform.residents[2]
    await platform.holder(stranger)
    unknown = await software.call("ehc.ehealthcard.regquery", {"id_type": "01", "id_no": stranger.id_no})
    assert unknown[:2] == ("00", "card.not_found")


async def test_ehc_sees_its_own_institution_and_changes_none(platform: Platform) -> None:
    await platform.admit(scopes=("app",))
    await switch_on(platform, "ehc")
    software = EhcSoftware(platform)
    [code, _, own] = await software.call("ehc.ehealthcode.queryorg", {})
    assert (code, own["orgcode"]) == ("10", f"institution-of-{APP_ID}")
    assert (await software.call("ehc.ehealthcode.addorg", own))[0] == "10"
    other = {**own, "orgcode": "another"}
    assert (await software.call("ehc.ehealthcode.addorg", other))[1] == "institution.by_admission"
    assert (await software.call("ehc.ehealthcode.updateorg", other))[1] == "institution.by_admission"
    assert (await software.call("ehc.ehealthcode.queryorg", other))[1] == "institution.not_found"
    assert (await software.call("ehc.ehealthcard.register", {}))[1] == "scope.missing"
    assert (await software.call("ehc.ehealthcode.dance", {}))[1] == "dialect.unknown_call"


async def test_ehc_proves_itself_or_is_told_nothing(platform: Platform) -> None:
    await switch_on(platform, "ehc")
    good, method = EhcSoftware(platform), "ehc.ehealthcode.verify"
    content = code_read("not a code")
    assert (await good.call(method, content))[1] == "code.malformed"
    sent = good.envelope(method, content)
    assert (await good.send(sent))["msg"].startswith("code.malformed")
    async with another_process(platform) as other:
        at_ms = round(platform.clock.now().timestamp() * 1000)
        unproven = [
            (sent, "a replay"),
            ({**sent, "digest": sent["digest"].upper()}, "a replay in capitals"),
            ({**sent, "timestamp": int(sent["timestamp"])}, "a replay with a number"),
            ({**good.envelope(method, content), "digest": "0" * 64}, "another digest"),
            ({**good.envelope(method, content), "term_id": "T-0002"}, "another terminal"),
            (EhcSoftware(platform, encoding="base64").envelope(method, content), "another encoding"),
            (EhcSoftware(platform, rule="ciphertext").envelope(method, content), "another rule"),
            (EhcSoftware(platform, secret="F" * 16).envelope(method, content), "another secret"),
            (EhcSoftware(platform, app_id="nobody").envelope(method, content), "nobody's"),
            (good.envelope(method, content, timestamp=str(at_ms - 301_000)), "too old"),
            (good.envelope(method, content, timestamp=str(at_ms + 301_000)), "too new"),
        ]
        for envelope, what in unproven:
            for process in (platform, other):
                told = (await process.http.post(BUSINESS, envelope)).json
                assert told["code"] == "00" and told["digest"] == told["biz_content"] == "", what
                assert told["msg"].startswith("partner.unauthenticated"), what
    in_time = good.envelope(method, content, timestamp=str(at_ms - 299_000))
    assert (await good.send(in_time))["msg"].startswith("code.malformed")


async def test_of_one_call_sent_many_times_at_once_one_is_answered(platform: Platform) -> None:
    await switch_on(platform, "ehc")
    envelope = EhcSoftware(platform).envelope("ehc.ehealthcode.verify", code_read("x"))
    async with another_process(platform) as other:
        sent = [process.http.post(BUSINESS, envelope) for process in (platform, other) * 16]
        told = [answer.json["msg"].partition(":")[0] for answer in await asyncio.gather(*sent)]
    assert sorted(told) == ["code.malformed", *["partner.unauthenticated"] * 31]


async def test_tencent_registers_shows_and_verifies(platform: Platform) -> None:
    await platform.admit(scopes=tuple(SCOPES))
    await switch_on(platform, "tencent")
    software, resident = TencentSoftware(platform), platform.residents[0]
    await software.sign_in()
    person = {
        "wechatCode": "4D6F",
        "name": resident.name,
        "gender": "男" if int(resident.id_no[16]) % 2 else "女",
        "nation": "汉族",
        "birthday": f"{resident.id_no[6:10]}-{resident.id_no[10:12]}-{resident.id_no[12:14]}",
        "idNumber": resident.id_no,
        "idType": "01",
        "relation": "",
        "address": "云溪市",
        "phone1": resident.phone,
        "patid": "P-1",
    }
    code, message, card = await software.call("registerHealthCard", person)
    assert code == 0, message
    assert card["qrCodeText"].startswith(f"{card['healthCardId']}:1")
    seen = await software.call("getHealthCardByQRCode", {"qrCodeText": card["qrCodeText"]})
    assert (seen[2]["card"]["name"], seen[2]["card"]["phid"]) == (resident.name, card["phid"])

    wanted = {"healthCardId": card["healthCardId"], "idType": "01", "idNumber": resident.id_no}
    [_, _, dynamic] = await software.call("getDynamicQRCode", {**wanted, "codeType": 0})
    asked = {
        "qrCodeText": dynamic["qrCodeText"],
        "terminalId": TERMINAL_ID,
        "time": "2026-11-22 16:00:00",
        "medicalStep": "0101051",
        "channelCode": "0401",
        "useCityName": "",
    }
    verified = await software.call("verifyQRCode", asked)
    assert (verified[0], verified[2]["idNumber"]) == (0, resident.id_no)
    assert (await software.call("verifyQRCode", asked))[:2] == (20004, "code.already_used")
    other = {**wanted, "idNumber": platform.residents[1].id_no}
    assert (await software.call("getDynamicQRCode", other))[1] == "card.not_found"
    bound = await software.call("bindCardRelation", {"patid": "P-2", "qrCodeText": card["qrCodeText"]})
    assert bound == (0, "success", {"result": True})
    number = await platform.app.services.identifiers.find_person_id(f"institution-of-{APP_ID}", "P-2")
    assert number == card["phid"]


async def test_tencent_registers_many_each_for_itself(platform: Platform) -> None:
    await platform.admit(scopes=tuple(SCOPES))
    await switch_on(platform, "tencent")
    software = TencentSoftware(platform)
    await software.sign_in()
    people = [
        {"name": one.name, "idNumber": one.id_no, "idType": "01", "phone1": one.phone}
        for one in platform.residents[:3]
    ]
    people[1]["idNumber"] = "990101199003070029"
    code, _, told = await software.call("registerBatchHealthCard", {"healthCardItems": people})
    assert (code, [item["resultCode"] for item in told["rspItems"]]) == (0, [0, 22002, 0])
    assert told["rspItems"][0]["healthCardId"] and "healthCardId" not in told["rspItems"][1]
    many = await software.call("registerBatchHealthCard", {"healthCardItems": people * 6})
    assert many[:2] == (10002, "request.invalid")


async def test_tencent_reads_what_a_resident_approved(platform: Platform) -> None:
    await switch_on(platform, "tencent")
    software, resident = TencentSoftware(platform), platform.residents[0]
    await software.sign_in()
    question = {"terminal_id": TERMINAL_ID, "scene": "010101"}
    asked = await platform.partner().call("POST", "/partner/v1/authorization-requests", question)
    request_id = asked.body["request_id"]
    waiting = await software.call("getHealthCardByHealthCode", {"healthCode": request_id})
    assert waiting[1] == "authorization.not_found"
    token, card_id = await platform.holder(resident)
    path = f"/api/v1/authorization-requests/{request_id}/approval"
    assert (await platform.http.post(path, {"card_id": card_id}, token=token)).status == 204
    told = await software.call("getHealthCardByHealthCode", {"healthCode": request_id})
    assert told[2]["card"]["name"] == resident.name and resident.id_no not in str(told)


async def test_tencent_proves_itself_or_is_told_nothing(platform: Platform) -> None:
    await switch_on(platform, "tencent")
    software, call, content = (
        TencentSoftware(platform),
        "verifyQRCode",
        {"qrCodeText": "x", "medicalStep": "010101"},
    )
    assert (await software.call(call, content))[:2] == (11002, "dialect.token_over")
    await software.sign_in()
    sent = software.question(content)
    assert (await software.send(OPEN + call, sent))[1] == "code.malformed"
    at_s = int(platform.clock.now().timestamp())
    forged = software.question(content)
    forged["req"] = {**content, "medicalStep": "010105"}
    for question in (
        sent,
        forged,
        software.question(content, hospitalId="30002"),
        software.question(content, timestamp=at_s - 301),
        software.question(content, timestamp=at_s + 301),
        TencentSoftware(platform, secret="another", token=software.token).question(content),
    ):
        async with another_process(platform) as other:
            for process in (platform, other):
                told = (await process.http.post(OPEN + call, question)).json
                assert told["commonOut"]["resultCode"] == 11001 and told["rsp"] == {}
                assert told["commonOut"]["requestId"] == question["commonIn"]["requestId"]
    assert (await software.call("dance", {}))[1] == "dialect.unknown_call"
    platform.clock.advance(7200)
    assert (await software.call(call, content))[1] == "dialect.token_over"


async def test_off_until_staff_switch_it_on_and_at_once_off_again(platform: Platform) -> None:
    ehc, tencent = EhcSoftware(platform), TencentSoftware(platform)
    read = ("ehc.ehealthcode.verify", code_read("x"))
    assert (await ehc.send(ehc.envelope(*read)))["msg"].startswith("partner.unauthenticated")
    await switch_on(platform, "ehc")
    await switch_on(platform, "tencent")
    await tencent.sign_in()
    async with another_process(platform) as other:
        register, by = platform.app.services.partner_register, Actor("system", "test")
        assert (await ehc.call(*read))[1] == "code.malformed"
        await register.suspend(APP_ID, "a reason", by)
        await other.app.versions.poll()
        for process in (platform, other):
            told = (await process.http.post(BUSINESS, ehc.envelope(*read))).json
            assert told["msg"].startswith("partner.unauthenticated")
            platform.clock.advance(0.001)
            told = (await process.http.post(OPEN + "verifyQRCode", tencent.question({}))).json
            assert told["commonOut"]["resultCode"] == 11001
        await register.resume(APP_ID, by)
        assert (await ehc.call(*read))[1] == "code.malformed"
        staff = await platform.staff("partners.manage", "partners.read")
        base = f"/staff/v1/partners/{APP_ID}/dialects"
        shown = await platform.http.get(base, token=staff)
        assert [one["name"] for one in shown.json["dialects"]] == ["ehc", "tencent"]
        assert EHC_SECRET not in shown.body.decode() and TENCENT_SECRET not in shown.body.decode()
        assert (await platform.http.send("DELETE", f"{base}/ehc", token=staff)).status == 204
        assert (await platform.http.send("DELETE", f"{base}/ehc", token=staff)).error == "dialect.off"
        await other.app.versions.poll()
        for process in (platform, other):
            told = (await process.http.post(BUSINESS, ehc.envelope(*read))).json
            assert told["msg"].startswith("partner.unauthenticated")
            platform.clock.advance(0.001)


async def test_staff_say_how_it_is_spoken_and_hear_a_new_secret_once(platform: Platform) -> None:
    staff = await platform.staff("partners.review")
    base = f"/staff/v1/partners/{APP_ID}/dialects"

    async def put(name: str, **given: Any) -> Any:
        return await platform.http.send("PUT", f"{base}/{name}", given, token=staff)

    made = (await put("ehc")).json["app_secret"]
    assert len(made) == 16
    assert (await put("ehc", encoding="base64")).json == {"app_secret": None}
    software = EhcSoftware(platform, encoding="base64", secret=made)
    assert (await software.call("ehc.ehealthcode.verify", code_read("x")))[1] == "code.malformed"
    no_terminal = {**code_read("x"), "terminalcode": ""}
    told = await software.call("ehc.ehealthcode.verify", no_terminal, term_id="")
    assert told[1] == "terminal.unknown"
    assert (await put("ehc", app_secret="x" * 17)).error == "dialect.secret_invalid"
    assert (await put("ehc", success_code="00", failure_code="1")).error == "dialect.codes_alike"
    assert (await put("tencent")).error == "dialect.hospital_missing"
    assert (await put("ehc", terminal_id="T-9999")).error == "terminal.unknown"
    assert (await put("morse")).status == 404


async def test_in_production_it_is_spoken_over_tls_only(platform: Platform) -> None:
    await switch_on(platform, "ehc")
    platform.app.services.dialects._needs_tls = True
    software = EhcSoftware(platform)

    async def told(**headers: str) -> str:
        envelope = software.envelope("ehc.ehealthcode.verify", code_read("x"))
        platform.clock.advance(0.001)
        return str((await platform.http.post(BUSINESS, envelope, headers=headers)).json["msg"])

    assert (await told()).startswith("dialect.needs_tls")
    # Nobody has said that this address is a proxy of ours, so its word counts for nothing.
    assert (await told(**{"X-Forwarded-Proto": "https"})).startswith("dialect.needs_tls")
    behind = application(platform.app.services, proxies=frozenset({"127.0.0.1"}))
    async with listening(behind) as url:
        for proto, expected in (("https", "code.malformed"), ("http", "dialect.needs_tls")):
            envelope = software.envelope("ehc.ehealthcode.verify", code_read("x"))
            answer = await platform.http.post(url + BUSINESS, envelope, headers={"X-Forwarded-Proto": proto})
            assert answer.json["msg"].startswith(expected)
            platform.clock.advance(0.001)


@pytest.mark.parametrize("path", [BUSINESS, OPEN + "verifyQRCode", OPEN + "x%00", OPEN + "é"])
async def test_every_answer_keeps_the_dialects_form(platform: Platform, path: str) -> None:
    await switch_on(platform, "ehc")
    await switch_on(platform, "tencent")
    form = {"code", "msg", "biz_content", "digest"} if path == BUSINESS else {"commonOut", "rsp"}
    bodies = [b"", b"{}", b"[1]", b"\xff\xfe", b"{" * 50_000, b'{"commonIn":[],"req":1}', b"0" * 200_000]
    for raw in bodies:
        answer = await platform.http.send("POST", path.replace("é", "%C3%A9"), raw=raw)
        assert (answer.status, set(answer.json)) == (200, form), raw[:40]
    for method in ("GET", "PUT", "DELETE"):
        answer = await platform.http.send(method, path.replace("é", "%C3%A9"))
        assert (answer.status, set(answer.json)) == (405, form)
    if path == BUSINESS:
        software = EhcSoftware(platform)
        for content in (
            None,
            [],
            1,
            {"ehealth_code": {}},
            {"ehealth_code": "x" * 5000},
            {"medstepcode": [[]]},
        ):
            told = await software.call("ehc.ehealthcode.verify", content)
            assert told[0] == "00" and told[1] in ("request.not_json", "request.invalid")


async def test_a_bug_keeps_the_dialects_form_too(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    await switch_on(platform, "ehc")

    async def breaks(*_: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(platform.app.services.verification, "verify", breaks)
    software = EhcSoftware(platform)
    envelope = software.envelope("ehc.ehealthcode.verify", code_read("x"))
    answer = await platform.http.post(BUSINESS, envelope)
    assert answer.status == 500
    plain = software.open(answer.json["biz_content"])
    assert (answer.json["code"], json.loads(plain)) == ("00", {})
