"""CONF-120 … 139: the Tencent style."""

import secrets
from dataclasses import replace
from functools import partial
from typing import Any

from server.conformance.case import Case, Skipped, World
from server.conformance.client import Failed
from server.conformance.spoken import HOSTILE, UNPROVEN, TencentSpeaker, allowed, must_be
from server.conformance.verifying import asked_of_resident


async def _tencent(world: World) -> TencentSpeaker:
    speaker = TencentSpeaker(world.client, world.known.dialects["tencent"])
    if "token" not in world.kept:
        asked = speaker.question({"appId": speaker.app["app_id"]})
        refused, told = await speaker.send("/HealthOpenAuth/AuthObj/getAppToken", asked)
        must_be(refused, None)
        world.kept["token"] = str(told["appToken"])
    return replace(speaker, token=world.kept["token"])


async def tencent_token(world: World) -> None:
    if not (await _tencent(world)).token:
        raise Failed("no token")


async def _tencent_registered(world: World) -> Any:
    person, tencent = world.people[2], await _tencent(world)
    content = {"name": person["name"], "idNumber": person["id_no"], "idType": "01", "phone1": person["phone"]}
    refused, told = await tencent.call("registerHealthCard", {**content, "address": ""})
    must_be(refused, None)
    return told


async def tencent_registers(world: World) -> None:
    if await _tencent_registered(world) != await _tencent_registered(world):
        raise Failed("the same person has two cards")


async def tencent_verifies(world: World) -> None:
    card = await _tencent_registered(world)
    asked = {"qrCodeText": card["qrCodeText"], "medicalStep": "010101"}
    refused, seen = await (await _tencent(world)).call("verifyQRCode", asked)
    must_be(refused, None)
    if seen["phid"] != card["phid"]:
        raise Failed("it is not the card of who was registered")


async def tencent_verifies_once(world: World) -> None:
    asked = {"qrCodeText": await world.code(), "medicalStep": "010101"}
    tencent = await _tencent(world)
    must_be((await tencent.call("verifyQRCode", asked))[0], None)
    must_be((await tencent.call("verifyQRCode", asked))[0], "code.already_used")


async def tencent_no_call(world: World) -> None:
    must_be((await (await _tencent(world)).call("dance", {}))[0], "dialect.unknown_call")


async def tencent_unproven(world: World, *, how: str) -> None:
    tencent = await _tencent(world)
    path, content = (
        "/HealthOpenPlatform/ISVOpenObj/verifyQRCode",
        {"qrCodeText": "x", "medicalStep": "010101"},
    )
    question, expected = tencent.question(content), UNPROVEN
    if how == "request":
        question["req"]["medicalStep"] = "010105"
    elif how == "replay":
        await tencent.send(path, question)
    elif how == "window":
        question = tencent.question(content, away_s=-310)
    else:
        question, expected = replace(tencent, token="x" * 43).question(content), "dialect.token_over"
    must_be((await tencent.send(path, question))[0], expected)


async def tencent_hostile(world: World) -> None:
    for raw in HOSTILE:
        refused, _ = await (await _tencent(world)).send("/HealthOpenPlatform/ISVOpenObj/verifyQRCode", raw)
        if refused is None:
            raise Failed("a broken envelope succeeds")


async def tencent_registers_many(world: World) -> None:
    person, tencent = world.people[2], await _tencent(world)
    good = {"name": person["name"], "idNumber": person["id_no"], "phone1": person["phone"]}
    number = person["id_no"]
    bad = {**good, "idNumber": number[:-1] + ("0" if number[-1] != "0" else "1")}
    told = allowed(await tencent.call("registerBatchHealthCard", {"healthCardItems": [bad, good]}))
    refused, kept = told["rspItems"]
    if kept["resultCode"] != 0 or kept["phid"] != (await _tencent_registered(world))["phid"]:
        raise Failed("one that is refused holds up another")
    must_be(refused["errMsg"].partition(":")[0], "document.invalid_number")


async def tencent_reads_code(world: World) -> None:
    """A use like any other: a renewing code is used up by it."""
    card, tencent = await _tencent_registered(world), await _tencent(world)
    told = allowed(await tencent.call("getHealthCardByQRCode", {"qrCodeText": card["qrCodeText"]}))
    if told["card"]["phid"] != card["phid"] or "*" not in told["card"]["idNumber"]:
        raise Failed("it is not the card of who was registered, or its number is not masked")
    must_be((await tencent.call("getHealthCardByQRCode", {"qrCodeText": "x"}))[0], "code.malformed")


async def tencent_reads_code_once(world: World) -> None:
    asked, tencent = {"qrCodeText": await world.code()}, await _tencent(world)
    must_be((await tencent.call("getHealthCardByQRCode", asked))[0], None)
    must_be((await tencent.call("getHealthCardByQRCode", asked))[0], "code.already_used")
    again = {**asked, "medicalStep": "010101"}
    must_be((await tencent.call("verifyQRCode", again))[0], "code.already_used")


