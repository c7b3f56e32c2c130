"""The platform under test, in this process: real MongoDB, real sockets, the real sandbox, a held clock."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tornado.httpclient import HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from handlers.routes import MAX_REQUEST_BYTES, application
from sandbox.app import make_app
from sandbox.city import Resident, build_city
from sandbox.partner_client import PartnerClient, TerminalSession
from sandbox.registers import age
from server import app as composition
from server.core.audit import Actor
from server.core.clock import HeldClock
from server.core.crypto.provider import choose_provider
from server.core.ids import new_token
from server.core.policies import Policy
from server.demo import SIGNED
from server.identity.real_name_policy import CHANNELS, RealNamePolicy
from server.partners.model import App, Institution, Terminal
from server.settings import Settings
from server.staff.model import SESSION_LIFE
from server.staff.roles import PERMISSIONS, ROLES, Role

CITY = build_city()
REGISTERS = CITY.registers()
# Whoever may claim a card for themselves whatever the policy says; the others have guardians.
ADULTS = tuple(resident for resident in CITY.residents if age(resident) >= 18)
SECRET = "a-secret-of-this-test-run"
PAIR = choose_provider().generate_key_pair()
MASTER_KEY = "00112233445566778899aabbccddeeff"
TEST_ROLE = "of_a_test"
APP_ID, TERMINAL_ID = "hospital-a-his", "T-0001"


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The code of a refusal; FHIR has it at the beginning of the issue's text."""
        if "issue" in self.json:
            return str(self.json["issue"][0]["diagnostics"]).partition(":")[0]
        return str(self.json["error"]["code"])


