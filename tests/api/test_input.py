"""What a request may look like, and what is said of one that may not."""

import json
import logging
from typing import Any

import pytest

from tests.api.calls import call
from tests.harness import Platform

pytestmark = [pytest.mark.feature("C1"), pytest.mark.gen_test(timeout=60)]

CARDS = "/api/v1/cards"


async def post(platform: Platform, raw: bytes, path: str = CARDS, **headers: str) -> tuple[int, str]:
    token = await platform.sign_in(platform.residents[0])
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await platform.http.send("POST", path, raw=raw, token=token, headers=named)
    assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"
    return answer.status, answer.error


def application(platform: Platform, **changes: Any) -> bytes:
    return json.dumps(platform.application(platform.residents[0], **changes)).encode()


NOT_JSON = {
    "nothing": b"",
    "text": b"name=amy",
    "xml": b"<card/>",
    "half": b'{"name": "',
    "two objects": b"{}{}",
    "NaN": b'{"name": NaN}',
    "infinity": b'{"name": -Infinity}',
    "single quotes": b"{'name': 'amy'}",
    "trailing comma": b'{"name": "amy",}',
    "a name twice": b'{"relation": "self", "relation": "self"}',
    "a name twice below": b'{"name": {"a": 1, "a": 1}}',
    "escaped name twice": b'{"name": "amy", "n\\u0061me": "bob"}',
    "not UTF-8": b'{"name": "\xff"}',
    "deep": b"[" * 30_000 + b"]" * 30_000,
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "huge number": b'{"name": ' + b"9" * 10_000 + b"}",
    "byte order mark": b"\xef\xbb\xbf{}",
}
OF_ANOTHER_SHAPE = {
    "list": b"[]",
    "number": b"1",
    "null": b"null",
    "string": b'"name"',
    "empty object": b"{}",
    "UTF-16": "{}".encode("utf-16"),
    "half a surrogate pair": b'{"name": "\\ud800"}',
}


@pytest.mark.parametrize("raw", NOT_JSON.values(), ids=NOT_JSON.keys())
async def test_what_is_not_json_is_refused(platform: Platform, raw: bytes) -> None:
    assert await post(platform, raw) in ((400, "request.not_json"), (400, "request.invalid"))
    for path in ("/api/v1/sessions", "/api/v1/sms-codes"):
        assert (await post(platform, raw, path))[0] == 400
    signed = await call(platform, raw).send(platform.http)
    assert (signed.status, "X-Signature" in signed.headers) == (400, True)


@pytest.mark.parametrize("raw", OF_ANOTHER_SHAPE.values(), ids=OF_ANOTHER_SHAPE.keys())
async def test_json_of_another_shape_is_refused(platform: Platform, raw: bytes) -> None:
    assert await post(platform, raw) == (400, "request.invalid")


async def test_fields_are_of_their_type_and_none_is_unknown(platform: Platform) -> None:
    token = await platform.sign_in(platform.residents[0])
    good = platform.application(platform.residents[0])
    for name in good:
        for value in (None, 1, True, 1.5, [], {}, ["x"], "", "x" * 5000):
            answer = await platform.http.post(CARDS, {**good, name: value}, token=token)
            assert (answer.status, answer.error) == (400, "request.invalid"), (name, value)
            assert [fault["field"] for fault in answer.json["error"]["detail"]["faults"]] == [name]
        missing = {other: value for other, value in good.items() if other != name}
        assert (await platform.http.post(CARDS, missing, token=token)).status == 400
    for unknown in ("is_admin", "status", "_id", "account_id", "__proto__", "$set", "name.first"):
        answer = await platform.http.post(CARDS, {**good, unknown: "x"}, token=token)
        assert (answer.status, answer.error) == (400, "request.invalid"), unknown
    assert (await platform.http.post(CARDS, good, token=token)).status == 201


async def test_a_fault_never_repeats_what_was_sent(platform: Platform) -> None:
    resident = platform.residents[0]
    token = await platform.sign_in(resident)
    for body in (
        {**platform.application(resident), resident.id_no: "x"},
        {**platform.application(resident), "name": {resident.name: resident.id_no}},
        {"name": resident.name, "id_no": [resident.id_no], "phone": {"a": resident.phone}},
        {"method": resident.id_no, "phone": resident.phone},
    ):
        for path in (CARDS, "/api/v1/sessions"):
            answer = await platform.http.post(path, body, token=token)
            assert answer.status == 400
            for secret in (resident.name, resident.id_no, resident.phone):
                assert secret not in json.dumps(answer.json, ensure_ascii=False)


async def test_a_body_has_a_limit_of_its_route(platform: Platform) -> None:
    padding = b" " * (64 * 1024)
    assert await post(platform, application(platform) + padding) == (413, "request.too_large")
    token = await platform.sign_in(platform.residents[0])
    enough = application(platform)
    fits = enough + b" " * (64 * 1024 - len(enough))
    answer = await platform.http.send("POST", CARDS, raw=fits, token=token)
    assert answer.status == 201


