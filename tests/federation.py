"""Two centres and the national router in one process, over real sockets, each with a clock of its own.

Before the router and before each centre stands a door: it lets calls through, or does to them what a broken
network or a broken peer would.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from pymongo import MongoClient
from pymongo.database import Database
from tornado.iostream import IOStream, StreamClosedError
from tornado.netutil import bind_sockets
from tornado.tcpclient import TCPClient
from tornado.tcpserver import TCPServer

from handlers.routes import router_application
from server.app.router import RouterApp, build_router
from server.core.audit import Actor
from server.core.clock import HeldClock
from server.core.crypto.provider import choose_provider
from server.settings import ProcessSettings
from tests.harness import (
    MASTER_KEY,
    TERMINAL_ID,
    Http,
    Platform,
    RsaPairs,
    listening,
    running_platform,
)

OWN, OTHER = "0000A0001", "0000B0001"
ANCHOR = choose_provider().private_key(choose_provider().generate_key_pair().private)
FaultAt = Callable[[IOStream], Awaitable[None]]


class Door(TCPServer):
    """Stands at its own address before `target`; `fault`, when set, takes every new connection instead."""

    def __init__(self) -> None:
        super().__init__()
        self.target = ""
        self.fault: FaultAt | None = None
        self.passed = 0
        sockets = bind_sockets(0, "127.0.0.1")
        self.add_sockets(sockets)
        self.url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
        self._open: set[IOStream] = set()

    async def handle_stream(self, stream: IOStream, address: object) -> None:
        self.passed += 1
        self._open.add(stream)
        try:
            if self.fault is not None:
                await self.fault(stream)
            else:
                await self._forward(stream)
        except StreamClosedError:
            pass
        finally:
            stream.close()
            self._open.discard(stream)

    async def _forward(self, near: IOStream) -> None:
        parts = urlsplit(self.target)
        far = await TCPClient().connect(parts.hostname or "", parts.port or 0)
        self._open.add(far)

        async def pump(source: IOStream, sink: IOStream) -> None:
            try:
                while True:
                    await sink.write(await source.read_bytes(65536, partial=True))
            except StreamClosedError:
                sink.close()

        try:
            await asyncio.gather(pump(near, far), pump(far, near))
        finally:
            far.close()
            self._open.discard(far)

    def close(self) -> None:
        self.stop()
        for stream in list(self._open):
            stream.close()


@dataclass
class Federation:
    own: Platform
    other: Platform
    router: RouterApp
    router_http: Http
    router_clock: HeldClock
    router_door: Door
    doors: dict[str, Door]
    databases: dict[str, Database[dict[str, Any]]]
    "By centre id, and `router`."

    @property
    def clocks(self) -> tuple[HeldClock, HeldClock, HeldClock]:
        return self.own.clock, self.other.clock, self.router_clock

    def advance(self, seconds: float) -> None:
        for clock in self.clocks:
            clock.advance(seconds)

    async def admit(self, centre: Platform, *, key_id: str | None = None, **changes: Any) -> None:
        """Admits the centre with its present key, at its door."""
        centre_id = centre.settings.centre_id
        present_id, key = centre.app.seals.federation_key()
        values: dict[str, Any] = {
            "key_id": key_id or present_id,
            "public_key": key.public.raw,
            "valid": timedelta(days=400),
            "anchor": ANCHOR,
            "by": Actor("system", "test"),
            **changes,
        }
        register = self.router.services.federation.register
        await register.admit(centre_id, f"Centre {centre_id}", self.doors[centre_id].url, **values)

    async def scan(self, code: str, *, at: Platform | None = None, **changes: Any) -> Any:
        """One scan at a terminal of `at` (the own centre unless said), signed with the app's key."""
        platform = at or self.own
        key = changes.pop("key", None)
        body = {"code": code, "scene": "010101", "terminal_id": TERMINAL_ID, **changes}
        client = platform.partner()
        return await client.call("POST", "/partner/v1/verifications", body, idempotency_key=key)


async def outcome(scanning: Awaitable[Any]) -> str:
    """ "accepted", or the code of the refusal."""
    reply = await scanning
    return (reply.error or ("accepted", ""))[0]


@asynccontextmanager
async def running_federation(
    mongodb_uri: str, database: str, pairs: RsaPairs, client: MongoClient[Any], at: HeldClock, **changes: Any
) -> AsyncIterator[Federation]:
    """Both centres are admitted; `changes` are settings of both."""
    names = {OWN: f"{database}_a", OTHER: f"{database}_b", "router": f"{database}_r"}
    router_clock, other_clock = HeldClock(at.now()), HeldClock(at.now())
    async with AsyncExitStack() as stack:
        router_settings = ProcessSettings(
            environment="test",
            log_level="error",
            mongodb_uri=mongodb_uri,
            mongodb_database=names["router"],
            master_key=MASTER_KEY,
        )
        router = await build_router(router_settings, router_clock)
        stack.push_async_callback(router.stop)
        router_url = await stack.enter_async_context(listening(router_application(router.services)))
        router_door, doors = Door(), {OWN: Door(), OTHER: Door()}
        for door in (router_door, *doors.values()):
            stack.callback(door.close)
        router_door.target = router_url
        key_id, key = router.seals.federation_key()
        known = {
            "router_url": router_door.url,
            "router_keys": f"{key_id}:{key.public.raw.hex()}",
            "router_anchor": ANCHOR.public.raw.hex(),
            **changes,
        }
        platforms = []
        for centre_id, clock in ((OWN, at), (OTHER, other_clock)):
            entered = running_platform(
                mongodb_uri, names[centre_id], clock, pairs, centre_id=centre_id, **known
            )
            platforms.append(await stack.enter_async_context(entered))
            doors[centre_id].target = platforms[-1].http.base
        http = Http(router_url)
        stack.callback(http.close)
        databases = {name: client[stored] for name, stored in names.items()}
        federation = Federation(*platforms, router, http, router_clock, router_door, doors, databases)
        for platform in platforms:
            await federation.admit(platform)
        yield federation
