"""CONF-100 … 119: the dialect `ehc.*`."""

import secrets
from dataclasses import replace
from functools import partial

from server.conformance.case import Case, Skipped, World
from server.conformance.client import Failed
from server.conformance.spoken import HOSTILE, UNPROVEN, EhcSpeaker, allowed, must_be


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
    must_be(refused, None)
    return str(told["ehealth_card_id"])


async def ehc_registers(world: World) -> None:
    if await _ehc_registered(world) != await _ehc_registered(world):
        raise Failed("the same person has two cards")


async def ehc_shows_and_verifies(world: World) -> None:
    card_no = await _ehc_registered(world)
    wanted = {"ehealth_card_id": card_no, "ewmbs": "1"}
    refused, told = await _ehc(world).call("ehc.ehealthcode.generate", wanted)
    must_be(refused, None)
    refused, seen = await _ehc(world).call("ehc.ehealthcode.verify", _code_read(told["ehealth_code"]))
    must_be(refused, None)
    if seen["name"] != world.people[2]["name"]:
        raise Failed("it is not the card of who was registered")


async def ehc_verifies_once(world: World) -> None:
    code = await world.code()
    must_be((await _ehc(world).call("ehc.ehealthcode.verify", _code_read(code)))[0], None)
    must_be((await _ehc(world).call("ehc.ehealthcode.verify", _code_read(code)))[0], "code.already_used")


async def ehc_no_method(world: World) -> None:
    must_be((await _ehc(world).call("ehc.ehealthcode.dance", {}))[0], "dialect.unknown_call")


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
    must_be(told["msg"].partition(":")[0], UNPROVEN)


async def ehc_uses_once(world: World) -> None:
    row = {"ehealth_card_id": await _ehc_registered(world), "medstepcode": "010101", "channelcode": "0100"}
    row |= {"use_no": secrets.token_hex(8)}
    for expected in ("accepted", "duplicate"):
        told = allowed(await _ehc(world).call("ehc.ehealthcode.usecarddate", [row]))
        if told["rows"][0]["result"] != expected:
            raise Failed(f"expected {expected}, was told {told['rows'][0]['result']}")


async def ehc_hostile(world: World) -> None:
    for raw in HOSTILE:
        told = await _ehc(world).send(raw)
        if told["code"] == _ehc(world).app["success_code"]:
            raise Failed("a broken envelope succeeds")


async def ehc_queries(world: World) -> None:
    card_no, person = await _ehc_registered(world), world.people[2]
    by_document = {"id_type": person["id_type"], "id_no": person["id_no"]}
    for method, content in (
        ("ehc.ehealthcard.regquery", {"ehealth_card_id": card_no}),
        ("ehc.ehealthcard.regquery", by_document),
        ("ehc.ehealthcode.query", {"ehealth_card_id": card_no}),
    ):
        told = allowed(await _ehc(world).call(method, content))
        if told["ehealth_card_id"] != card_no or told["name"] != person["name"]:
            raise Failed("it is not the card of who was registered")
        if "*" not in told["id_no"]:
            raise Failed("the document number is not masked")
    nobodys = {"ehealth_card_id": secrets.token_hex(32).upper()}
    must_be((await _ehc(world).call("ehc.ehealthcard.regquery", nobodys))[0], "card.not_found")


async def ehc_modifies(world: World) -> None:
    card_no = await _ehc_registered(world)
    moved = {"ehealth_card_id": card_no, "address": "1 Conformance Road"}
    told = allowed(await _ehc(world).call("ehc.ehealthcard.modify", moved))
    if told["ehealth_card_id"] != card_no:
        raise Failed("it is not the card of who was registered")


async def ehc_takes_back(world: World) -> None:
    """What it gives out in this case it takes back, so the case can be tried again."""
    person = world.people[3]
    content = {name: person[name] for name in ("id_type", "id_no", "name")} | {"cellphone": person["phone"]}
    for method in ("ehc.ehealthcard.close", "ehc.ehealthcard.delete"):
        told = allowed(await _ehc(world).call("ehc.ehealthcard.register", content))
        if told["is_new"] != "1":
            raise Skipped("the made-up person has a card already")
        named = {"ehealth_card_id": told["ehealth_card_id"], "revoke_no": secrets.token_hex(8)}
        allowed(await _ehc(world).call(method, named))
        read = _code_read(f"{told['ehealth_card_id']}:1")
        must_be((await _ehc(world).call("ehc.ehealthcode.verify", read))[0], "card.cancelled")


async def ehc_shows_renewing_code(world: World) -> None:
    wanted = {"ehealth_card_id": await _ehc_registered(world), "ewmbs": "0"}
    told = allowed(await _ehc(world).call("ehc.ehealthcode.generate", wanted))
    for expected in (None, "code.already_used"):
        read = await _ehc(world).call("ehc.ehealthcode.verify", _code_read(told["ehealth_code"]))
        must_be(read[0], expected)


async def ehc_own_organisation(world: World) -> None:
    own = allowed(await _ehc(world).call("ehc.ehealthcode.queryorg", {}))
    same = {"orgcode": own["orgcode"], "orgname": own["orgname"]}
    for method in ("ehc.ehealthcode.addorg", "ehc.ehealthcode.updateorg"):
        allowed(await _ehc(world).call(method, same))
        changed = {**same, "orgname": own["orgname"] + " 2"}
        must_be((await _ehc(world).call(method, changed))[0], "institution.by_admission")
    foreign = {"orgcode": secrets.token_hex(8)}
    must_be((await _ehc(world).call("ehc.ehealthcode.queryorg", foreign))[0], "institution.not_found")


async def ehc_visits_once(world: World) -> None:
    card_no = await _ehc_registered(world)
    for method in ("ehc.outpatient.add", "ehc.inpatient.add"):
        row = {"ehealth_card_id": card_no, "visit_no": secrets.token_hex(8)}
        for expected in ("accepted", "duplicate"):
            told = allowed(await _ehc(world).call(method, [row]))
            if told["rows"][0]["result"] != expected:
                raise Failed(f"expected {expected}, was told {told['rows'][0]['result']}")


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
    Case("CONF-111", "ehc: a card is queried, numbers masked", ehc_queries, ("ehc", "people")),
    Case("CONF-112", "ehc: what the hospital knows anew is taken", ehc_modifies, ("ehc", "people")),
    Case("CONF-113", "ehc: a card given out by mistake is taken back", ehc_takes_back, ("ehc", "people")),
    Case("CONF-114", "ehc: a renewing code is shown, good once", ehc_shows_renewing_code, ("ehc", "people")),
    Case("CONF-115", "ehc: an institution sees its own, changes none", ehc_own_organisation, ("ehc",)),
    Case("CONF-116", "ehc: a visit told twice is kept once", ehc_visits_once, ("ehc", "people")),
)
