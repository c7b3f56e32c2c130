"""Foundation → stores, gateways, services: one function for each noun, in the order of the imports."""

from datetime import timedelta

from server.accounts.service import AccountService
from server.accounts.sms_codes import SmsCodes
from server.accounts.store import AccountStore
from server.app.appointments import booking
from server.app.claims import claiming
from server.app.examinations import examining
from server.app.federation import foreign_centres, issuing_centre
from server.app.foundation import Foundation
from server.app.medications import medications
from server.app.outside import outside_sources
from server.app.partners import partner_register
from server.app.persons import person_index
from server.app.push import PushNeeds, telling
from server.app.usage import using
from server.app.visits import visiting
from server.cards.display import Display, DisplayPolicy
from server.cards.factors.service import FactorService
from server.cards.factors.store import FactorStore
from server.cards.institution_cards import InstitutionCards
from server.cards.lifecycle.service import LifecycleService, RetentionPolicy
from server.cards.lifecycle.store import LifecycleStore
from server.cards.merged.service import MergedCards
from server.cards.merged.store import MergedCardStore
from server.cards.patients import Patients
from server.cards.policy import ClaimPolicy
from server.cards.service import CardService
from server.cards.store import CardStore
from server.core.audit_log import AuditLog
from server.core.health import Health
from server.core.http import SharedSecretCaller
from server.core.idempotency import Idempotency
from server.core.policies import Policy
from server.gateways.alipay import AlipayLogin
from server.gateways.login import LoginPlatform
from server.gateways.sms import HttpSmsGateway
from server.gateways.wechat import WeChatLogin
from server.identity.guesses import GuessPolicy
from server.identity.matching import MatchingPolicy
from server.identity.proving import Proving
from server.identity.real_name_policy import RealNamePolicy
from server.identity.tries import TriesPolicy
from server.partners.service import PartnerService
from server.security.service import SecurityService
from server.security.store import SecurityStore
from server.services import Services, StaffServices
from server.settings import Settings
from server.staff.enrolment import Enrolment
from server.staff.passwords import Passwords
from server.staff.service import StaffService
from server.staff.sessions import StaffSessions
from server.staff.store import StaffStore
from server.usage.codes import UsageCodes
from server.verification.authorization.model import ActiveScanPolicy
from server.verification.authorization.service import AuthorizationService
from server.verification.authorization.store import AuthorizationStore
from server.verification.consent import Consents
from server.verification.policy import StaticCodePolicy
from server.verification.service import VerificationService
from server.verification.store import UsageStore
from server.verification.throttle import TerminalPolicy, Throttle

# What the centre may decide for itself, as data.
POLICIES: tuple[type[Policy], ...] = (
    *(RealNamePolicy, TriesPolicy, GuessPolicy, MatchingPolicy),
    *(ClaimPolicy, DisplayPolicy, RetentionPolicy, StaticCodePolicy),
)


def services(base: Foundation) -> Services:
    settings, mongo = base.settings, base.mongo
    base.policies.declare(*POLICIES)
    proving = Proving(outside_sources(base), base.policies, base.clock)
    display = Display(base.policies, settings.code_refresh_seconds)
    cards_store = CardStore(mongo.collection("cards"), base.sealer)
    cards = _cards(base, cards_store, display)
    accounts, sms_codes = _accounts(base)
    partners, persons = partner_register(base), person_index(base)
    factors = _factors(base)
    told = using(base, persons.identifiers, display, partners.partner_register)
    usages = UsageStore(mongo.collection("usages"), mongo.collection("cards"), told.journal, base.sealer)
    lifecycle = _lifecycle(base, cards_store, factors)
    verification = _verification(base, usages, told.codes, partners.partners, factors, display)
    consents = Consents(usages, base.seals, display, base.clock, settings.centre_id)
    claims = claiming(
        base, cards_store, cards, persons.identity, proving, sms_codes, partners.partners, consents, usages
    )
    security = _security(base)
    booked = booking(base, cards, partners.partner_register)
    find_registered = booked.appointments.find_by_registration
    patients = Patients(cards_store, persons.identifiers, usages.was_used_at, base.clock, find_registered)
    plans = medications(base, cards, patients)
    needs = PushNeeds(cards, lifecycle, security, accounts, _sms(base), patients, booked, plans)
    return Services(
        **vars(persons),
        **vars(partners),
        **vars(claims),
        **vars(_staff(base)),
        **vars(visiting(base, cards, verification, booked)),
        **vars(examining(base, booked, cards, verification)),
        **vars(told.services),
        **vars(booked),
        **vars(plans),
        **vars(telling(base, needs)),
        accounts=accounts,
        sms_codes=sms_codes,
        cards=cards,
        lifecycle=lifecycle,
        institution_cards=InstitutionCards(
            cards_store,
            cards,
            lifecycle,
            persons.identity,
            base.audit,
            base.clock,
            usages.was_used_at,
            allows_test_numbers=settings.allows_test_numbers,
        ),
        merged_cards=MergedCards(
            cards_store, MergedCardStore(mongo.collection("cards")), lifecycle, persons.merges, base.audit
        ),
        verification=verification,
        authorizations=_authorizations(base, usages, told.codes, partners.partners, cards, factors),
        federation=issuing_centre(base, verification),
        security=security,
        idempotency=Idempotency(mongo.collection("idempotency"), base.sealer, base.clock),
        policies=base.policies,
        proving=proving,
        audit_log=AuditLog(mongo.collection("audit"), base.audit, base.clock),
        metrics=base.metrics,
        health=Health(mongo),
    )


