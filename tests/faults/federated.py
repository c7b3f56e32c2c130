"""A second card centre and the national router beside a stage, as child processes on its database server."""

import asyncio
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from server import app as composition
from server.app.router import build_router
from server.core.audit import Actor
from server.core.crypto.provider import choose_provider
from server.core.mongod_directory import free_port
from server.settings import ProcessSettings, Settings
from tests.faults.processes import Child, http_ready
from tests.faults.stage import DATABASE, Stage

FIRST, SECOND = "0000A0001", "0000B0001"
SECOND_DATABASE, ROUTER_DATABASE = f"{DATABASE}_second", f"{DATABASE}_router"


class Federated:
    """`environment` is what the first centre's processes are given besides; the stage starts those."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.ports = {name: free_port() for name in ("first", "second", "router")}
        self.urls = {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}
        self.environment = {"CENTRE_ID": FIRST}
        asyncio.run(self._admit())

    def settings(self, name: str) -> dict[str, str]:
        """The environment of one of the three."""
        values = {**self.stage.settings(self.ports[name]), **self.environment}
        if name == "second":
            values |= {"CENTRE_ID": SECOND, "MONGODB_DATABASE": SECOND_DATABASE}
        if name == "router":
            values |= {"MONGODB_DATABASE": ROUTER_DATABASE}
        return values

    def start(self, name: str, **environment: str) -> Child:
        """A process of that centre, or of the router, ready."""
        argv = [sys.executable, "-m", "server", "router" if name == "router" else "serve"]
        return self.stage.processes.start(
            name,
            argv,
            {**self.settings(name), **environment},
            ready=http_ready(f"{self.urls[name]}/health/ready"),
        )

    def database(self, name: str) -> Any:
        client = self.stage.database.client
        return client[{"first": DATABASE, "second": SECOND_DATABASE, "router": ROUTER_DATABASE}[name]]

    def audit_problems(self) -> list[str]:
        """What the verifier says of all three records."""
        return asyncio.run(self._audit_problems())

    async def _audit_problems(self) -> list[str]:
        found = []
        for name in self.ports:
            app: Any
            if name == "router":
                app = await build_router(ProcessSettings(**_lowered(self.settings(name))))
            else:
                app = await composition.build(Settings(**_lowered(self.settings(name))))
            try:
                found += [f"{name}: {problem}" for problem in (await app.verifier.verify()).problems]
            finally:
                await app.stop()
        return found

    async def _admit(self) -> None:
        sm2 = choose_provider()
        anchor = sm2.private_key(sm2.generate_key_pair().private)
        router = await build_router(ProcessSettings(**_lowered(self.settings("router"))))
        try:
            for name, centre_id in (("first", FIRST), ("second", SECOND)):
                app = await composition.build(Settings(**_lowered(self.settings(name))))
                key_id, key = app.seals.federation_key()
                await app.stop()
                await router.services.federation.register.admit(
                    centre_id,
                    centre_id,
                    self.urls[name],
                    key_id=key_id,
                    public_key=key.public.raw,
                    valid=timedelta(days=1),
                    anchor=anchor,
                    by=Actor("system", "test"),
                )
            key_id, key = router.seals.federation_key()
        finally:
            await router.stop()
        self.environment |= {
            "ROUTER_URL": self.urls["router"],
            "ROUTER_KEYS": f"{key_id}:{key.public.raw.hex()}",
            "ROUTER_ANCHOR": anchor.public.raw.hex(),
        }


def _lowered(environment: Mapping[str, str]) -> dict[str, Any]:
    return {name.lower(): value for name, value in environment.items()}
