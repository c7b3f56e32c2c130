"""Calls between centres, signed by hand: what is proven, and what nobody can make a centre believe."""

import base64
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from handlers.openapi import operations
from handlers.routes import ROUTER_ROUTES
from sandbox import sm2
from sandbox.partner_client import reply_string, request_string
from server.core.crypto.provider import choose_provider
from server.core.signing import encoded
from server.federation.model import PATH, Answer, Certificate, Signed
from server.federation.statement import CERTIFICATE, STATEMENT, certificate_text
from tests.federation import ANCHOR, OTHER, OWN, Federation, outcome
from tests.harness import Answer as HttpAnswer
from tests.harness import Http, Platform

pytestmark = [pytest.mark.feature("V5"), pytest.mark.gen_test(timeout=60)]

STRANGER = choose_provider().private_key(choose_provider().generate_key_pair().private)


async def code_of(platform: Platform, kind: str = "static") -> str:
    token, card_id = await platform.holder(platform.residents[0])
    return await platform.code(token, card_id, kind)


def question(code: str, **changes: Any) -> dict[str, Any]:
    return {
        "code": code,
        "scene": "010101",
        "channel": "0100",
        "asked_by": OWN,
        "institution_id": "hospital-a",
        "institution": "The first hospital",
        "terminal_id": "T-0001",
        "place": "Window 3",
        "wants_full": False,
        "request": secrets.token_hex(32),
        "hops": 0,
        "budget_ms": 2500,
        **changes,
    }


@dataclass(frozen=True)
class PeerCall:
    """One call of a centre, or of the router, with its real key unless another is given."""

    peer_id: str
    key: Any
    at_ms: int
    content: dict[str, Any] | None = None
    path: str = PATH
    query: str = ""
    key_id: str = "k1"

    async def send(self, http: Http, *, nonce: str = "", **changes: str) -> HttpAnswer:
        body = b"" if self.content is None else json.dumps(self.content).encode()
        method = "GET" if self.content is None else "POST"
        nonce = nonce or secrets.token_hex(16)
        signed = request_string(
            method, self.path, self.query, body, self.peer_id, self.key_id, str(self.at_ms), nonce
        )
        headers = {
            "X-App-Id": self.peer_id,
            "X-Key-Id": self.key_id,
            "X-Timestamp": str(self.at_ms),
            "X-Nonce": nonce,
            "X-Sign-Type": "SM2",
            "X-Signature": encoded(self.key.sign(signed)),
            **changes,
        }
        target = self.path + (f"?{self.query}" if self.query else "")
        answer = await http.send(method, target, raw=body or None, headers=headers)
        if "X-Signature" in answer.headers:
            assert answer.headers["X-Nonce"] == nonce
        return answer


def from_centre(federation: Federation, content: dict[str, Any] | None = None, **more: Any) -> PeerCall:
    _, key = federation.own.app.seals.federation_key()
    at_ms = round(federation.router_clock.now().timestamp() * 1000)
    return PeerCall(OWN, key, at_ms, content, **more)


def from_router(federation: Federation, content: dict[str, Any], **more: Any) -> PeerCall:
    _, key = federation.router.seals.federation_key()
    at_ms = round(federation.other.clock.now().timestamp() * 1000)
    return PeerCall("router", key, at_ms, content, **more)


async def test_an_independent_centre_is_answered_and_can_check_it(federation: Federation) -> None:
    """By another implementation of SM2 and of the strings, from docs/federation.md alone."""
    code = await code_of(federation.other)
    call = from_centre(federation, question(code))
    answer = await call.send(federation.router_http)
    assert answer.status == 200
    _, router_key = federation.router.seals.federation_key()
    headers = answer.headers
    text = reply_string(200, answer.body, headers["X-Timestamp"], headers["X-Nonce"])
    assert sm2.verify(router_key.public.raw[1:], text, base64.b64decode(headers["X-Signature"]))
    certificate, statement = answer.json["certificate"], answer.json["statement"]
    assert sm2.verify(
        ANCHOR.public.raw[1:],
        b"EHC-CERTIFICATE-1\n" + certificate["text"].encode(),
        base64.b64decode(certificate["signature"]),
    )
    named = json.loads(certificate["text"])
    assert named["centre_id"] == OTHER
    assert sm2.verify(
        bytes.fromhex(named["public_key"])[1:],
        b"EHC-ANSWER-1\n" + statement["text"].encode(),
        base64.b64decode(statement["signature"]),
    )
    assert json.loads(statement["text"])["person"]["name"] == federation.other.residents[0].name


@pytest.mark.parametrize(("off_s", "status"), [(-299, 200), (299, 200), (-301, 401), (301, 401)])
async def test_a_clock_may_be_five_minutes_off(federation: Federation, off_s: int, status: int) -> None:
    code = await code_of(federation.other)
    call = from_centre(federation, question(code))
    answer = await replace(call, at_ms=call.at_ms + off_s * 1000).send(federation.router_http)
    assert answer.status == status, answer.body
    call = from_router(federation, question(code, hops=1))
    answer = await replace(call, at_ms=call.at_ms + off_s * 1000).send(federation.other.http)
    assert answer.status == status, answer.body


