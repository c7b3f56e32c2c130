"""CONF-100 … 139: the dialects of existing hospital software."""

import secrets
from dataclasses import replace
from functools import partial
from typing import Any

from server.conformance.case import Case, Skipped, World
from server.conformance.client import Failed
from server.conformance.spoken import EhcSpeaker, TencentSpeaker

UNPROVEN = "partner.unauthenticated"
HOSTILE = (b"", b"[]", b"\xff\xfe", b"{" * 2000, b'{"commonIn":[]}', b'{"app_id":{}}')


def _must(refused: str | None, expected: str | None) -> None:
    if refused != expected:
        raise Failed(f"expected {expected or 'success'}, was answered {refused or 'success'}")


# -- ehc.*
def _ehc(world: World) -> EhcSpeaker:
    return EhcSpeaker(world.client, world.known.dialects["ehc"])


def _code_read(code: str) -> dict[str, str]:
    return {"ehealth_code": code, "medstepcode": "010101"}


async def _ehc_registered(world: World) -> str:
    person = world.people[2]
    content = {"id_type": person["id_type"], "id_no": person["id_no"], "name": person["name"]}
    refused, told = await _ehc(world).call(
        "ehc.ehealthcard.register", {**content, "cellphone": person["phone"], "address": None}
    )
    _must(refused, None)
    return str(told["ehealth_card_id"])


async def ehc_registers(world: World) -> None:
    if await _ehc_registered(world) != await _ehc_registered(world):
        raise Failed("the same person has two cards")


async def ehc_shows_and_verifies(world: World) -> None:
    card_no = await _ehc_registered(world)
    wanted = {"ehealth_card_id": card_no, "ewmbs": "1"}
    refused, told = await _ehc(world).call("ehc.ehealthcode.generate", wanted)
    _must(refused, None)
    refused, seen = await _ehc(world).call("ehc.ehealthcode.verify", _code_read(told["ehealth_code"]))
    _must(refused, None)
    if seen["name"] != world.people[2]["name"]:
        raise Failed("it is not the card of who was registered")


async def ehc_verifies_once(world: World) -> None:
    code = await world.code()
    _must((await _ehc(world).call("ehc.ehealthcode.verify", _code_read(code)))[0], None)
    _must((await _ehc(world).call("ehc.ehealthcode.verify", _code_read(code)))[0], "code.already_used")


async def ehc_no_method(world: World) -> None:
    _must((await _ehc(world).call("ehc.ehealthcode.dance", {}))[0], "dialect.unknown_call")


async def ehc_unproven(world: World, *, how: str) -> None:
    ehc = _ehc(world)
    envelope = ehc.envelope("ehc.ehealthcode.verify", _code_read("x"))
    if how == "digest":
        envelope["digest"] = "0" * 64
    elif how == "terminal":
        envelope["term_id"] = "another"
    elif how == "replay":
        await ehc.send(envelope)
        envelope["digest"] = envelope["digest"].upper()
    elif how == "window":
        envelope = ehc.envelope("ehc.ehealthcode.verify", _code_read("x"), away_ms=-310_000)
    else:
        other = {"hex": "base64", "base64": "hex"}[ehc.app["encoding"]]
        speaker = replace(ehc, app={**ehc.app, "encoding": other})
        envelope = speaker.envelope("ehc.ehealthcode.verify", _code_read("x"))
    told = await ehc.send(envelope)
    if told["code"] == ehc.app["success_code"] or told["digest"]:
        raise Failed("a call that is not proven is answered")
    _must(told["msg"].partition(":")[0], UNPROVEN)


async def ehc_uses_once(world: World) -> None:
    row = {"ehealth_card_id": await _ehc_registered(world), "medstepcode": "010101", "channelcode": "0100"}
    row |= {"use_no": secrets.token_hex(8)}
    for expected in ("accepted", "duplicate"):
        refused, told = await _ehc(world).call("ehc.ehealthcode.usecarddate", [row])
        if refused == "scope.missing":
            raise Skipped("the app lacks the scope usage.report")
        _must(refused, None)
        if told["rows"][0]["result"] != expected:
            raise Failed(f"expected {expected}, was told {told['rows'][0]['result']}")


