"""The composition root: settings → foundation → stores → services → jobs.  No logic.

foundation.py   what every service stands on
assembly.py     one function for each noun
outside.py      the outside sources of identity
persons.py      the services of the person index
indexes.py      the table of indexes
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import structlog

from server.app import assembly
from server.app.foundation import Foundation, foundation
from server.app.outside import report_missing_sources
from server.core.audit import CHECKPOINT_EVERY, AuditChain
from server.core.audit_verifier import AuditVerifier, time_out_chains
from server.core.clock import Clock, SystemClock
from server.core.errors import EhcError
from server.core.http import OutboundHttp
from server.core.keys import KeyStore, Seals
from server.core.mongo import Mongo
from server.core.outbox import Relay
from server.core.versions import Versions
from server.jobs import Job
from server.services import Services
from server.settings import Settings
from server.subscriptions import dispatcher

log = structlog.get_logger()


@dataclass
class App:
    """One process's platform: its services, and what must be started, ticked and stopped."""

    settings: Settings
    mongo: Mongo
    keys: KeyStore
    seals: Seals
    versions: Versions
    chains: list[AuditChain]
    verifier: AuditVerifier
    relay: Relay
    services: Services
    jobs: list[Job]
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


async def build(settings: Settings, clock: Clock | None = None, *, unsafe_writes: bool = False) -> App:
    """The platform on a prepared database.  UnsafeDatabase, MasterKeyError, CryptoUnavailable, SealBroken or
    Unavailable when it cannot run here."""
    base = await foundation(settings, clock or SystemClock(), unsafe_writes)
    services = assembly.services(base)
    await report_missing_sources(services.proving)
    sources = [base.mongo.collection(name) for name in ("cards", "usages", "persons", "person_reviews")]
    relay = Relay(sources, dispatcher(services), base.clock)
    return App(
        settings=settings,
        mongo=base.mongo,
        keys=base.keys,
        seals=base.seals,
        versions=base.versions,
        chains=[base.act_chain, base.usage_chain],
        verifier=AuditVerifier(base.kept, base.seals),
        relay=relay,
        services=services,
        jobs=_jobs(base, services, relay),
        http=base.http,
    )


def _jobs(base: Foundation, services: Services, relay: Relay) -> list[Job]:
    """The table of jobs: name, seconds between two turns, what is done."""

    async def measure_backlog() -> None:
        waiting, parked = await relay.backlog()
        services.metrics.outbox_waiting.set(waiting)
        services.metrics.outbox_parked.set(parked)

    return [
        Job("outbox", 0.2, relay.deliver_due),
        Job("pending_claims", 2, services.claims.resume_due),
        Job("cancelled_cards", 60, services.lifecycle.mask_cancelled),
        Job("attachments", 60, services.attachments.delete_due),
        Job("audit_timeouts", 60, lambda: time_out_chains(base.kept, base.seals, base.clock)),
        Job("outbox_backlog", 15, measure_backlog),
    ]
