"""What every long-running process has: database, keys, audit chains, and tasks that run beside its work."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import structlog

from server.core.audit import CHECKPOINT_EVERY, AuditChain
from server.core.audit_verifier import AuditVerifier
from server.core.errors import EhcError
from server.core.http import OutboundHttp
from server.core.keys import KeyStore, Seals
from server.core.mongo import Mongo
from server.core.versions import Versions

log = structlog.get_logger()


@dataclass(kw_only=True)
class Process:
    """What must be started and stopped, of a centre's process and of the router's."""

    mongo: Mongo
    keys: KeyStore
    seals: Seals
    versions: Versions
    chains: list[AuditChain]
    verifier: AuditVerifier
    http: OutboundHttp
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    def start(self) -> None:
        """What every serving or working process does besides: watch for changes, sign its audit heads."""
        self.tasks.append(asyncio.create_task(self.versions.run()))
        self.tasks.append(asyncio.create_task(self._checkpoints()))

    async def _checkpoints(self) -> None:
        while True:
            await asyncio.sleep(CHECKPOINT_EVERY.total_seconds())
            await log_failures("audit.checkpoint_failed", [chain.checkpoint() for chain in self.chains])

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await log_failures("audit.close_failed", [chain.close() for chain in self.chains])
        self.http.close()
        self.mongo.close()


async def log_failures(event: str, works: list[Coroutine[Any, Any, None]]) -> None:
    """Does all of them; one that fails is told of in the log, and the caller goes on."""
    for result in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(result, BaseException):
            reason = result.code if isinstance(result, EhcError) else type(result).__name__
            log.warning(event, reason=reason)
