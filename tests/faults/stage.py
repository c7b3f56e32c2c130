"""The whole platform as real child processes: a database, the outside world, `ehc serve` and `ehc worker`.

Everything lies in one folder and listens on loopback.  The database neither compresses its files nor the
prefixes of its indexes, so that looking for plain text in them means something.
"""

import asyncio
import json
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pymongo import MongoClient

from sandbox.sm2 import public_key_of
from server import app as composition
from server.core.audit import Actor
from server.core.ids import new_token
from server.core.mongod import EmbeddedMongod
from server.core.mongod_directory import free_port
from server.core.observability import configure_logging
from server.identity.guesses import GuessPolicy
from server.identity.tries import TriesPolicy
from server.partners.model import App, Institution, Terminal
from server.settings import Settings
from server.staff.model import SESSION_LIFE
from server.verification.throttle import TerminalPolicy
from tests.faults.people import Person
from tests.faults.processes import Child, Processes, http_ready

SECRET = "a-secret-of-this-fault-run"
APP_ID, KEY_ID, TERMINAL_ID = "hospital-a-his", "k1", "T-0001"
PRIVATE_KEY_HEX = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
# The second hospital has a system of its own, in the sandbox.
HIS_ID, HIS_APP_ID = "institution-b", "hospital-b-his"
HIS_PRIVATE_KEY_HEX = "128b2fa8bd433c6c068c8d803dff79792a519a55171b1b650c23661d15897263"
HIS_PUBLIC_KEY = b"\x04" + public_key_of(bytes.fromhex(HIS_PRIVATE_KEY_HEX))
CENTRE_ID = "0000A0001"
# What the platform still has to do with a booking, claim or event: nothing of it is left when it is drained.
WAITS = {"outbox": {"$exists": True}}
UNDECIDED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("cards", {"status": "pending", "waits_for_review": {"$exists": False}}),
    ("appointments", {"state": {"$in": ["holding", "confirming"]}}),
    ("appointments", {"owes_release": True}),
)
SCOPES = frozenset(
    {
        *("verification", "cards.issue", "persons.register", "persons.pix", "usage.report"),
        *("visits", "examinations", "slots"),
    }
)
DATABASE = "ehc_faults"
SEARCHABLE = (
    *("--wiredTigerCollectionBlockCompressor", "none", "--wiredTigerJournalCompressor", "none"),
    *("--wiredTigerIndexPrefixCompression", "false"),
)