class Http:
    """A real HTTP client that speaks JSON."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._client = SimpleAsyncHTTPClient(force_instance=True, max_clients=200)

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Answer:
        sent = {"Content-Type": "application/json", **(headers or {})}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        content = raw if raw is not None else None if body is None else json.dumps(body).encode()
        request = HTTPRequest(
            path if path.startswith("http") else self.base + path,
            method=method,
            body=content,
            headers=sent,
            allow_nonstandard_methods=True,
            follow_redirects=False,
            request_timeout=20,
        )
        answer = await self._client.fetch(request, raise_error=False)
        return Answer(answer.code, answer.body or b"", dict(answer.headers))

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.send("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> Answer:
        return await self.send("POST", path, body if body is not None else {}, **more)

    def close(self) -> None:
        self._client.close()


@dataclass
class Platform:
    """One running platform, and short ways through it."""

    app: composition.App
    clock: HeldClock
    http: Http
    sandbox_url: str
    settings: Settings
    residents: tuple[Resident, ...] = ADULTS

    # -- residents
    async def sms_code(self, phone: str, **more: str) -> str:
        """Asks for a code and reads it where the phone would."""
        sent = await self.http.post("/api/v1/sms-codes", {"phone": phone, **more})
        assert sent.status == 202, sent.body
        return await self.last_sms_code(phone)

    async def last_sms_code(self, phone: str) -> str:
        inbox = await self.http.get(f"{self.sandbox_url}/sms/messages?phone={phone}")
        return re.findall(r"\b[0-9]{6}\b", inbox.json["messages"][-1]["text"])[0]

    async def sign_in(self, resident: Resident) -> str:
        """A session token of the resident, signed in by SMS."""
        code = await self.sms_code(resident.phone)
        answer = await self.http.post(
            "/api/v1/sessions", {"method": "sms", "phone": resident.phone, "code": code}
        )
        assert answer.status == 201, answer.body
        return str(answer.json["token"])

    @staticmethod
    def application(resident: Resident, **changes: Any) -> dict[str, Any]:
        return {
            "name": resident.name,
            "id_type": resident.id_type,
            "id_no": resident.id_no,
            "phone": resident.phone,
            "relation": "self",
            **changes,
        }

    async def claim(self, token: str, resident: Resident, **changes: Any) -> Answer:
        return await self.http.post("/api/v1/cards", self.application(resident, **changes), token=token)

    async def holder(self, resident: Resident) -> tuple[str, str]:
        """(token, card_id) of a resident who has claimed a card."""
        token = await self.sign_in(resident)
        claimed = await self.claim(token, resident)
        assert claimed.status == 201, claimed.body
        return token, str(claimed.json["card_id"])

    async def code(self, token: str, card_id: str, kind: str = "dynamic") -> str:
        answer = await self.http.get(f"/api/v1/cards/{card_id}/code?kind={kind}", token=token)
        assert answer.status == 200, answer.body
        return str(answer.json["text"])

    async def factor(self, token: str, card_id: str, phone: str) -> dict[str, str]:
        """A factor for the card: a code asked for, and read where its phone would."""
        sent = await self.http.post(f"/api/v1/cards/{card_id}/factor-codes", token=token)
        assert sent.status == 202, sent.body
        code = await self.last_sms_code(phone)
        return {"kind": "sms", "request_id": sent.json["request_id"], "code": code}

    async def move(self, token: str, card_id: str, action: str, factor: Any = None, **more: Any) -> Answer:
        """One transition of a card."""
        body = {"action": action, **({} if factor is None else {"factor": factor})}
        return await self.http.post(f"/api/v1/cards/{card_id}/transitions", body, token=token, **more)

    async def messages(self, token: str) -> list[dict[str, Any]]:
        answer = await self.http.get("/api/v1/messages", token=token)
        assert answer.status == 200, answer.body
        found: list[dict[str, Any]] = answer.json["messages"]
        return found

    # -- partners
    async def admit(
        self,
        app_id: str = APP_ID,
        terminal_id: str = TERMINAL_ID,
        scopes: tuple[str, ...] = ("verification",),
    ) -> None:
        await self.app.services.partner_register.admit(
            App(
                app_id,
                Institution(f"institution-of-{app_id}", "云溪市第一人民医院"),
                True,
                frozenset(scopes),
                {"k1": PAIR.public},
            ),
            [Terminal(terminal_id, app_id, "门诊收费窗口 3 号", "0100", True)],
            Actor("system", "test"),
        )

    def partner(self, app_id: str = APP_ID, private: bytes = PAIR.private) -> PartnerClient:
        return PartnerClient(
            api=self.http.base,
            app_id=app_id,
            key_id="k1",
            private_key_hex=private.hex(),
            platform_public_key_hex=self.app.seals.platform_public_key().hex(),
            now=lambda: self.clock.now().timestamp(),
        )

    async def scan(
        self, client: PartnerClient, code: str, session: TerminalSession | None = None, **changes: Any
    ) -> Any:
        """The platform's signed reply to one verification."""
        body = {"code": code, "scene": "010101", "terminal_id": TERMINAL_ID, **changes}
        return await client.call("POST", "/partner/v1/verifications", body, session=session)

    # -- staff
    async def staff(self, *permissions: str) -> str:
        """A session token of a new member of staff who may do just this.  Signing in itself, with password
        and second factor, is what tests/api/test_staff_sign_in.py is about."""
        assert set(permissions) <= PERMISSIONS.keys(), "a permission that is in no table"
        role = "_".join([TEST_ROLE, *sorted(permissions)]).replace(".", "_")
        ROLES[role] = Role("A role of a test.", frozenset(permissions))  # gone with the platform
        services, token, now = self.app.services, new_token(), self.clock.now()
        login_name = f"staff-{len(ROLES)}-{token[:8].lower()}"
        staff, _ = await services.staff.open(login_name, "工作人员", Actor("system", "test"), (role,))
        rows, sessions = self.app.mongo.collection("staff"), services.staff_sessions
        await rows.update({"_id": staff.staff_id}, {"$set": {"status": "active"}})
        digest = sessions._sealer.token_digest(token)
        await sessions._store.open_session(digest, staff.staff_id, now, now + SESSION_LIFE)
        return token

    # -- rules of the centre
    async def decide(self, policy: type[Policy], **content: Any) -> None:
        """Sets a policy, in force at once."""
        policies = self.app.services.policies
        version, _ = await policies.describe(policy.NAME)
        await policies.put(policy.NAME, content, version, Actor("system", "test"))

    async def accept(self, *sets: tuple[str, ...]) -> None:
        """From here on a name is real by any one of these sets of proofs, on every channel."""
        await self.decide(RealNamePolicy, rules=[{"channels": CHANNELS, "accepts": sets}])

    # -- the worker and the world
    async def work(self) -> None:
        """One turn of everything `ehc worker` does."""
        for job in self.app.jobs:
            await job.work()

    async def fault(self, service: str, **fault: Any) -> None:
        """Opens the fault door of a sandbox service; no fault closes it."""
        method = "PUT" if fault else "DELETE"
        answer = await self.http.send(method, f"{self.sandbox_url}/control/{service}", fault or None)
        assert answer.status < 300, answer.body