async def ehc_hostile(world: World) -> None:
    for raw in HOSTILE:
        told = await _ehc(world).send(raw)
        if told["code"] == _ehc(world).app["success_code"]:
            raise Failed("a broken envelope succeeds")


# -- the Tencent style
async def _tencent(world: World) -> TencentSpeaker:
    speaker = TencentSpeaker(world.client, world.known.dialects["tencent"])
    if "token" not in world.kept:
        asked = speaker.question({"appId": speaker.app["app_id"]})
        refused, told = await speaker.send("/HealthOpenAuth/AuthObj/getAppToken", asked)
        _must(refused, None)
        world.kept["token"] = str(told["appToken"])
    return replace(speaker, token=world.kept["token"])


async def tencent_token(world: World) -> None:
    if not (await _tencent(world)).token:
        raise Failed("no token")


async def _tencent_registered(world: World) -> Any:
    person, tencent = world.people[2], await _tencent(world)
    content = {"name": person["name"], "idNumber": person["id_no"], "idType": "01", "phone1": person["phone"]}
    refused, told = await tencent.call("registerHealthCard", {**content, "address": ""})
    _must(refused, None)
    return told


async def tencent_registers(world: World) -> None:
    if await _tencent_registered(world) != await _tencent_registered(world):
        raise Failed("the same person has two cards")


async def tencent_verifies(world: World) -> None:
    card = await _tencent_registered(world)
    asked = {"qrCodeText": card["qrCodeText"], "medicalStep": "010101"}
    refused, seen = await (await _tencent(world)).call("verifyQRCode", asked)
    _must(refused, None)
    if seen["phid"] != card["phid"]:
        raise Failed("it is not the card of who was registered")


async def tencent_verifies_once(world: World) -> None:
    asked = {"qrCodeText": await world.code(), "medicalStep": "010101"}
    tencent = await _tencent(world)
    _must((await tencent.call("verifyQRCode", asked))[0], None)
    _must((await tencent.call("verifyQRCode", asked))[0], "code.already_used")


async def tencent_no_call(world: World) -> None:
    _must((await (await _tencent(world)).call("dance", {}))[0], "dialect.unknown_call")


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
    _must((await tencent.send(path, question))[0], expected)


async def tencent_hostile(world: World) -> None:
    for raw in HOSTILE:
        refused, _ = await (await _tencent(world)).send("/HealthOpenPlatform/ISVOpenObj/verifyQRCode", raw)
        if refused is None:
            raise Failed("a broken envelope succeeds")


CASES = (
    Case("CONF-100", "ehc: a card is registered, once for one person", ehc_registers, ("ehc", "people")),
    Case("CONF-101", "ehc: its code is shown and verified", ehc_shows_and_verifies, ("ehc", "people")),
    Case("CONF-102", "ehc: a renewing code is verified once", ehc_verifies_once, ("ehc", "holder")),
    Case("CONF-103", "ehc: a method that is not there", ehc_no_method, ("ehc",)),
    Case("CONF-104", "ehc: another digest", partial(ehc_unproven, how="digest"), ("ehc",)),
    Case("CONF-105", "ehc: a field altered", partial(ehc_unproven, how="terminal"), ("ehc",)),
    Case("CONF-106", "ehc: the same call again", partial(ehc_unproven, how="replay"), ("ehc",)),
    Case("CONF-107", "ehc: a timestamp of 310 s ago", partial(ehc_unproven, how="window"), ("ehc",)),
    Case("CONF-108", "ehc: the other encoding", partial(ehc_unproven, how="encoding"), ("ehc",)),
    Case("CONF-109", "ehc: broken envelopes are answered in form", ehc_hostile, ("ehc",)),
    Case("CONF-110", "ehc: a use told in a batch, twice, is kept once", ehc_uses_once, ("ehc", "people")),
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
)
