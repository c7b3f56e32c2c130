"""Where a request comes from: only a named proxy of ours is believed, and only its own last word."""

from typing import Any

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from handlers.base import ApiHandler
from handlers.routes import application
from tests.harness import Platform

pytestmark = [pytest.mark.feature("C1"), pytest.mark.gen_test(timeout=30)]


class _Connection:
    """What Tornado's request wants of a connection; nothing is sent over it."""

    context = None

    def set_close_callback(self, _: Any) -> None:
        pass


def source_of(platform: Platform, peer: str, proxies: set[str], headers: dict[str, str]) -> str:
    request = HTTPServerRequest(
        start_line=RequestStartLine("GET", "/", "HTTP/1.1"),
        headers=HTTPHeaders({"Host": "platform", **headers}),
        connection=_Connection(),  # type: ignore[arg-type]
    )
    request.remote_ip = peer
    app = application(platform.app.services, None, frozenset(proxies))
    return ApiHandler(app, request, services=platform.app.services).source


async def test_a_callers_own_word_is_not_believed(platform: Platform) -> None:
    told = {"X-Forwarded-For": "198.51.100.7", "X-Real-Ip": "198.51.100.8"}
    assert source_of(platform, "203.0.113.1", set(), told) == "203.0.113.1"
    assert source_of(platform, "203.0.113.1", {"10.0.0.1"}, told) == "203.0.113.1"


async def test_a_named_proxys_last_entry_is_believed(platform: Platform) -> None:
    told = {"X-Forwarded-For": "6.6.6.6, 198.51.100.7", "X-Real-Ip": "198.51.100.8"}
    assert source_of(platform, "10.0.0.1", {"10.0.0.1"}, told) == "198.51.100.7"
    assert source_of(platform, "10.0.0.1", {"10.0.0.1"}, {"X-Forwarded-For": "not an address"}) == "10.0.0.1"
