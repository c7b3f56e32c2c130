"""Calls to other systems: no redirects, bounded in time and size, only public addresses in production."""

import hashlib
import hmac
import ipaddress
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.netutil import DefaultLoopResolver
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from server.core.clock import Clock, to_ms
from server.core.errors import Unavailable

MAX_ANSWER_BYTES = 1_000_000


class PublicOnlyResolver(DefaultLoopResolver):
    """Refuses names that resolve to an address inside: the one resolved is the one connected to."""

    async def resolve(self, host: str, port: int, family: Any = 0) -> list[tuple[int, Any]]:
        found = await super().resolve(host, port, family)
        for _, address in found:
            if not ipaddress.ip_address(address[0]).is_global:
                raise OSError("the partner's name resolves to an address that is not public")
        return found


@dataclass(frozen=True)
class RawAnswer:
    """What a peer answered, byte for byte; nothing in it is checked."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class OutboundHttp:
    """JSON over HTTP.  Every way a peer can fail is Unavailable(`<peer>.unavailable`), except an answer with
    a status below 500, which is the peer's word and returned."""

    def __init__(self, *, public_only: bool) -> None:
        self._public_only = public_only
        self._clients: dict[str, SimpleAsyncHTTPClient] = {}

    def _client_of(self, peer: str) -> SimpleAsyncHTTPClient:
        """One for each peer, so that a slow one fills its own connections and no other's."""
        if peer not in self._clients:
            self._clients[peer] = SimpleAsyncHTTPClient(
                force_instance=True,
                resolver=PublicOnlyResolver() if self._public_only else None,
                max_clients=100,
                max_body_size=MAX_ANSWER_BYTES,
            )
        return self._clients[peer]

    async def exchange(
        self,
        peer: str,
        method: str,
        url: str,
        body: bytes | None,
        headers: dict[str, str],
        timeout_s: float,
    ) -> RawAnswer:
        """The answer as it came, whatever its status; Unavailable when none came whole and in time."""
        request = HTTPRequest(
            url,
            method=method,
            body=body,
            headers={"Content-Type": "application/json", **headers},
            connect_timeout=timeout_s,
            request_timeout=timeout_s,
            follow_redirects=False,
            decompress_response=False,
        )
        try:
            answer = await self._client_of(peer).fetch(request, raise_error=False)
        except (HTTPClientError, OSError, ValueError) as error:
            raise Unavailable(f"{peer}.unavailable", f"{peer} cannot be reached or read") from error
        return RawAnswer(answer.code, answer.body or b"", answer.headers)

    async def post_json(
        self, peer: str, url: str, body: bytes, headers: dict[str, str], timeout_s: float = 5.0
    ) -> tuple[int, dict[str, Any]]:
        """Status and decoded object."""
        answer = await self.exchange(peer, "POST", url, body, headers, timeout_s)
        if answer.status >= 500 or 300 <= answer.status < 400:
            raise Unavailable(f"{peer}.unavailable", f"{peer} answered {answer.status}")
        try:
            decoded = json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            raise Unavailable(f"{peer}.unavailable", f"{peer} cannot be reached or read") from error
        if not isinstance(decoded, dict):
            raise Unavailable(f"{peer}.unavailable", f"{peer} answered something that is not an object")
        return answer.status, decoded

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


class SharedSecretCaller:
    """Signs calls to a peer with whom we share a secret: HMAC-SM3 over method, path, time, nonce and body."""

    def __init__(
        self, http: OutboundHttp, peer: str, base_url: str, app_id: str, secret: str, clock: Clock
    ) -> None:
        self._http = http
        self._peer = peer
        self._base_url = base_url.rstrip("/")
        self._app_id = app_id
        self._secret = secret.encode()
        self._clock = clock

    async def post(
        self, path: str, content: dict[str, Any], timeout_s: float = 5.0
    ) -> tuple[int, dict[str, Any]]:
        url = self._base_url + path
        body = json.dumps(content, ensure_ascii=False).encode()
        timestamp, nonce = str(to_ms(self._clock.now())), secrets.token_hex(16)
        digest = hashlib.new("sm3", body).hexdigest()
        text = f"POST\n{urlsplit(url).path}\n{timestamp}\n{nonce}\n{digest}\n"
        headers = {
            "X-App-Id": self._app_id,
            "X-Timestamp": timestamp,
            "X-Nonce": nonce,
            "X-Signature": hmac.new(self._secret, text.encode(), "sm3").hexdigest(),
        }
        return await self._http.post_json(self._peer, url, body, headers, timeout_s)
