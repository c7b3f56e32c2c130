"""`ehc conformance` (V6): passes on the platform, and fails on one that is broken on purpose."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tornado.httputil import HTTPServerRequest
from tornado.simple_httpclient import SimpleAsyncHTTPClient
from tornado.web import Application, RequestHandler

from handlers.dialects.ehc_methods import METHODS
from handlers.dialects.tencent_calls import CALLS
from handlers.scopes import SCOPES
from server.conformance.credentials import Credentials
from server.conformance.report import CASES, as_plain, as_table, catalogue, examine
from tests.dialect_clients import EHC_SECRET, HOSPITAL_ID, TENCENT_SECRET, switch_on
from tests.harness import APP_ID, CITY, PAIR, TERMINAL_ID, Platform, listening
from tests.rules.code import ROOT

pytestmark = [pytest.mark.feature("V6"), pytest.mark.gen_test(timeout=120)]


def credentials(platform: Platform, **changes: Any) -> Credentials:
    partner = {
        "app_id": APP_ID,
        "key_id": "k1",
        "private_key_hex": PAIR.private.hex(),
        "platform_public_key_hex": platform.app.seals.platform_public_key().hex(),
        "terminal_id": TERMINAL_ID,
    }
    shared = {"app_id": APP_ID, "terminal_id": TERMINAL_ID}
    dialects = {
        "ehc": {
            **shared,
            "app_secret": EHC_SECRET,
            "digest_rule": "plaintext",
            "encoding": "hex",
            "success_code": "10",
        },
        "tencent": {**shared, "app_secret": TENCENT_SECRET, "hospital_id": HOSPITAL_ID},
    }
    known = Credentials(partner, dialects, tuple(CITY.persons()), f"{platform.sandbox_url}/sms")
    return Credentials(**{**vars(known), **changes})


async def outcomes(
    platform: Platform, url: str, *only: str, **changes: Any
) -> dict[str, tuple[str, str | None]]:
    async def pause(seconds: float) -> None:
        platform.clock.advance(seconds)

    known = credentials(platform, **changes)
    results = await examine(url, known, platform.clock, is_slow=True, only=only, pause=pause)
    assert as_plain(url, results, platform.clock)["conforms"] == ("failed" not in as_table(results).split())
    return {one.case.case_id: (one.outcome, one.reason) for one in results}


async def test_the_platform_conforms(platform: Platform) -> None:
    await platform.admit(scopes=tuple(SCOPES))
    await switch_on(platform, "ehc")
    await switch_on(platform, "tencent")
    found = await outcomes(platform, platform.http.base)
    assert {case_id: one for case_id, one in found.items() if one != ("passed", None)} == {}
    assert len(found) == len({case.case_id for case in CASES}) == len(CASES)


async def test_it_can_be_tried_again(platform: Platform) -> None:
    """What it takes it gives back: a card given out by mistake, a number, a visit."""
    await platform.admit(scopes=tuple(SCOPES))
    await switch_on(platform, "ehc")
    await switch_on(platform, "tencent")
    only = ("CONF-113", "CONF-115", "CONF-116", "CONF-130", "CONF-134", "CONF-136")
    for _ in range(2):
        found = await outcomes(platform, platform.http.base, *only)
        assert found == dict.fromkeys(only, ("passed", None))


async def test_what_the_app_was_not_admitted_to_is_skipped(platform: Platform) -> None:
    await platform.admit(scopes=("verification", "cards.issue"))
    await switch_on(platform, "ehc")
    await switch_on(platform, "tencent")
    lacking = ("CONF-112", "CONF-114", "CONF-115", "CONF-116", "CONF-134", "CONF-135", "CONF-136")
    found = await outcomes(platform, platform.http.base, *lacking)
    assert found == dict.fromkeys(lacking, ("skipped", "the app lacks the scope of a call"))


def test_every_method_and_call_of_the_dialects_has_a_case() -> None:
    cases = "".join(file.read_text("utf-8") for file in (ROOT / "server" / "conformance").glob("*.py"))
    assert len(METHODS) + len(CALLS) > 20
    assert [name for name in (*METHODS, *CALLS) if f'"{name}"' not in cases] == []


async def test_what_cannot_be_tried_is_skipped_and_said(platform: Platform) -> None:
    found = await outcomes(platform, platform.http.base, dialects={}, residents=(), sms_url=None)
    assert {outcome for outcome, _ in found.values()} == {"passed", "skipped"}
    assert found["CONF-050"] == ("skipped", "needs a made-up resident and a sandbox's SMS")
    assert found["CONF-073"] == ("skipped", "the app lacks the scope cards.issue")
    assert found["CONF-100"][0] == found["CONF-120"][0] == "skipped"


Break = Callable[[HTTPServerRequest, int, bytes, dict[str, str]], tuple[int, bytes, dict[str, str]]]


@asynccontextmanager
async def broken(platform: Platform, breaks: Break) -> AsyncIterator[str]:
    """A server that passes everything on, and spoils the answers."""
    client = SimpleAsyncHTTPClient(force_instance=True)

    class Passing(RequestHandler):
        async def prepare(self) -> None:
            asked = self.request
            body = asked.body if asked.body or asked.method == "POST" else None
            answer = await client.fetch(
                platform.http.base + (asked.uri or ""),
                method=asked.method or "",
                body=body,
                headers=asked.headers,
                allow_nonstandard_methods=True,
                raise_error=False,
            )
            status, content, headers = breaks(asked, answer.code, answer.body, dict(answer.headers))
            self.set_status(status)
            for name, value in headers.items():
                if name.startswith("X-"):
                    self.set_header(name, value)
            self.finish(content)

    async with listening(Application([(r".*", Passing)])) as url:
        yield url
    client.close()


def forgives(asked: HTTPServerRequest, status: int, body: bytes, headers: Any) -> tuple[int, bytes, Any]:
    """Lets everybody in: whoever is not proven is answered as if the code had been no code."""
    if status == 401:
        return (
            422,
            json.dumps({"error": {"code": "code.malformed", "message": "", "detail": {}}}).encode(),
            {},
        )
    return status, body, headers


def signs_wrongly(asked: HTTPServerRequest, status: int, body: bytes, headers: Any) -> tuple[int, bytes, Any]:
    return status, body, {**headers, "X-Signature": base64.b64encode(bytes(64)).decode()}


def never_says_used(
    asked: HTTPServerRequest, status: int, body: bytes, headers: Any
) -> tuple[int, bytes, Any]:
    return (200, b"{}", headers) if b"code.already_used" in body else (status, body, headers)


def has_no_form(asked: HTTPServerRequest, status: int, body: bytes, headers: Any) -> tuple[int, bytes, Any]:
    is_dialect = (asked.path or "").startswith(("/erhc", "/rest"))
    return (500, b"<html>", headers) if is_dialect else (status, body, headers)


def reads_everything(
    asked: HTTPServerRequest, status: int, body: bytes, headers: Any
) -> tuple[int, bytes, Any]:
    """Lets a code be read again and again."""
    if not (asked.path or "").endswith("/getHealthCardByQRCode"):
        return status, body, headers
    out = {"requestId": "", "resultCode": 0, "errMsg": "success"}
    return 200, json.dumps({"commonOut": out, "rsp": {"card": {}}}).encode(), headers


@pytest.mark.parametrize(
    ("breaks", "only", "reason"),
    [
        (forgives, ("CONF-002", "CONF-008", "CONF-011", "CONF-013", "CONF-016", "CONF-022"), "401"),
        (signs_wrongly, ("CONF-001", "CONF-020", "CONF-040", "CONF-050", "CONF-060"), "signature"),
        (never_says_used, ("CONF-051",), "signature"),
        (has_no_form, ("CONF-104", "CONF-109", "CONF-120", "CONF-129"), "not JSON"),
        (reads_everything, ("CONF-132",), "expected code.already_used"),
    ],
)
async def test_a_broken_platform_fails(
    platform: Platform, breaks: Break, only: tuple[str, ...], reason: str
) -> None:
    await switch_on(platform, "ehc")
    await switch_on(platform, "tencent")
    async with broken(platform, breaks) as url:
        found = await outcomes(platform, url, *only)
    assert [one[0] for one in found.values()] == ["failed"] * len(only), found
    assert all(reason in str(one[1]) for one in found.values()), found


async def test_nobody_there_fails_and_says_so(platform: Platform) -> None:
    found = await outcomes(platform, "http://127.0.0.1:9", "CONF-001", "CONF-104")
    assert all(one[0] == "failed" and "no answer" in str(one[1]) for one in found.values())


def test_the_guide_has_the_table_of_cases() -> None:
    assert catalogue() in (ROOT / "docs" / "partner-api.md").read_text("utf-8")