def _cards(base: Foundation, store: CardStore, display: Display) -> CardService:
    centre_id = base.settings.centre_id
    return CardService(store, base.seals, display, base.clock, base.threads, centre_id=centre_id)


def _security(base: Foundation) -> SecurityService:
    store = SecurityStore(base.mongo.collection("security_events"), base.sealer)
    return SecurityService(store, base.audit, base.clock)


def _lifecycle(base: Foundation, cards: CardStore, factors: FactorService) -> LifecycleService:
    store = LifecycleStore(base.mongo.collection("cards"), base.sealer)
    return LifecycleService(cards, store, factors, base.audit, base.policies, base.clock)


def _verification(
    base: Foundation,
    usages: UsageStore,
    codes: UsageCodes,
    partners: PartnerService,
    factors: FactorService,
    display: Display,
) -> VerificationService:
    base.policies.declare(TerminalPolicy)
    return VerificationService(
        usages,
        partners,
        factors,
        display,
        base.policies,
        base.seals,
        base.audit,
        base.metrics,
        base.clock,
        foreign_centres(base),
        codes,
        Throttle(base.budgets, base.policies, base.clock),
        centre_id=base.settings.centre_id,
    )


def _authorizations(
    base: Foundation,
    usages: UsageStore,
    codes: UsageCodes,
    partners: PartnerService,
    cards: CardService,
    factors: FactorService,
) -> AuthorizationService:
    base.policies.declare(ActiveScanPolicy)
    return AuthorizationService(
        AuthorizationStore(base.mongo.collection("authorization_requests")),
        usages,
        partners,
        cards,
        factors,
        base.policies,
        base.seals,
        base.audit,
        base.clock,
        codes,
        centre_id=base.settings.centre_id,
    )


def _staff(base: Foundation) -> StaffServices:
    kept = base.mongo.collection
    store = StaffStore(kept("staff"), kept("staff_sessions"), kept("staff_tries"), base.sealer)
    passwords = Passwords(base.threads)
    enrolment = Enrolment(store, passwords, base.audit, base.budgets, base.sealer, base.clock)
    sessions = StaffSessions(store, passwords, base.audit, base.budgets, base.sealer, base.clock)
    staff = StaffService(store, enrolment, base.audit, base.clock)
    return StaffServices(staff, sessions, enrolment)


def _factors(base: Foundation) -> FactorService:
    kept = base.mongo.collection
    return FactorService(
        FactorStore(kept("cards"), kept("factor_codes"), base.sealer),
        _sms(base),
        base.audit,
        base.budgets,
        base.sealer,
        base.clock,
        base.threads,
    )


def _sms(base: Foundation) -> HttpSmsGateway:
    settings = base.settings
    secret = settings.sms_secret.get_secret_value()
    return HttpSmsGateway(
        SharedSecretCaller(base.http, "sms", settings.sms_url, settings.sms_app_id, secret, base.clock)
    )


def _accounts(base: Foundation) -> tuple[AccountService, SmsCodes]:
    settings, kept = base.settings, base.mongo.collection
    store = AccountStore(kept("accounts"), kept("sessions"), kept("sms_codes"), base.sealer)
    per_hour = settings.sms_per_hour
    codes = SmsCodes(store, _sms(base), base.budgets, base.sealer, base.clock, sms_per_hour=per_hour)
    accounts = AccountService(
        store,
        codes,
        _login_platforms(settings),
        base.audit,
        base.budgets,
        base.sealer,
        base.clock,
        session_life=timedelta(days=settings.session_days),
    )
    return accounts, codes


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
