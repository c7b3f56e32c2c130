"""CONF-040 … 069: scan-verify, and asking through the resident's phone."""

import secrets
from functools import partial

from server.conformance.case import Case, World
from server.conformance.client import Failed

SKEW_S = 5
REQUESTS = "/partner/v1/authorization-requests"


async def refused(world: World, *, expected: tuple[int, str], **changes: str) -> None:
    (await world.verify("x", **changes)).must_be(*expected)


async def unknown_card(world: World) -> None:
    (await world.verify(f"{secrets.token_hex(32).upper()}:1")).must_be(422, "code.unknown_card")


async def malformed(world: World) -> None:
    for text in ("https://example.org/", "0" * 64, "0" * 64 + ":0", "x" * 4096, "\u533b:1", ":::"):
        (await world.verify(text)).must_be(422, "code.malformed")


async def unknown_field(world: World) -> None:
    (await world.verify("x", colour="red")).must_be(400, "request.invalid")


async def not_json(world: World) -> None:
    for body in (b"{", b"\xff", b'{"code":"x","code":"y"}', b"[" * 1000):
        answer = await world.client.call("POST", "/partner/v1/verifications", body)
        answer.must_be(400, "request.not_json")


async def too_large(world: World) -> None:
    answer = await world.client.web.send("POST", "/partner/v1/verifications", b" " * 70_000)
    answer.must_be(413, "request.too_large")


async def verified(world: World) -> None:
    seen = (await world.verify(await world.code())).must_be(200).json
    person, card = seen["person"], seen["card"]
    if not (seen["is_dynamic"] and card["status"] == "active" and seen["verification_id"] and person["name"]):
        raise Failed("the answer lacks what a scan tells")
    if "*" not in person["id_no_masked"]:
        raise Failed("the document number is not masked")


async def used_again(world: World) -> None:
    code = await world.code()
    (await world.verify(code)).must_be(200)
    for _ in range(3):
        (await world.verify(code)).must_be(409, "code.already_used")


async def forged(world: World) -> None:
    code = await world.code()
    card_no, flag, token, centre = code.split(":")
    other = "0" if token[-1] != "0" else "1"
    later = f"{int(token[2:10], 16) + 1:08X}"
    for spoilt in (
        f"{card_no}:{flag}:{token[:-1]}{other}:{centre}",
        f"{card_no}:{flag}:{token[:2]}{later}{token[10:]}:{centre}",
        f"{card_no[:-1]}{'0' if card_no[-1] != '0' else '1'}:{flag}:{token}:{centre}",
    ):
        (await world.verify(spoilt)).must_be(422, "code.forged")
    (await world.verify(code)).must_be(200)  # and it is as good as before


async def static(world: World) -> None:
    seen = (await world.verify(await world.code("static"))).must_be(200).json
    if seen["is_dynamic"] or seen["person"]["id_no"] is not None:
        raise Failed("a static code tells more than whose card it is")


async def static_to_pay(world: World) -> None:
    (await world.verify(await world.code("static"), "0101051")).must_be(403, "scene.requires_dynamic")


async def superseded(world: World) -> None:
    older = await world.code()
    await world.pause(1.1)
    (await world.verify(await world.code())).must_be(200)
    (await world.verify(older)).must_be(409, "code.superseded")


async def expired(world: World) -> None:
    code = await world.code()
    assert world.holder is not None, "asked by cases that need a holder"
    await world.pause(world.holder.refresh_s + 2 * SKEW_S)
    (await world.verify(code)).must_be(422, "code.expired")


async def in_a_session(world: World) -> None:
    session = await world.client.open_session()
    (await world.verify(await world.code(), session=session)).must_be(200)


# -- asking through the phone
async def _asked(world: World) -> tuple[str, str]:
    question = {"terminal_id": world.client.terminal_id, "scene": "010101", "purpose": "conformance"}
    told = (await world.client.call("POST", REQUESTS, question)).must_be(201).json
    return str(told["request_id"]), str(told["qr_text"])


async def asked_of_resident(world: World) -> str:
    """A new request, waiting for the resident's answer."""
    return (await _asked(world))[0]


async def asks(world: World) -> None:
    request_id, text = await _asked(world)
    if not text.startswith(f"EHCA1:{request_id}:"):
        raise Failed("the text to show does not name the request")
    told = (await world.client.call("GET", f"{REQUESTS}/{request_id}")).must_be(200).json
    if told["state"] != "waiting" or told["verification"] is not None:
        raise Failed("a request nobody has answered is not waiting")


async def approved(world: World) -> None:
    request_id, _ = await _asked(world)
    assert world.holder is not None, "asked by cases that need a holder"
    await world.holder.answer(request_id, approves=True)
    told = [(await world.client.call("GET", f"{REQUESTS}/{request_id}")).must_be(200).json for _ in range(2)]
    if any(one["state"] != "approved" for one in told):
        raise Failed("an approved request is not approved")
    if told[0]["verification"] != told[1]["verification"]:
        raise Failed("asked twice, it is another verification")


async def turned_down(world: World) -> None:
    request_id, _ = await _asked(world)
    assert world.holder is not None, "asked by cases that need a holder"
    await world.holder.answer(request_id, approves=False)
    told = (await world.client.call("GET", f"{REQUESTS}/{request_id}")).must_be(200).json
    if told["state"] != "refused" or told["verification"] is not None:
        raise Failed("a refused request is not refused, or tells who refused")


async def no_request(world: World) -> None:
    answer = await world.client.call("GET", f"{REQUESTS}/{'0' * 26}")
    answer.must_be(404, "authorization.not_found")


CASES = (
    Case("CONF-040", "what is no code", malformed),
    Case("CONF-041", "a code of no card", unknown_card),
    Case(
        "CONF-042", "a scene in no table", partial(refused, expected=(422, "scene.unknown"), scene="999999")
    ),
    Case(
        "CONF-043",
        "a channel in no table",
        partial(refused, expected=(422, "channel.unknown"), channel="9999"),
    ),
    Case(
        "CONF-044",
        "a terminal of nobody",
        partial(refused, expected=(403, "terminal.unknown"), terminal_id="no"),
    ),
    Case("CONF-045", "a field that is not known", unknown_field),
    Case("CONF-046", "what is no JSON", not_json),
    Case("CONF-047", "a body of 70 kB", too_large),
    Case("CONF-050", "a dynamic code is verified, numbers masked", verified, ("holder",)),
    Case("CONF-051", "the same code again", used_again, ("holder",)),
    Case("CONF-052", "a code altered in card, time or MAC", forged, ("holder",)),
    Case("CONF-053", "a static code registers", static, ("holder",)),
    Case("CONF-054", "a static code does not pay", static_to_pay, ("holder",)),
    Case("CONF-055", "a code older than one that was accepted", superseded, ("holder",)),
    Case("CONF-056", "a code that is too old", expired, ("holder", "time")),
    Case("CONF-057", "verified in a session", in_a_session, ("holder",)),
    Case("CONF-060", "asking through the phone waits", asks),
    Case("CONF-061", "approved: one verification, however often asked", approved, ("holder",)),
    Case("CONF-062", "refused: nobody is named", turned_down, ("holder",)),
    Case("CONF-063", "a request of nobody", no_request),
)
