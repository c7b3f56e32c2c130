"""CONF-001 … 039: who is believed, with SM2 and in a terminal's session."""

import base64
from collections.abc import Awaitable, Callable
from functools import partial

from server.conformance.case import Case, World
from server.conformance.client import PARTS, Answer, Failed, Parts, Session
from server.core.crypto.der import signature_to_der

PATH = "/partner/v1/verifications"
UNPROVEN = (401, "partner.unauthenticated")
NO_CODE = (422, "code.malformed")
"How a call is answered that is proven and asks about no code at all: it uses nothing up."
# What stands in the signed text instead of what is sent.
ALTERED = {
    "method": "PUT",
    "path": "/partner/v1/cards",
    "query": "a=1",
    "body": b"{}",
    "app_id": "somebody-else",
    "key_id": "another-key",
    "timestamp": "1790000000000",
    "nonce": "0" * 32,
}


async def _session(world: World) -> Session:
    if "session" not in world.kept:
        world.kept["session"] = await world.client.open_session()
    session: Session = world.kept["session"]
    return session


def _question(world: World) -> dict[str, str]:
    return {"code": "x", "scene": "010101", "terminal_id": world.client.terminal_id}


async def _spoilt(
    world: World,
    change: Callable[[Parts, dict[str, str]], dict[str, str]],
    session: Session | None = None,
    away_ms: int = 0,
) -> Answer:
    """The answer to a call of which `change` gives the headers."""
    client = world.client
    parts = client.parts("POST", PATH, _question(world), session=session, away_ms=away_ms)
    headers = client.headers(parts, client.signature(parts, session), session)
    return await client.send(parts, change(parts, headers))


async def is_answered(world: World) -> None:
    (await world.verify("x")).must_be(*NO_CODE)


async def is_answered_in_a_session(world: World) -> None:
    (await world.verify("x", session=await _session(world))).must_be(*NO_CODE)


async def altered(world: World, *, part: str, in_session: bool) -> None:
    session = await _session(world) if in_session else None
    client = world.client

    def change(parts: Parts, _: dict[str, str]) -> dict[str, str]:
        spoilt = {**parts, part: ALTERED[part]}
        return client.headers(parts, client.signature(spoilt, session), session)

    (await _spoilt(world, change, session)).must_be(*UNPROVEN)


async def of_another_key(world: World) -> None:
    key = world.client.another_key()

    def change(parts: Parts, _: dict[str, str]) -> dict[str, str]:
        return world.client.headers(parts, world.client.signature(parts, None, key), None)

    (await _spoilt(world, change)).must_be(*UNPROVEN)


async def unsigned(world: World) -> None:
    answer = (await _spoilt(world, lambda parts, headers: {})).must_be(*UNPROVEN)
    if "X-Signature" in answer.headers:
        raise Failed("who is not proven gets a signed answer")


async def as_asn1(world: World) -> None:
    def change(_: Parts, headers: dict[str, str]) -> dict[str, str]:
        der = signature_to_der(base64.b64decode(headers["X-Signature"]))
        return {**headers, "X-Signature": base64.b64encode(der).decode()}

    (await _spoilt(world, change)).must_be(*UNPROVEN)


async def away(world: World, *, by_s: int) -> None:
    (await _spoilt(world, lambda parts, headers: headers, away_ms=by_s * 1000)).must_be(*UNPROVEN)


async def within_the_window(world: World) -> None:
    for by_s in (-290, 290):
        answer = await _spoilt(world, lambda parts, headers: headers, away_ms=by_s * 1000)
        answer.must_be(*NO_CODE)


async def replayed(world: World, *, in_session: bool) -> None:
    session, client = await _session(world) if in_session else None, world.client
    parts = client.parts("POST", PATH, _question(world), session=session)
    headers = client.headers(parts, client.signature(parts, session), session)
    (await client.send(parts, headers)).must_be(*NO_CODE)
    for _ in range(3):
        (await client.send(parts, headers)).must_be(*UNPROVEN)


async def nonce_in_capitals(world: World) -> None:
    client = world.client
    parts = client.parts("POST", PATH, _question(world))
    parts["nonce"] = "ABCDEF" + parts["nonce"][6:]
    headers = client.headers(parts, client.signature(parts, None), None)
    (await client.send(parts, headers)).must_be(*UNPROVEN)


async def query_in_any_order(world: World) -> None:
    answer = await world.client.call("GET", "/partner/v1/pix", query="target=z&source=%e5%8c%bb%7C1")
    if answer.status == UNPROVEN[0]:
        raise Failed("the query is not signed in its canonical form")


async def opens_a_session(world: World) -> None:
    if len((await _session(world)).key) != 32:
        raise Failed("the session's key has not 32 bytes")


async def no_session_in_a_session(world: World) -> None:
    asked = {"terminal_id": world.client.terminal_id}
    answer = await world.client.call("POST", "/partner/v1/sessions", asked, session=await _session(world))
    answer.must_be(403, "session.needs_sm2")


async def another_terminal(world: World) -> None:
    session = await _session(world)
    answer = await world.verify("x", terminal_id=f"{world.client.terminal_id}-x", session=session)
    answer.must_be(403, "terminal.unknown")


def _each_altered(first: int, in_session: bool) -> list[Case]:
    how = "HMAC" if in_session else "SM2"

    def run(part: str) -> Callable[[World], Awaitable[None]]:
        return partial(altered, part=part, in_session=in_session)

    return [
        Case(f"CONF-{first + number:03}", f"{how}: the signed {part} is not the sent one", run(part))
        for number, part in enumerate(PARTS)
    ]


CASES = (
    Case("CONF-001", "SM2: a call is answered, the reply is proven", is_answered),
    *_each_altered(2, in_session=False),
    Case("CONF-010", "SM2: signed with a key that nobody registered", of_another_key),
    Case("CONF-011", "a call without a signature is told nothing", unsigned),
    Case("CONF-012", "SM2: a signature in ASN.1", as_asn1),
    Case("CONF-013", "a timestamp of 310 s ago", partial(away, by_s=-310)),
    Case("CONF-014", "a timestamp 310 s ahead", partial(away, by_s=310)),
    Case("CONF-015", "a clock 290 s off is believed", within_the_window),
    Case("CONF-016", "SM2: the same call again", partial(replayed, in_session=False)),
    Case("CONF-017", "a nonce in capitals", nonce_in_capitals),
    Case("CONF-018", "a query is signed in its canonical form", query_in_any_order),
    Case("CONF-020", "a session is opened, its key is for us", opens_a_session),
    Case("CONF-021", "HMAC: a call is answered, the reply is proven", is_answered_in_a_session),
    *_each_altered(22, in_session=True),
    Case("CONF-030", "HMAC: the same call again", partial(replayed, in_session=True)),
    Case("CONF-031", "a session serves its own terminal only", another_terminal),
    Case("CONF-032", "a session opens no session", no_session_in_a_session),
)
