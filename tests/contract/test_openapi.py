"""The OpenAPI document is what the routes are, and the running platform answers as it says.

Schemathesis makes requests from the document, good ones and bad ones, and holds each answer against it.  The
seed is fixed; `OPENAPI_EXAMPLES` makes more of them.
"""

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import requests.auth
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.generation import GenerationMode
    from schemathesis.specs.openapi import checks

from tornado.ioloop import IOLoop

from handlers import openapi
from handlers.routes import ROUTES
from server.staff.roles import PERMISSIONS
from tests.api.calls import SignedCall
from tests.harness import Platform

pytestmark = [
    pytest.mark.feature("C1", "C5", "V1", "V4"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

KEPT = Path(__file__).parents[2] / "docs" / "openapi.json"
EXAMPLES = int(os.environ.get("OPENAPI_EXAMPLES", "40"))
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
]


class Signing(requests.auth.AuthBase):
    """Signs what is about to be sent, byte for byte, as a partner's app."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        parts = urlsplit(request.url or "")
        body = request.body or b""
        signed = SignedCall(
            round(self._platform.clock.now().timestamp() * 1000),
            body.encode() if isinstance(body, str) else body,
            method=request.method or "",
            path=parts.path,
            query=parts.query,
        )
        request.headers.update(signed.headers())
        return request


class Token(requests.auth.AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def everything() -> list[Any]:
    """The operations as Schemathesis knows them.  Credentials are taken out: it would spoil them, and every
    request here carries good ones (the matrix of tests/api/test_access.py is about the others)."""
    described = openapi.document(ROUTES)
    for methods in described["paths"].values():
        for operation in methods.values():
            operation.pop("security", None)
    schema = schemathesis.openapi.from_dict(described)
    return [result.ok() for result in schema.get_all_operations()]


def asker(operation: Any, mode: Any, base: str, auth: Any, seen: list[int]) -> Callable[[], None]:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        answer = case.call_and_validate(base_url=base, auth=auth, checks=CHECKS, timeout=10)
        seen.append(answer.status_code)

    return ask


def test_the_kept_document_is_what_the_routes_are() -> None:
    assert KEPT.read_text() == openapi.as_json(ROUTES), "run: ehc openapi > docs/openapi.json"


@pytest.mark.gen_test(timeout=30)
async def test_the_platform_serves_the_document(platform: Platform) -> None:
    served = await platform.http.get("/openapi.json")
    assert served.body.decode() == KEPT.read_text()
    page = (await platform.http.get("/docs")).body.decode()
    for path, _ in ROUTES:
        assert path in page


@pytest.mark.parametrize("operation", everything(), ids=lambda operation: operation.label)
@pytest.mark.gen_test(timeout=120)
async def test_answers_are_as_documented(platform: Platform, operation: Any) -> None:
    tag = operation.definition.raw["tags"][0]
    token = await platform.sign_in(platform.residents[0])
    staff = await platform.staff(*PERMISSIONS)
    auth = {"resident": Token(token), "staff": Token(staff), "partner": Signing(platform)}.get(tag)
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        seen: list[int] = []
        ask = asker(operation, mode, platform.http.base, auth, seen)
        try:
            await IOLoop.current().run_in_executor(None, ask)
        except Unsatisfiable:
            # What takes neither body nor parameters cannot be asked wrongly.
            assert mode is GenerationMode.NEGATIVE
            assert not operation.definition.raw["parameters"]
            continue
        if tag == "partner":
            assert set(seen) - {401}, "no call was proven"
