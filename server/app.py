"""The composition root: settings → clients → stores → services.  No logic."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog

from push.messages.service import MessageService
from push.messages.store import MessageStore
from server.accounts.service import AccountService
from server.accounts.store import AccountStore
from server.cards.claim import ClaimService
from server.cards.service import CardService
from server.cards.store import CardStore
from server.core.audit import CHECKPOINT_EVERY, Audit, AuditChain, AuditCollections
from server.core.audit_verifier import AuditVerifier, time_out_chains
from server.core.budgets import Budgets
from server.core.clock import Clock, SystemClock
from server.core.crypto.master_key import load_master_key
from server.core.crypto.provider import choose_provider
from server.core.crypto.sm2 import Sm2Provider
from server.core.errors import EhcError
from server.core.health import Health
from server.core.http import OutboundHttp, SharedSecretCaller
from server.core.idempotency import Idempotency
from server.core.keys import KeyStore, Seals
from server.core.mongo import Collection, Mongo
from server.core.observability import Metrics, request_id
from server.core.outbox import Relay
from server.core.secrets import Sealer
from server.core.versions import Versions
from server.gateways.alipay import AlipayLogin
from server.gateways.login import LoginPlatform
from server.gateways.real_name import HttpRealNameAuthority
from server.gateways.sms import HttpSmsGateway
from server.gateways.wechat import WeChatLogin
from server.identity.service import IdentityService
from server.identity.store import PersonStore
from server.jobs import Job
from server.migrations import migrate
from server.partners.service import PartnerService
from server.partners.store import PartnerStore
from server.services import Services
from server.settings import Settings
from server.subscriptions import dispatcher
from server.verification.service import VerificationService
from server.verification.store import UsageStore

THREADS = 8
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
    metrics: Metrics
    http: OutboundHttp
    threads: ThreadPoolExecutor


async def build(settings: Settings, clock: Clock | None = None, *, unsafe_writes: bool = False) -> App:
    """The platform on a prepared database.  UnsafeDatabase, MasterKeyError, CryptoUnavailable, SealBroken or
    Unavailable when it cannot run here."""
    base = await _foundation(settings, clock or SystemClock(), unsafe_writes)
    services = _services(base)
    sources = [base.mongo.collection("cards"), base.mongo.collection("usages")]
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


async def _foundation(settings: Settings, clock: Clock, unsafe_writes: bool) -> Foundation:
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
    sm2 = choose_provider(settings.sm2_provider)
    seals = Seals(keys.keyring, sm2, clock)
    kept = AuditCollections(
        mongo.collection("audit_directory"),
        mongo.collection("audit_batches"),
        {name: mongo.collection(name) for name in ("audit", "usages")},
    )
    act_chain = AuditChain(mongo.collection("audit"), kept, seals, clock)
    return Foundation(
        settings=settings,
        clock=clock,
        mongo=mongo,
        sm2=sm2,
        versions=versions,
        keys=keys,
        seals=seals,
        sealer=Sealer(seals.current_keys),
        kept=kept,
        act_chain=act_chain,
        usage_chain=AuditChain(mongo.collection("usages"), kept, seals, clock),
        audit=Audit(act_chain, clock, request_id.get),
        budgets=Budgets(mongo.collection("budgets"), clock),
        metrics=Metrics(),
        http=OutboundHttp(public_only=settings.is_production),
        threads=ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="work"),
    )


def _services(base: Foundation) -> Services:
    settings, mongo = base.settings, base.mongo
    cards_store = CardStore(mongo.collection("cards"), base.sealer)
    cards = CardService(
        cards_store,
        base.seals,
        base.clock,
        base.threads,
        centre_id=settings.centre_id,
        refresh_seconds=settings.code_refresh_seconds,
    )
    partners = _partners(base)
    return Services(
        accounts=_accounts(base),
        cards=cards,
        claims=ClaimService(
            cards_store,
            _identity(base),
            base.audit,
            base.budgets,
            base.clock,
            allows_test_numbers=settings.allows_test_numbers,
        ),
        partners=partners,
        verification=VerificationService(
            UsageStore(mongo.collection("usages"), mongo.collection("cards"), base.usage_chain, base.sealer),
            partners,
            base.seals,
            base.audit,
            base.metrics,
            base.clock,
            centre_id=settings.centre_id,
            refresh_seconds=settings.code_refresh_seconds,
        ),
        messages=MessageService(MessageStore(mongo.collection("messages")), cards, base.clock),
        idempotency=Idempotency(mongo.collection("idempotency"), base.sealer, base.clock),
        metrics=base.metrics,
        health=Health(mongo),
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
        Job("audit_timeouts", 60, lambda: time_out_chains(base.kept, base.seals, base.clock)),
        Job("outbox_backlog", 15, measure_backlog),
    ]


def _partners(base: Foundation) -> PartnerService:
    kept = base.mongo.collection
    return PartnerService(
        PartnerStore(
            kept("apps"), kept("terminals"), kept("partner_sessions"), kept("partner_nonces"), base.sealer
        ),
        base.sm2,
        base.seals,
        base.audit,
        base.versions,
        base.clock,
        base.threads,
        window_seconds=base.settings.partner_window_seconds,
    )


def _accounts(base: Foundation) -> AccountService:
    settings = base.settings
    secret = settings.sms_secret.get_secret_value()
    sms = SharedSecretCaller(base.http, "sms", settings.sms_url, settings.sms_app_id, secret, base.clock)
    kept = base.mongo.collection
    return AccountService(
        AccountStore(kept("accounts"), kept("sessions"), kept("sms_codes"), base.sealer),
        HttpSmsGateway(sms),
        _login_platforms(settings),
        base.audit,
        base.budgets,
        base.sealer,
        base.clock,
        session_life=timedelta(days=settings.session_days),
        sms_per_hour=settings.sms_per_hour,
    )


def _identity(base: Foundation) -> IdentityService:
    settings = base.settings
    secret = settings.real_name_secret.get_secret_value()
    caller = SharedSecretCaller(
        base.http, "real_name", settings.real_name_url, settings.real_name_app_id, secret, base.clock
    )
    store = PersonStore(base.mongo.collection("persons"), base.sealer)
    return IdentityService(store, HttpRealNameAuthority(caller), base.sealer, base.clock)


def _login_platforms(settings: Settings) -> dict[str, LoginPlatform]:
    platforms: dict[str, LoginPlatform] = {}
    if settings.wechat_app_id and settings.wechat_app_secret:
        secret = settings.wechat_app_secret.get_secret_value()
        platforms["wechat"] = WeChatLogin(
            settings.wechat_url, settings.wechat_app_id, secret, public_only=settings.is_production
        )
    if settings.alipay_app_id and settings.alipay_app_private_key_file and settings.alipay_public_key_file:
        platforms["alipay"] = AlipayLogin(
            settings.alipay_gateway_url,
            settings.alipay_app_id,
            settings.alipay_app_private_key_file,
            settings.alipay_public_key_file,
            public_only=settings.is_production,
        )
    return platforms


INDEXES = {
    "keys": KeyStore.INDEXES,
    "accounts": AccountStore.INDEXES,
    "sessions": AccountStore.SESSION_INDEXES,
    "sms_codes": AccountStore.SMS_INDEXES,
    "persons": PersonStore.INDEXES,
    "cards": CardStore.INDEXES,
    "terminals": PartnerStore.TERMINAL_INDEXES,
    "partner_sessions": PartnerStore.SESSION_INDEXES,
    "partner_nonces": PartnerStore.NONCE_INDEXES,
    "usages": UsageStore.INDEXES,
    "audit": Audit.INDEXES,
    "audit_directory": AuditCollections.DIRECTORY_INDEXES,
    "audit_batches": AuditCollections.BATCH_INDEXES,
    "messages": MessageStore.INDEXES,
    "idempotency": Idempotency.INDEXES,
    "budgets": Budgets.INDEXES,
}


async def prepare_database(mongo: Mongo) -> None:
    """Indexes and migrations; safe to run by any number of processes at once, and again."""

    async def ensure(name: str) -> None:
        collection: Collection = mongo.collection(name)
        await collection.ensure_indexes(INDEXES[name])

    await asyncio.gather(*(ensure(name) for name in INDEXES))
    await migrate(mongo.collection)