@pytest.mark.parametrize(("off_s", "result"), [(299, "accepted"), (-299, "accepted"), (301, ""), (-301, "")])
async def test_skew_between_the_three_processes(federation: Federation, off_s: int, result: str) -> None:
    code = await code_of(federation.other)
    federation.router_clock.advance(off_s)
    assert await outcome(federation.scan(code)) == (result or "issuer.unavailable")


async def test_what_is_not_proven_is_401_at_both(federation: Federation) -> None:
    code = await code_of(federation.other)
    ways = (
        (from_centre(federation, question(code)), federation.router_http),
        (from_router(federation, question(code, hops=1)), federation.other.http),
    )
    for call, http in ways:
        spoiled = [
            await replace(call, key=STRANGER).send(http),
            await replace(call, key_id="k9").send(http),
            await replace(call, peer_id="0000C0001").send(http),
            await call.send(http, **{"X-Sign-Type": "HMAC-SM3"}),
            await call.send(http, **{"X-Timestamp": "soon"}),
            await call.send(http, **{"X-Signature": "A" * 86 + "=="}),
        ]
        for answer in spoiled:
            assert (answer.status, answer.error) == (401, "federation.unauthenticated")
            assert "X-Signature" not in answer.headers
        nonce = secrets.token_hex(16)
        assert (await call.send(http, nonce=nonce)).status == 200
        assert (await call.send(http, nonce=nonce)).status == 401, "a replay"
    # A centre cannot go past the router, nor the router speak as a centre.
    direct = from_centre(federation, question(code, hops=1))
    assert (await direct.send(federation.other.http)).status == 401


async def test_a_question_goes_round_no_circle(federation: Federation) -> None:
    theirs, ours = await code_of(federation.other), await code_of(federation.own)
    refused = [
        await from_centre(federation, question(theirs, hops=1)).send(federation.router_http),
        await from_centre(federation, question(ours)).send(federation.router_http),
        await from_centre(federation, question(theirs, asked_by="0000C0001")).send(federation.router_http),
        await from_router(federation, question(theirs, hops=2)).send(federation.other.http),
        await from_router(federation, question(theirs, hops=0)).send(federation.other.http),
        await from_router(federation, question(ours, hops=1)).send(federation.other.http),
    ]
    assert [(answer.status, answer.error) for answer in refused] == [(422, "federation.loop")] * 6
    # A centre that is admitted with the router's own address.
    federation.doors[OTHER].target = federation.router_http.base
    assert await outcome(federation.scan(theirs)) == "issuer.unavailable"


async def test_no_time_left_means_no_use(federation: Federation) -> None:
    code = await code_of(federation.other, "dynamic")
    answer = await from_centre(federation, question(code, budget_ms=150)).send(federation.router_http)
    assert (answer.status, answer.error) == (503, "issuer.unavailable")
    assert federation.databases[OTHER].usages.count_documents({}) == 0
    assert await outcome(federation.scan(code)) == "accepted"


async def test_no_field_takes_an_operator(federation: Federation) -> None:
    good = question(await code_of(federation.other))
    for name in good:
        for spoiled in ({"$gt": ""}, {"$ne": None}, ["$where"], None):
            for call, http in (
                (from_centre(federation, {**good, name: spoiled}), federation.router_http),
                (from_router(federation, {**good, name: spoiled}), federation.other.http),
            ):
                answer = await call.send(http)
                assert (answer.status, answer.error) == (400, "request.invalid"), (name, spoiled)


# -- peers that lie
def lying(federation: Federation, at: Any, change: Callable[[Answer], Answer]) -> None:
    """From now on `at` (the router, or the issuing centre) changes its answers, and signs them."""
    truly = at.answer

    async def answer(peer: Any, asked: Any) -> Answer:
        return change(await truly(peer, asked))

    at.answer = answer


def signed_by(key: Any, prefix: bytes, text: str) -> Signed:
    return Signed(text, encoded(key.sign(prefix + text.encode())))


def altered(answer: Answer, key: Any, **changes: Any) -> Answer:
    """The statement changed and signed anew with `key`."""
    text = json.dumps({**json.loads(answer.statement.text), **changes}, ensure_ascii=False)
    return replace(answer, statement=signed_by(key, STATEMENT, text))


@pytest.mark.parametrize(
    "change",
    [
        {"code_digest": "0" * 64},
        {"scene": "0101051"},
        {"request": "0" * 64},
        {"terminal_id": "T-9999"},
        {"asked_by": "0000C0001"},
        {"issuer": OWN},
        {"person": {"name": ""}},
        {"person": None},
        {"verified_at": "yesterday"},
        {"outcome": "code.ok", "kind": "Success"},
    ],
    ids=str,
)
async def test_an_issuing_centre_cannot_answer_for_something_else(
    federation: Federation, change: dict[str, Any]
) -> None:
    code = await code_of(federation.other)
    _, key = federation.other.app.seals.federation_key()
    lying(federation, federation.other.app.services.federation, lambda a: altered(a, key, **change))
    assert await outcome(federation.scan(code)) == "issuer.untrusted"
    assert federation.databases[OWN].usages.count_documents({}) == 0