@pytest.mark.feature("V9")
async def test_a_body_of_very_many_parts_is_refused_before_it_is_taken_apart(platform: Platform) -> None:
    """Taking a megabyte of tiny parts apart would hold up everybody else for a third of a second."""
    await platform.admit(scopes=("usage.report",))
    for raw in (b'{"events":[' + b"{}," * 300_000 + b"{}]}", b'{"a":1' + b',"a":1' * 100_000 + b"}"):
        answer = await call(platform, raw, path="/partner/v1/usage-events").send(platform.http)
        assert (answer.status, answer.error) == (400, "request.invalid")
        assert answer.json["error"]["message"] == "the body has too many parts"


async def test_more_than_a_megabyte_is_not_even_read(platform: Platform) -> None:
    answer = await platform.http.send("POST", CARDS, raw=b" " * 1_000_001)
    assert answer.status in (400, 413, 599)  # 599: the connection was closed on the client
    assert (await platform.http.get("/health/live")).status == 200


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/v1/messages", "limit=0"),
        ("/api/v1/messages", "limit=101"),
        ("/api/v1/messages", "limit=-1"),
        ("/api/v1/messages", "limit=ten"),
        ("/api/v1/messages", "limit=1&limit=2"),
        ("/api/v1/messages", "limit=1e1"),
        ("/api/v1/messages", "cursor=x"),
        ("/api/v1/messages", "cursor=" + "0" * 27),
        ("/api/v1/messages", "page=1"),
        ("/api/v1/messages", "limit=%FF"),
        ("/api/v1/cards", "a=1"),
        ("/api/v1/sessions/current", "token=1"),
        ("/health/live", "x=1"),
    ],
)
async def test_a_query_is_what_the_route_takes(platform: Platform, path: str, query: str) -> None:
    token = await platform.sign_in(platform.residents[0])
    answer = await platform.http.get(f"{path}?{query}", token=token)
    assert (answer.status, answer.error) == (400, "request.invalid")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/v1/cards", "GET, POST"),
        ("DELETE", "/api/v1/cards", "GET, POST"),
        ("GET", "/api/v1/sessions", "POST"),
        ("POST", "/api/v1/sessions/current", "GET, DELETE"),
        ("PATCH", "/partner/v1/verifications", "POST"),
        ("GET", "/partner/v1/verifications", "POST"),
        ("HEAD", "/health/live", "GET"),
        ("OPTIONS", "/api/v1/cards", "GET, POST"),
        ("POST", "/docs", "GET"),
        ("DELETE", "/openapi.json", "GET"),
        ("BREW", "/api/v1/cards", "GET, POST"),
    ],
)
async def test_a_method_the_route_has_not_is_405(
    platform: Platform, method: str, path: str, allowed: str
) -> None:
    answer = await platform.http.send(method, path, raw=b"" if method == "POST" else None)
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)
    if method != "HEAD":
        assert answer.error == "request.method_not_allowed"


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1",
        "/api/v1/nothing",
        "/api/v2/cards",
        "/api/v1/cards/",
        "/partner/v1/nothing",
        "/nothing",
        "/",
        "/%2e%2e/etc",
    ],
)
async def test_no_such_route_is_404(platform: Platform, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = await platform.http.send(method, path, raw=b"" if method == "POST" else None)
        assert (answer.status, answer.error) == (404, "resource.not_found")


async def test_an_id_of_no_shape_is_404(platform: Platform) -> None:
    token = await platform.sign_in(platform.residents[0])
    for text in ("1", "0" * 25, "0" * 27, "I" * 26, "%00", "0" * 26 + "%0A", "%FF", "..", "a%2Fb"):
        answer = await platform.http.get(f"/api/v1/cards/{text}", token=token)
        assert answer.status in (400, 404), text
        assert answer.error in ("resource.not_found", "request.malformed")
        assert answer.status == 404 or "%FF" in text


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "text/plain",
        "x",
    ],
)
async def test_a_form_is_not_json(
    platform: Platform, content_type: str, caplog: pytest.LogCaptureFixture
) -> None:
    secret = platform.residents[0].id_no
    with caplog.at_level(logging.DEBUG):
        status, _ = await post(platform, f"id_no={secret}&%ff=%".encode(), Content_Type=content_type)
    assert status == 400
    assert secret not in caplog.text


async def test_a_method_nobody_knows_is_counted_as_one(platform: Platform) -> None:
    for number in range(5):
        assert (await platform.http.send(f"BREW{number}", "/api/v1/cards")).status == 405
    page = (await platform.http.get("/metrics")).body.decode()
    assert "BREW" not in page


async def test_answers_carry_no_more_headers_than_they_should(platform: Platform) -> None:
    for path in ("/api/v1/cards", "/nothing", "/health/live"):
        headers = (await platform.http.get(path)).headers
        assert "Server" not in headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("text", ["1005", "1005.5", "2026-11-22", "2026-11-22T08:00:00", "Tuesday"])
async def test_a_time_is_written_out_with_its_zone(platform: Platform, text: str) -> None:
    token = await platform.staff("audit.read")
    answer = await platform.http.get(f"/staff/v1/audit?until={text}", token=token)
    assert (answer.status, answer.error) == (400, "request.invalid")
    good = await platform.http.get("/staff/v1/audit?until=2026-11-22T08:00:00Z", token=token)
    assert good.status == 200
