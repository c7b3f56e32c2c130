"""The national router, put together: the foundation a centre has, without anything that knows a person."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from server.app.foundation import THREADS
from server.app.process import Process
from server.core.audit import Audit, AuditChain, AuditCollections
from server.core.audit_verifier import AuditVerifier, time_out_chains
from server.core.clock import Clock, SystemClock
from server.core.crypto.master_key import load_master_key
from server.core.crypto.provider import choose_provider
from server.core.health import Health
from server.core.http import OutboundHttp
from server.core.keys import KeyStore, Seals
from server.core.mongo import Mongo
from server.core.observability import Metrics, request_id
from server.core.proving import PublicKeys
from server.core.signed_calls import SignedCalls
from server.core.versions import Versions
from server.federation.calls import PeerCalls
from server.federation.model import ROUTER
from server.federation.proof import Proof
from server.federation.store import NonceStore
from server.jobs import Job
from server.router.register import CentreRegister
from server.router.service import RouterService
from server.router.services import RouterServices
from server.router.store import CentreStore, RouteStore
from server.settings import ProcessSettings

INDEXES = {
    "keys": KeyStore.INDEXES,
    "routes": RouteStore.INDEXES,
    "federation_nonces": NonceStore.INDEXES,
    "audit": Audit.INDEXES,
    "audit_directory": AuditCollections.DIRECTORY_INDEXES,
    "audit_batches": AuditCollections.BATCH_INDEXES,
}


@dataclass(kw_only=True)
class RouterApp(Process):
    settings: ProcessSettings
    services: RouterServices
    jobs: list[Job]


async def build_router(settings: ProcessSettings, clock: Clock | None = None) -> RouterApp:
    """The router on a prepared database of its own; refuses to start as `server.app.build` does."""
    clock = clock or SystemClock()
    mongo = Mongo(settings.mongodb_uri.get_secret_value(), settings.mongodb_database)
    await mongo.require_safe()
    await asyncio.gather(*(mongo.collection(name).ensure_indexes(INDEXES[name]) for name in INDEXES))
    versions = Versions(mongo.collection("versions"))
    master_key = settings.master_key.get_secret_value() if settings.master_key else None
    keys = KeyStore(
        mongo.collection("keys"), load_master_key(master_key, settings.master_key_file), clock, versions
    )
    await keys.ensure()
    versions.reload_on("keys", keys.load)
    sm2 = choose_provider(settings.sm2_provider)
    seals = Seals(keys.keyring, sm2, clock)
    kept = AuditCollections(
        mongo.collection("audit_directory"),
        mongo.collection("audit_batches"),
        {"audit": mongo.collection("audit")},
    )
    chain = AuditChain(mongo.collection("audit"), kept, seals, clock)
    http = OutboundHttp(public_only=settings.is_production)
    threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="work")
    public_keys = PublicKeys(sm2, threads)
    calls = SignedCalls(http, seals.federation_key, public_keys, clock, threads, own_id=ROUTER)
    audit = Audit(chain, clock, request_id.get)
    register = CentreRegister(CentreStore(mongo.collection("centres")), audit, versions, clock)
    nonces = NonceStore(mongo.collection("federation_nonces"))
    metrics = Metrics()
    return RouterApp(
        settings=settings,
        mongo=mongo,
        keys=keys,
        seals=seals,
        versions=versions,
        chains=[chain],
        verifier=AuditVerifier(kept, seals),
        http=http,
        services=RouterServices(
            federation=RouterService(
                Proof(register.find_peer, nonces, public_keys, seals, clock, threads),
                register,
                RouteStore(mongo.collection("routes")),
                PeerCalls(calls),
                metrics,
                clock,
            ),
            metrics=metrics,
            health=Health(mongo),
        ),
        jobs=[Job("audit_timeouts", 60, lambda: time_out_chains(kept, seals, clock))],
    )
