"""What every service stands on: database, keys, audit, clock, threads."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from server.app.indexes import prepare_database
from server.core.audit import Audit, AuditChain, AuditCollections
from server.core.budgets import Budgets
from server.core.clock import Clock
from server.core.crypto.keyring import CurrentKeys
from server.core.crypto.master_key import load_master_key
from server.core.crypto.provider import choose_provider
from server.core.crypto.sm2 import Sm2Provider
from server.core.http import OutboundHttp
from server.core.keys import KeyStore, Seals
from server.core.mongo import Mongo
from server.core.observability import Metrics, request_id
from server.core.policies import Policies
from server.core.secrets import Sealer
from server.core.versions import Versions
from server.migrations import migrate
from server.settings import Settings

THREADS = 8


@dataclass(frozen=True)
class Foundation:
    """What every service stands on."""

    settings: Settings
    clock: Clock
    mongo: Mongo
    sm2: Sm2Provider
    versions: Versions
    keys: KeyStore
    seals: Seals
    sealer: Sealer
    kept: AuditCollections
    act_chain: AuditChain
    usage_chain: AuditChain
    audit: Audit
    budgets: Budgets
    policies: Policies
    metrics: Metrics
    http: OutboundHttp
    threads: ThreadPoolExecutor


async def foundation(settings: Settings, clock: Clock, unsafe_writes: bool) -> Foundation:
    mongo = Mongo(
        settings.mongodb_uri.get_secret_value(), settings.mongodb_database, unsafe_writes=unsafe_writes
    )
    await mongo.require_safe()
    await prepare_database(mongo)
    versions = Versions(mongo.collection("versions"))
    master_key = settings.master_key.get_secret_value() if settings.master_key else None
    keys = KeyStore(
        mongo.collection("keys"), load_master_key(master_key, settings.master_key_file), clock, versions
    )
    await keys.ensure()
    versions.reload_on("keys", keys.load)
    sealer = Sealer(CurrentKeys(keys.keyring, clock.now))
    await migrate(mongo.collection, sealer)
    sm2 = choose_provider(settings.sm2_provider)
    seals = Seals(keys.keyring, sm2, clock)
    kept = AuditCollections(
        mongo.collection("audit_directory"),
        mongo.collection("audit_batches"),
        {name: mongo.collection(name) for name in ("audit", "usages")},
    )
    act_chain = AuditChain(mongo.collection("audit"), kept, seals, clock)
    audit = Audit(act_chain, clock, request_id.get)
    return Foundation(
        settings=settings,
        clock=clock,
        mongo=mongo,
        sm2=sm2,
        versions=versions,
        keys=keys,
        seals=seals,
        sealer=sealer,
        kept=kept,
        act_chain=act_chain,
        usage_chain=AuditChain(mongo.collection("usages"), kept, seals, clock),
        audit=audit,
        budgets=Budgets(mongo.collection("budgets"), clock),
        policies=Policies(mongo.collection("policies"), audit, versions, clock),
        metrics=Metrics(),
        http=OutboundHttp(public_only=settings.is_production),
        threads=ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="work"),
    )