async def test_an_answer_signed_with_another_key_is_refused(federation: Federation) -> None:
    code = await code_of(federation.other)
    lying(federation, federation.other.app.services.federation, lambda a: altered(a, STRANGER))
    assert await outcome(federation.scan(code)) == "issuer.untrusted"


async def test_an_old_answer_is_no_answer(federation: Federation) -> None:
    code, kept = await code_of(federation.other), []

    def replayed(answer: Answer) -> Answer:
        kept.append(answer)
        return kept[0]

    lying(federation, federation.other.app.services.federation, replayed)
    assert await outcome(federation.scan(code)) == "accepted"
    assert await outcome(federation.scan(code)) == "issuer.untrusted"


def forged_certificate(federation: Federation, centre_id: str, signer: Any) -> Signed:
    not_after = federation.router_clock.now() + timedelta(days=1)
    text = certificate_text(Certificate(centre_id, "k1", STRANGER.public.raw, not_after))
    return signed_by(signer, CERTIFICATE, text)


async def test_the_router_cannot_speak_for_a_centre(federation: Federation) -> None:
    """Its own key signs replies; only the anchor, which it does not have, signs certificates."""
    code = await code_of(federation.other)
    service = federation.router.services.federation
    _, router_key = federation.router.seals.federation_key()
    _, own_key = federation.own.app.seals.federation_key()
    own_centre = await service.register.find(OWN)
    assert own_centre is not None
    lies: list[Callable[[Answer], Answer]] = [
        lambda a: altered(a, router_key),
        lambda a: replace(a, certificate=None),
        lambda a: replace(
            altered(a, STRANGER), certificate=forged_certificate(federation, OTHER, router_key)
        ),
        lambda a: replace(altered(a, STRANGER), certificate=forged_certificate(federation, OTHER, STRANGER)),
        # A good certificate of another centre, with that centre's good signature.
        lambda a: replace(altered(a, own_key), certificate=own_centre.certificate("k1")),
        lambda a: replace(a, statement=Signed(a.statement.text, a.statement.signature[:-4] + "AA==")),
        lambda a: replace(a, statement=a.certificate or a.statement),
    ]
    truly = service.answer
    for lie in lies:
        service.answer = truly  # type: ignore[method-assign]
        lying(federation, service, lie)
        assert await outcome(federation.scan(code)) == "issuer.untrusted"
        federation.advance(11)
    service.answer = truly  # type: ignore[method-assign]
    assert await outcome(federation.scan(code)) == "accepted"


# -- statistics
async def test_routes_are_counted_for_both_ends(federation: Federation) -> None:
    code = await code_of(federation.other)
    for _ in range(3):
        assert await outcome(federation.scan(code)) == "accepted"
    await federation.scan(code, scene="0101051")
    day = federation.router_clock.now().date().isoformat()
    path = "/federation/v1/statistics"
    asked = from_centre(federation, path=path, query=f"since={day}")
    answer = await asked.send(federation.router_http)
    assert answer.status == 200
    counted = {row["outcome"]: row for row in answer.json["routes"]}
    assert {name: row["count"] for name, row in counted.items()} == {
        "verified": 3,
        "scene.requires_dynamic": 1,
    }
    for row in counted.values():
        assert (row["day"], row["asked_by"], row["issuer"]) == (day, OWN, OTHER)
        assert sum(row["took"].values()) == row["count"]
    later = await from_centre(federation, path=path, query="since=2030-01-01").send(federation.router_http)
    assert later.json == {"routes": []}
    page = (await federation.router_http.get("/metrics")).body.decode()
    labels = f'asked_by="{OWN}",issuer="{OTHER}",outcome="verified"'
    assert f"ehc_routed_total{{{labels}}} 3.0" in page
    assert (await federation.router_http.get(path)).status == 401


async def test_a_third_centre_sees_no_routes_but_its_own(federation: Federation) -> None:
    await federation.scan(await code_of(federation.other))
    register = federation.router.services.federation.register
    from server.core.audit import Actor

    await register.admit(
        "0000C0001",
        "Third",
        "http://127.0.0.1:9",
        key_id="k1",
        public_key=STRANGER.public.raw,
        valid=timedelta(days=1),
        anchor=ANCHOR,
        by=Actor("system", "test"),
    )
    at_ms = round(federation.router_clock.now().timestamp() * 1000)
    call = PeerCall("0000C0001", STRANGER, at_ms, path="/federation/v1/statistics", query="since=2020-01-01")
    answer = await call.send(federation.router_http)
    assert (answer.status, answer.json) == (200, {"routes": []})


async def test_every_route_of_the_router_is_signed_or_meant_to_be_open(federation: Federation) -> None:
    for path, method, handler, _ in operations(ROUTER_ROUTES):
        raw = b"{}" if method == "post" else None
        answer = await federation.router_http.send(method.upper(), path, raw=raw)
        assert answer.status == (401 if handler.audience == "federation" else 200), path
