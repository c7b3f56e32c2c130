"""Uses and visits that existing hospital software tells afterwards (V6, V9)."""

from typing import Any

import pytest
from pymongo.database import Database

from handlers.scopes import SCOPES
from server.core.audit import Actor
from tests.dialect_clients import EhcSoftware, TencentSoftware, switch_on
from tests.harness import APP_ID, Platform

pytestmark = [pytest.mark.feature("V6", "V9"), pytest.mark.gen_test(timeout=60)]
USES = "ehc.ehealthcode.usecarddate"


async def card_no(platform: Platform) -> tuple[str, str]:
    """(the card's id on the wire, its static code)."""
    await platform.admit(scopes=tuple(SCOPES))
    code = await platform.code(*await platform.holder(platform.residents[0]), "static")
    return code[:64], code


def row(number: str, **changes: str) -> dict[str, str]:
    # 16:00 on the wall is 08:00 UTC, the hour at which the tests live.
    told = {
        "ehealthCardId": number,
        "medstepcode": "010101",
        "channelcode": "0100",
        "use_time": "20261122155900",
    }
    return {**told, **changes}


async def test_a_batch_is_kept_once_late_rows_marked_bad_ones_named(
    platform: Platform, db: Database[Any]
) -> None:
    number, code = await card_no(platform)
    await switch_on(platform, "ehc")
    software = EhcSoftware(platform)
    rows = [
        row(number, use_no="U1"),
        row(number, use_no="U2", use_time="20261101090000"),
        {**row("x"), "ehealthCardId": "", "ehealth_code": code, "use_no": "U3"},
    ]
    told = await software.call(USES, rows)
    assert (told[0], [(one["result"], one["late"]) for one in told[2]["rows"]]) == (
        "10",
        [("accepted", "0"), ("accepted", "1"), ("accepted", "0")],
    )
    again = await software.call(USES, [*rows, row("0" * 64, use_no="U4"), {"use_no": "U5"}])
    assert again[:2] == ("00", "usage.partly_refused")
    results = [(one["result"], one["msg"].partition(":")[0]) for one in again[2]["rows"]]
    refused = [("refused", "usage.no_card"), ("refused", "request.invalid")]
    assert results == [("duplicate", "")] * 3 + refused
    assert (await software.call(USES, row(number)))[2]["rows"][0]["result"] == "accepted"
    kept = list(db.usages.find({}, sort=[("_id", 1)]))
    assert [one["is_direct"] for one in kept] == [False, False, True, False]
    assert [one["is_late"] for one in kept] == [False, True, False, False]
    for content in ([], [row(number)] * 501):
        assert (await software.call(USES, content))[1] == "usage.too_many"
    assert (await software.call(USES, [1]))[1] == "request.not_json"
    assert (await software.call(USES, [row(number)] * 500))[0] == "10"
    assert db.usages.count_documents({}) == 4, "the same row, told 500 times"


async def test_visits_are_uses_at_registration(platform: Platform, db: Database[Any]) -> None:
    number, _ = await card_no(platform)
    await switch_on(platform, "ehc")
    software = EhcSoftware(platform)
    visit = {"ehealth_card_id": number, "visit_no": "MZ-1", "department": "内科"}
    for _ in range(2):
        platform.clock.advance(1)
        assert (await software.call("ehc.outpatient.add", [visit]))[0] == "10"
    assert (await software.call("ehc.inpatient.add", visit))[0] == "10"
    kept = [(one["scene"], one["is_direct"], one["department"]) for one in db.usages.find()]
    assert kept == [("010101", False, "内科")] * 2


async def test_tencent_reports_a_use_once(platform: Platform, db: Database[Any]) -> None:
    _, code = await card_no(platform)
    await switch_on(platform, "tencent")
    software = TencentSoftware(platform)
    await software.sign_in()
    use = {
        "qrCodeText": code,
        "time": "2026-11-22 15:59:00",
        "hospitalCode": "30001",
        "scene": "0101051",
        "department": "内科",
        "cardType": "11",
        "cardChannel": "0401",
        "cardCostTypes": "0100",
    }
    for _ in range(2):
        assert await software.call("reportHISData", use) == (0, "success", {"none": ""})
    assert (await software.call("reportHISData", {**use, "scene": "9"}))[:2] == (13001, "scene.unknown")
    assert (await software.call("reportHISData", {**use, "time": "now"}))[:2] == (10002, "request.invalid")
    [kept] = list(db.usages.find())
    assert (kept["scene"], kept["cost_type"], kept["channel"]) == ("0101051", "0100", "0401")


async def test_an_institutions_own_codes_are_read_as_it_means_them(
    platform: Platform, db: Database[Any]
) -> None:
    _, code = await card_no(platform)
    await switch_on(platform, "ehc")
    tables = {"steps": {"GH": "0101012"}, "channels": {"01": "0100"}, "cost_types": {}}
    mappings = platform.app.services.code_mappings
    await mappings.put(f"institution-of-{APP_ID}", 0, tables, Actor("system", "test"))
    read = {"ehealth_code": code, "medstepcode": "GH", "channelcode": "01"}
    assert (await EhcSoftware(platform).call("ehc.ehealthcode.verify", read))[0] == "10"
    assert [(one["scene"], one["channel"]) for one in db.usages.find()] == [("0101012", "0100")]