def settings_for(mongodb_uri: str, database: str, sandbox_url: str, folder: Path, **changes: Any) -> Settings:
    values: dict[str, Any] = {
        "environment": "test",
        "log_level": "error",
        "mongodb_uri": mongodb_uri,
        "mongodb_database": database,
        "master_key": MASTER_KEY,
        "sms_per_hour": 100,
        **{f"{name}_url": f"{sandbox_url}/{path}" for name, path in SIGNED.items()},
        **{f"{name}_app_id": "ehc" for name in SIGNED},
        **{f"{name}_secret": SECRET for name in SIGNED},
        "wechat_url": f"{sandbox_url}/wechat",
        "wechat_app_id": "wx-test",
        "wechat_app_secret": SECRET,
        "alipay_gateway_url": f"{sandbox_url}/alipay/gateway.do",
        "alipay_app_id": "2026000000000001",
        "alipay_app_private_key_file": folder / "app-private.pem",
        "alipay_public_key_file": folder / "alipay-public.pem",
        **changes,
    }
    return Settings(**values)


class RsaPairs:
    """The two RSA pairs of the Alipay protocol, made once a run: they take long to make."""

    def __init__(self, folder: Path) -> None:
        self.app_public, app_private = _rsa()
        alipay_public, self.alipay_private = _rsa()
        (folder / "app-private.pem").write_text(app_private)
        (folder / "alipay-public.pem").write_text(alipay_public)
        self.folder = folder


def _rsa() -> tuple[str, str]:
    key = rsa.generate_private_key(
        65537, 1024
    )  # short: every platform of the suite reads it, nothing is secret
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public.decode(), private.decode()


@asynccontextmanager
async def listening(app: Any) -> AsyncIterator[str]:
    """The address under which a Tornado application answers while the block lasts."""
    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(app, max_body_size=MAX_REQUEST_BYTES)
    server.add_sockets(sockets)
    try:
        yield f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    finally:
        server.stop()
        await server.close_all_connections()


def sandbox_config(pairs: RsaPairs) -> dict[str, Any]:
    return {
        "wechat": {"app_id": "wx-test", "secret": SECRET},
        "alipay": {
            "app_id": "2026000000000001",
            "app_public_key_pem": pairs.app_public,
            "alipay_private_key_pem": pairs.alipay_private,
        },
        **{name: {"app_id": "ehc", "secret": SECRET} for name in SIGNED},
        **REGISTERS,
    }


@asynccontextmanager
async def running_platform(
    mongodb_uri: str, database: str, clock: HeldClock, pairs: RsaPairs, **changes: Any
) -> AsyncIterator[Platform]:
    """A platform and its sandbox, listening; the partner of `Platform.partner` is admitted."""
    sandbox = make_app(sandbox_config(pairs), now=lambda: clock.now().timestamp())
    async with listening(sandbox) as sandbox_url:
        settings = settings_for(mongodb_uri, database, sandbox_url, pairs.folder, **changes)
        app = await composition.build(settings, clock)
        async with listening(application(app.services)) as url:
            platform = Platform(app, clock, Http(url), sandbox_url, settings)
            await platform.admit()
            try:
                yield platform
            finally:
                for role in [name for name in ROLES if name.startswith(TEST_ROLE)]:
                    del ROLES[role]
                platform.http.close()
                await app.stop()
                await asyncio.sleep(0)
