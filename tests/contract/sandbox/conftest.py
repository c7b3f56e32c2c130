"""The sandbox in this process, over real sockets, with a clock the tests hold."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tiny_platform import TinyPlatform
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from sandbox.app import make_app
from sandbox.signed import request_signature

START = 1_790_000_000.0


class HeldClock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> float:
        return self.at


@contextlib.asynccontextmanager
async def listening(app: Application) -> AsyncIterator[str]:
    """The address under which `app` answers while the block lasts."""
    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(app)
    server.add_sockets(sockets)
    try:
        yield f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    finally:
        AsyncHTTPClient().close()
        server.stop()
        await server.close_all_connections()


@dataclass
class Sandbox:
    """A running sandbox, and short ways to talk to it."""

    url: str
    clock: HeldClock

    async def fetch(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> HTTPResponse:
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        return await AsyncHTTPClient().fetch(
            self.url + path,
            method=method,
            body=raw,
            headers=headers or {},
            raise_error=False,
            allow_nonstandard_methods=True,
            request_timeout=5,
        )

    async def json(self, method: str, path: str, body: Any = None) -> Any:
        return json.loads((await self.fetch(method, path, body)).body)

    async def signed(self, service: dict[str, str], path: str, body: Any, **changed: str) -> HTTPResponse:
        """A request signed for `service`; `changed` headers replace the right ones after signing."""
        raw = json.dumps(body).encode()
        timestamp, nonce = str(int(self.clock() * 1000)), secrets.token_hex(16)
        headers = {
            "X-App-Id": service["app_id"],
            "X-Timestamp": timestamp,
            "X-Nonce": nonce,
            "X-Signature": request_signature(service["secret"], "POST", path, timestamp, nonce, raw),
        }
        headers |= {name.replace("_", "-"): value for name, value in changed.items()}
        return await self.fetch("POST", path, raw, headers)


@dataclass(frozen=True)
class RsaKeys:
    """Two RSA key pairs in PEM: the app's and Alipay's."""

    app_private: str
    app_public: str
    alipay_private: str
    alipay_public: str


def _private_pem(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _public_pem(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


@pytest.fixture(scope="session")
def rsa_keys() -> RsaKeys:
    app, alipay = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    return RsaKeys(_private_pem(app), _public_pem(app), _private_pem(alipay), _public_pem(alipay))


@pytest.fixture(scope="session")
def config(rsa_keys: RsaKeys) -> dict[str, Any]:
    return {
        "host": "127.0.0.1",
        "port": 0,
        "wechat": {"app_id": "wx00", "secret": "wechat-secret", "templates": {"T-1": ["thing1", "time2"]}},
        "alipay": {
            "app_id": "2021000000000001",
            "app_public_key_pem": rsa_keys.app_public,
            "alipay_private_key_pem": rsa_keys.alipay_private,
        },
        "sms": {"app_id": "sms-app", "secret": "sms-secret"},
        "real_name": {"app_id": "rn-app", "secret": "rn-secret"},
        "persons": [{"name": "阿卜杜拉·艾力", "id_type": "01", "id_no": "99010119900307001X"}],
    }


@pytest.fixture(scope="session")
def vectors() -> dict[str, Any]:
    """Known answers, checked with two independent implementations (tests/vectors.json)."""
    value: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors.json").read_text("utf-8"))
    return value


@pytest.fixture
def serving() -> Any:
    """`async with serving(app) as url`: the application on a free port."""
    return listening


@pytest.fixture
def held_clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def platform(held_clock: HeldClock) -> TinyPlatform:
    """A platform of a few lines, to be asked by the partner client and the hospital."""
    return TinyPlatform(held_clock)


@pytest.fixture
def with_sandbox(config: dict[str, Any]) -> Any:
    """Runs a coroutine function against a fresh sandbox."""

    def run(scenario: Any, **more: Any) -> Any:
        async def around() -> Any:
            clock = HeldClock()
            async with listening(make_app(config | more, now=clock)) as url:
                return await scenario(Sandbox(url, clock))

        return asyncio.run(around())

    return run
