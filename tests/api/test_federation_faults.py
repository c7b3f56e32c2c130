"""A peer that is down, slow or broken: refused within the budget, and local scans go on (F21, F22)."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tornado.iostream import IOStream

from server.federation.asking import PLACES
from server.federation.model import BUDGET_S
from tests.api.calls import call, scan_body
from tests.federation import OTHER, Federation, outcome

pytestmark = [pytest.mark.feature("V5"), pytest.mark.gen_test(timeout=120)]

WITHIN_S = BUDGET_S + 0.5  # the half second is this machine's, not the protocol's
TIMES = 50
FAILURES = 5


def answer(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def says(reply: bytes) -> Callable[[IOStream], Awaitable[None]]:
    async def fault(stream: IOStream) -> None:
        await stream.read_until(b"\r\n\r\n")
        await stream.write(reply)

    return fault


async def resets(stream: IOStream) -> None:
    stream.close()


async def stays_silent(stream: IOStream) -> None:
    await stream.read_until(b"\r\n\r\n")
    await asyncio.sleep(30)


async def drips(stream: IOStream) -> None:
    await stream.read_until(b"\r\n\r\n")
    for byte in answer("200 OK", b"{}" * 30):
        await stream.write(bytes([byte]))
        await asyncio.sleep(1)


SWIFT = {
    "resets": resets,
    "garbage": says(b"\x00\x01\x02 garbage\r\n\r\n"),
    "half an answer": says(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"),
    "huge body": says(answer("200 OK", b'{"outcome": "' + b"x" * 2_000_000 + b'"}')),
    "redirect": says(answer("302 Found", b"{}", "Location: /elsewhere")),
    "200 with an error": says(answer("200 OK", b'{"error": {"code": "issuer.unknown", "message": ""}}')),
    "unsigned answer": says(answer("200 OK", b'{"outcome": "verified", "key_id": "k1", "statement": {}}')),
    "badly signed": says(answer("200 OK", b"{}", "X-Signature: AAAA", "X-Nonce: 0", "X-Timestamp: 1")),
    "server error": says(answer("500 Oops", b"{}")),
    "not ours to ask": says(answer("401 Unauthorized", b"{}")),
}
REFUSALS = {"issuer.unavailable", "issuer.untrusted"}


async def static_code(federation: Federation) -> str:
    token, card_id = await federation.other.holder(federation.other.residents[0])
    return await federation.other.code(token, card_id, "static")


@pytest.mark.parametrize("place", ["router", OTHER])
@pytest.mark.parametrize("name", SWIFT)
async def test_a_broken_peer_fails_closed_fifty_times(federation: Federation, name: str, place: str) -> None:
    code = await static_code(federation)
    door = federation.router_door if place == "router" else federation.doors[OTHER]
    door.fault = SWIFT[name]
    seen: Counter[str] = Counter()
    for _ in range(TIMES):
        seen[await outcome(federation.scan(code))] += 1
        federation.advance(11)  # whatever circuit opened lets the next one through
    assert sum(seen[refusal] for refusal in REFUSALS) == TIMES, seen
    assert door.passed >= TIMES
    assert federation.databases["0000A0001"].usages.count_documents({}) == 0
    door.fault = None
    assert await outcome(federation.scan(code)) == "accepted"


@pytest.mark.parametrize("place", ["router", OTHER])
@pytest.mark.parametrize("fault", [stays_silent, drips])
async def test_a_slow_peer_is_given_up_within_the_budget(
    federation: Federation, fault: Any, place: str
) -> None:
    code = await static_code(federation)
    door = federation.router_door if place == "router" else federation.doors[OTHER]
    door.fault = fault
    started_at = time.monotonic()
    reply = await federation.scan(code, key="scan-1")
    assert (reply.status, reply.error[0]) == (503, "issuer.unavailable")
    assert time.monotonic() - started_at < WITHIN_S
    door.fault = None
    assert (await federation.scan(code, key="scan-1")).status == 200


async def test_a_dead_router_is_left_alone_and_found_again(federation: Federation) -> None:
    code = await static_code(federation)
    federation.router_door.fault = resets
    for _ in range(FAILURES):
        assert await outcome(federation.scan(code)) == "issuer.unavailable"
    asked = federation.router_door.passed
    body = {"code": code, "scene": "010101", "terminal_id": "T-0001"}
    for _ in range(10):
        reply = await federation.own.partner().call("POST", "/partner/v1/verifications", body)
        assert reply.error and reply.error[0] == "issuer.unavailable"
    assert federation.router_door.passed == asked, "an open circuit asks nobody"
    federation.router_door.fault = None
    assert await outcome(federation.scan(code)) == "issuer.unavailable"
    federation.advance(10)
    assert await outcome(federation.scan(code)) == "accepted"
    assert await outcome(federation.scan(code)) == "accepted"


async def test_retry_after_says_when_the_circuit_closes(federation: Federation) -> None:
    code = await static_code(federation)
    federation.router_door.fault = resets
    for _ in range(FAILURES):
        await federation.scan(code)
    federation.advance(4)
    answered = await call(federation.own, scan_body(code)).send(federation.own.http)
    assert (answered.status, answered.headers["Retry-After"]) == (503, "7")


async def test_a_dead_centre_does_not_stop_another(federation: Federation) -> None:
    """The router's circuit and the asking centre's are of one issuing centre, not of all."""
    theirs = await static_code(federation)
    federation.doors[OTHER].fault = resets
    for _ in range(FAILURES + 2):
        assert await outcome(federation.scan(theirs)) == "issuer.unavailable"
    token, card_id = await federation.own.holder(federation.own.residents[1])
    ours = await federation.own.code(token, card_id)
    assert await outcome(federation.scan(ours, at=federation.other)) == "accepted"


async def test_local_scans_go_on_while_every_place_waits_for_a_silent_peer(federation: Federation) -> None:
    """Sixty foreign scans hang, or are turned away at once; a local scan is answered meanwhile."""
    theirs = await static_code(federation)
    token, card_id = await federation.own.holder(federation.own.residents[1])
    federation.doors[OTHER].fault = stays_silent
    scans = [call(federation.own, scan_body(theirs)) for _ in range(60)]
    hanging = [asyncio.create_task(scan.send(federation.own.http)) for scan in scans]
    waiting = []
    for _ in range(10):
        local = call(federation.own, scan_body(await federation.own.code(token, card_id)))
        assert (await local.send(federation.own.http)).status == 200
        waiting.append(sum(not task.done() for task in hanging))
        federation.advance(0.1)
    assert 0 < min(waiting) <= PLACES, "some wait in their places, the rest were told to come again"
    answers = await asyncio.gather(*hanging)
    assert {(answer.status, answer.error) for answer in answers} == {(503, "issuer.unavailable")}
