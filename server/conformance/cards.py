"""CONF-070 … 099: giving out cards, asking again, and the form of refusals."""

import secrets
from typing import Any

from server.conformance.case import Case, Skipped, World
from server.conformance.client import Answer, Failed

CARDS = "/partner/v1/cards"


def _visitor(world: World, number: int, **changes: Any) -> dict[str, Any]:
    person = world.people[number]
    return {
        **{name: person[name] for name in ("name", "id_type", "id_no", "phone")},
        "terminal_id": world.client.terminal_id,
        "reading": {"how": "device", "device_no": "conformance"},
        "face_to_face": {"clerk_id": "conformance"},
        **changes,
    }


def _allowed(answer: Answer) -> Answer:
    """Skipped when the app has not been admitted to the call."""
    if answer.code == "scope.missing":
        raise Skipped(f"the app lacks the scope {answer.json['error']['detail'].get('scope')}")
    return answer


async def _issued(world: World, **changes: Any) -> Answer:
    return _allowed(await world.client.call("POST", CARDS, _visitor(world, 1, **changes)))


async def issued_once(world: World) -> None:
    first, again = await _issued(world), await _issued(world)
    if first.status not in (200, 201):
        raise Failed(f"no card: {first.status} {first.code or 'pending'}")
    again.must_be(200)
    if first.json["card"]["card_id"] != again.json["card"]["card_id"] or again.json["is_new"]:
        raise Failed("the same person has two cards")
    if not str(first.json["static_code"]).split(":")[1] == "1":
        raise Failed("no static code to print")


async def bad_number(world: World) -> None:
    number = world.people[1]["id_no"]
    spoilt = number[:-1] + ("0" if number[-1] != "0" else "1")
    (await _issued(world, id_no=spoilt)).must_be(422, "document.invalid_number")


async def printed(world: World) -> None:
    card_id = (await _issued(world)).json["card"]["card_id"]
    picture = (await world.client.call("GET", f"{CARDS}/{card_id}/print", query="form=png")).must_be(200)
    if not picture.body.startswith(b"\x89PNG"):
        raise Failed("the print is no PNG")


async def anybodys(world: World) -> None:
    answer = await world.client.call("GET", f"{CARDS}/{'0' * 26}/print")
    _allowed(answer).must_be(404, "card.not_found")


async def asked_again(world: World) -> None:
    code, again = await world.code(), {"Idempotency-Key": secrets.token_hex(16)}
    first = (await world.verify(code, headers=again)).must_be(200)
    second = (await world.verify(code, headers=again)).must_be(200)
    if first.body != second.body:
        raise Failed("the same key and body got another answer")


async def another_body(world: World) -> None:
    key = {"Idempotency-Key": secrets.token_hex(16)}
    (await world.verify("x", headers=key)).must_be(422, "code.malformed")
    (await world.verify("y", headers=key)).must_be(422, "idempotency.key_reused")


async def bad_key(world: World) -> None:
    for key in ("k" * 129, "\u00e9"):
        (await world.verify("x", headers={"Idempotency-Key": key})).must_be(400, "idempotency.key_invalid")


async def form_of_refusals(world: World) -> None:
    told = (await world.verify("x")).must_be(422, "code.malformed").json
    error = told["error"]
    if set(told) != {"error", "request_id"} or set(error) != {"code", "message", "detail"}:
        raise Failed("a refusal is not {error: {code, message, detail}, request_id}")


async def nothing_there(world: World) -> None:
    (await world.client.web.send("GET", "/partner/v1/nothing")).must_be(404, "resource.not_found")


async def another_method(world: World) -> None:
    answer = await world.client.web.send("DELETE", "/partner/v1/verifications")
    answer.must_be(405, "request.method_not_allowed")


CASES = (
    Case("CONF-070", "a card is given out, once for one person", issued_once, ("people",)),
    Case("CONF-071", "a document number that cannot be", bad_number, ("people",)),
    Case("CONF-072", "its static code is printed", printed, ("people",)),
    Case("CONF-073", "a card of others is not there", anybodys),
    Case("CONF-080", "asked again with the same key: the same answer", asked_again, ("holder",)),
    Case("CONF-081", "the same key with another body", another_body),
    Case("CONF-082", "what is no key", bad_key),
    Case("CONF-090", "refusals have one form", form_of_refusals),
    Case("CONF-091", "a path that is not there", nothing_there),
    Case("CONF-092", "a method that is not taken", another_method),
)