class Stage:
    """`mongod`, the sandbox and the register of one hospital; serve and worker are started by who needs them.

    `mongod_args` are added to the database's; `code_refresh_s` is the life of a dynamic code.
    """

    def __init__(
        self,
        folder: Path,
        people: Sequence[Person],
        *,
        mongod_args: Sequence[str] = (),
        code_refresh_s: int = 300,
    ) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.data = folder / "mongodb"
        self.mongod = EmbeddedMongod(self.data, extra_args=(*SEARCHABLE, *mongod_args))
        self.processes = Processes(self.logs)
        self._people = people
        self._code_refresh_s = code_refresh_s
        self._sandbox_port = free_port()
        self.sandbox_url = f"http://127.0.0.1:{self._sandbox_port}"
        self.platform_public_key_hex = ""
        self.staff_tokens: list[str] = []
        "Of one who proposes merges, and of one who approves them."
        self._client: MongoClient[dict[str, Any]] | None = None

    def __enter__(self) -> Self:
        try:
            self.mongod.start()
            asyncio.run(self._admit())
            self._start_sandbox()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.processes.__exit__(None, None, None)
        self.stop_database()

    @property
    def database(self) -> Any:
        """The database, looked at from outside."""
        if self._client is None:
            self._client = MongoClient(self.mongod.direct_uri, tz_aware=True, serverSelectionTimeoutMS=20_000)
        return self._client[DATABASE]

    def stop_database(self) -> None:
        """Ends it cleanly, its last checkpoint written."""
        if self._client is not None:
            self._client.close()  # first, because closing says goodbye to a server and waits for one
            self._client = None
        self.mongod.stop()

    # -- the platform's processes
    def settings(self, port: int = 0, uri: str | None = None) -> dict[str, str]:
        """The environment of a platform process."""
        return {
            "ENVIRONMENT": "test",
            "LOG_LEVEL": "info",
            "MONGODB_URI": uri or self.mongod.uri,
            "MONGODB_DATABASE": DATABASE,
            "MASTER_KEY": "00112233445566778899aabbccddeeff",
            "CENTRE_ID": CENTRE_ID,
            "HTTP_PORT": str(port or 8080),
            "TRUSTED_PROXIES": "127.0.0.1",  # clients say where they come from: no one source is too many
            "CODE_REFRESH_SECONDS": str(self._code_refresh_s),
            "SMS_PER_HOUR": "1000",
            "SMS_URL": f"{self.sandbox_url}/sms",
            "SMS_APP_ID": "ehc",
            "SMS_SECRET": SECRET,
            "REAL_NAME_URL": f"{self.sandbox_url}/real-name",
            "REAL_NAME_APP_ID": "ehc",
            "REAL_NAME_SECRET": SECRET,
            "MOBILE_URL": f"{self.sandbox_url}/mobile",
            "MOBILE_APP_ID": "ehc",
            "MOBILE_SECRET": SECRET,
            "WECHAT_URL": f"{self.sandbox_url}/wechat",
            "WECHAT_APP_ID": "wx-test",
            "WECHAT_APP_SECRET": SECRET,
        }

    def serve(
        self,
        name: str = "serve",
        *,
        port: int = 0,
        uri: str | None = None,
        built_in: str | None = None,
        ready: bool = True,
        **environment: str,
    ) -> tuple[Child, str]:
        """A serving process and its address.  `built_in` is a fault of tests/faults/launcher.py."""
        port = port or free_port()
        url = f"http://127.0.0.1:{port}"
        probe = http_ready(f"{url}/health/ready") if ready else lambda: True
        env = {**self.settings(port, uri), **environment}
        return self.processes.start(name, _argv("serve", built_in), env, ready=probe), url

    def worker(
        self, name: str = "worker", *, uri: str | None = None, built_in: str | None = None, **environment: str
    ) -> Child:
        """A working process; it says in its log when it works, so there is nothing to await."""
        env = {**self.settings(uri=uri), **environment}
        return self.processes.start(name, _argv("worker", built_in), env)

    def kill_all(self) -> None:
        """Every serving and working process, at once; the sandbox stays."""
        for child in self.processes.children:
            if child.name != "sandbox" and child.is_running:
                child.kill()

    # -- the outside world
    def fault(self, service: str, **fault: Any) -> None:
        """Opens the fault door of a sandbox service; no fault closes it."""
        body = json.dumps(fault).encode() if fault else None
        request = urllib.request.Request(
            f"{self.sandbox_url}/control/{service}", body, method="PUT" if fault else "DELETE"
        )
        with urllib.request.urlopen(request, timeout=5):
            pass

    def _start_sandbox(self) -> None:
        shared = {"app_id": "ehc", "secret": SECRET}
        config = {
            "port": self._sandbox_port,
            "sms": shared,
            "real_name": shared,
            "mobile": shared,
            "wechat": {"app_id": "wx-test", "secret": SECRET},
            "persons": [person.known() for person in self._people],
            "his": {
                "api": "http://127.0.0.1:9",
                "app_id": HIS_APP_ID,
                "key_id": KEY_ID,
                "private_key_hex": HIS_PRIVATE_KEY_HEX,
                "platform_public_key_hex": self.platform_public_key_hex,
                "centre_id": CENTRE_ID,
                "institution_name": "The second hospital",
            },
        }
        # Beside the folder that is searched for personal data: the outside world may know its people.
        file = self.folder / "sandbox.json"
        file.write_text(json.dumps(config))
        self.processes.start(
            "sandbox",
            [sys.executable, "-m", "sandbox", "--config", str(file)],
            ready=http_ready(f"{self.sandbox_url}/sms/messages?phone=0"),
        )

    def make_claims_due(self) -> None:
        """Pending claims are tried now, and not when their next try was planned."""
        pending = {"status": "pending", "waits_for_review": {"$exists": False}}
        self.database.cards.update_many(pending, {"$set": {"next_try_at": datetime.now(UTC)}})

    # -- time that passes without anybody waiting
    def let_leases_end(self) -> None:
        """What half a minute would do: what a killed process held is free again.  Only while none runs."""
        assert not any(child.is_running for child in self.processes.children if child.name != "sandbox")
        now = datetime.now(UTC)
        database = self.database
        database.idempotency.update_many({"answer": {"$exists": False}}, {"$set": {"lease_until": now}})
        pending = {"status": "pending", "waits_for_review": {"$exists": False}}
        database.cards.update_many(pending, {"$set": {"next_try_at": now}})
        self.let_workers_leases_end()

    def let_workers_leases_end(self) -> None:
        """The same, of what a killed worker held.  Only while no worker runs."""
        now, database = datetime.now(UTC), self.database
        for name in composition.EVENT_SOURCES:
            database[name].update_many({"outbox.due_at": {"$exists": True}}, {"$set": {"outbox.due_at": now}})
        database.appointments.update_many({"next_try_at": {"$exists": True}}, {"$set": {"next_try_at": now}})

    def is_drained(self) -> bool:
        """No event waits or is parked, no claim and no booking is undecided (I13)."""
        return not self.undrained()

    def undrained(self) -> list[str]:
        """What is not: of each kind one, with what says why it waits; nothing personal."""
        over = {"state": "held", "hold_expires_at": {"$lte": datetime.now(UTC)}}
        undecided = (*UNDECIDED, ("appointments", over))
        waiting = (*((name, WAITS) for name in composition.EVENT_SOURCES), *undecided)
        told = dict.fromkeys(("outbox", "state", "owes_release", "attempts", "next_try_at"), 1)
        found = ((name, self.database[name].find_one(filter, told)) for name, filter in waiting)
        return [f"{name}: {row}" for name, row in found if row is not None]

    # -- what is built in this process
    async def build(self) -> composition.App:
        """The platform on this stage's database, in this process, for looking at it with its own keys."""
        configure_logging("error")
        values: Mapping[str, Any] = {name.lower(): value for name, value in self.settings().items()}
        return await composition.build(Settings(**values))

    async def _admit(self) -> None:
        public = b"\x04" + public_key_of(bytes.fromhex(PRIVATE_KEY_HEX))
        app = await self.build()
        try:
            institution = Institution("institution-a", "The first hospital")
            partner = App(APP_ID, institution, True, SCOPES, {KEY_ID: public})
            terminal = Terminal(TERMINAL_ID, APP_ID, "Window 3", "0100", True)
            await app.services.partner_register.admit(partner, [terminal], Actor("system", "test"))
            # A run's residents all come from one address, and guess more often than a city does in a day.
            by, policies = Actor("system", "test"), app.services.policies
            for policy, content in (
                (TriesPolicy, {"address": 100_000}),
                (GuessPolicy, {"persons": 1_000_000}),
                (TerminalPolicy, {"refused": 1_000_000}),
            ):
                version, _ = await policies.describe(policy.NAME)
                await policies.put(policy.NAME, content, version, by)
            self.staff_tokens = [
                await _sign_in(app, role) for role in ("registrar", "registrar_checker", "claim_reviewer")
            ]
            self.platform_public_key_hex = app.seals.platform_public_key().hex()
        finally:
            await app.stop()


async def _sign_in(app: composition.App, role: str) -> str:
    """A session token of somebody with this role; the second factor is not what these runs are about."""
    services, token, now = app.services, new_token(), app.services.staff_sessions._clock.now()
    staff, _ = await services.staff.open(role.replace("_", "-"), role, Actor("system", "test"), (role,))
    await app.mongo.collection("staff").update({"_id": staff.staff_id}, {"$set": {"status": "active"}})
    digest = services.staff_sessions._sealer.token_digest(token)
    await services.staff_sessions._store.open_session(digest, staff.staff_id, now, now + SESSION_LIFE)
    return token


def _argv(command: str, built_in: str | None) -> list[str]:
    if built_in is None:
        return [sys.executable, "-m", "server", command]
    return [sys.executable, "-m", "tests.faults.launcher", built_in, command]