async def tencent_reads_approved(world: World) -> None:
    tencent = await _tencent(world)
    if tencent.app["app_id"] != world.client.known["app_id"]:
        raise Skipped("the app that speaks it is not the one that asks residents")
    request_id = await asked_of_resident(world)
    wanted = {"healthCode": request_id}
    call = "getHealthCardByHealthCode"
    must_be((await tencent.call(call, wanted))[0], "authorization.not_found")
    assert world.holder is not None, "asked by cases that need a holder"
    await world.holder.answer(request_id, approves=True)
    told = [allowed(await tencent.call(call, wanted)) for _ in range(2)]
    if told[0] != told[1] or not told[0]["card"]["name"]:
        raise Failed("asked twice, it is another card")


async def tencent_binds(world: World) -> None:
    card, tencent = await _tencent_registered(world), await _tencent(world)
    number = {"patid": "conformance-2", "qrCodeText": card["qrCodeText"]}
    for _ in range(2):
        if allowed(await tencent.call("bindCardRelation", number))["result"] is not True:
            raise Failed("the number is not bound")
    nobodys = {**number, "qrCodeText": f"{secrets.token_hex(32).upper()}:1"}
    must_be((await tencent.call("bindCardRelation", nobodys))[0], "card.not_found")


async def tencent_shows_code(world: World) -> None:
    card, person, tencent = await _tencent_registered(world), world.people[2], await _tencent(world)
    wanted = {"healthCardId": card["healthCardId"], "idType": "01", "idNumber": person["id_no"]}
    told = allowed(await tencent.call("getDynamicQRCode", {**wanted, "codeType": "1"}))
    if told["qrCodeText"].split(":")[:2] != [card["healthCardId"], "1"]:
        raise Failed("it is not the card's static code")
    told = allowed(await tencent.call("getDynamicQRCode", {**wanted, "codeType": "0"}))
    asked = {"qrCodeText": told["qrCodeText"], "medicalStep": "010101"}
    for expected in (None, "code.already_used"):
        must_be((await tencent.call("verifyQRCode", asked))[0], expected)


async def tencent_reports(world: World) -> None:
    card, tencent = await _tencent_registered(world), await _tencent(world)
    use = {
        "qrCodeText": card["qrCodeText"],
        "time": world.client.wall_time(),
        "scene": "010101",
        "cardChannel": "0100",
        "department": secrets.token_hex(4),
    }
    for _ in range(2):
        allowed(await tencent.call("reportHISData", use))
    must_be((await tencent.call("reportHISData", {**use, "scene": "999999"}))[0], "scene.unknown")


CASES = (
    Case("CONF-120", "Tencent style: a token", tencent_token, ("tencent",)),
    Case(
        "CONF-121", "Tencent style: registered, once for one person", tencent_registers, ("tencent", "people")
    ),
    Case("CONF-122", "Tencent style: its code is verified", tencent_verifies, ("tencent", "people")),
    Case("CONF-123", "Tencent style: a renewing code once", tencent_verifies_once, ("tencent", "holder")),
    Case("CONF-124", "Tencent style: a call that is not there", tencent_no_call, ("tencent",)),
    Case(
        "CONF-125", "Tencent style: a field altered", partial(tencent_unproven, how="request"), ("tencent",)
    ),
    Case(
        "CONF-126",
        "Tencent style: the same call again",
        partial(tencent_unproven, how="replay"),
        ("tencent",),
    ),
    Case("CONF-127", "Tencent style: 310 s ago", partial(tencent_unproven, how="window"), ("tencent",)),
    Case("CONF-128", "Tencent style: another token", partial(tencent_unproven, how="token"), ("tencent",)),
    Case("CONF-129", "Tencent style: broken envelopes, in form", tencent_hostile, ("tencent",)),
    Case(
        "CONF-130",
        "Tencent style: many are registered, each for itself",
        tencent_registers_many,
        ("tencent", "people"),
    ),
    Case("CONF-131", "Tencent style: a card is read by its code", tencent_reads_code, ("tencent", "people")),
    Case(
        "CONF-132",
        "Tencent style: a renewing code is read once",
        tencent_reads_code_once,
        ("tencent", "holder"),
    ),
    Case(
        "CONF-133",
        "Tencent style: a card is read as its resident approved",
        tencent_reads_approved,
        ("tencent", "holder"),
    ),
    Case("CONF-134", "Tencent style: a number of one's own is bound", tencent_binds, ("tencent", "people")),
    Case("CONF-135", "Tencent style: both codes are shown", tencent_shows_code, ("tencent", "people")),
    Case("CONF-136", "Tencent style: a use told twice is kept once", tencent_reports, ("tencent", "people")),
)
