"""The services of the register of partners, put together."""

from payment.merchants.service import Merchants
from payment.merchants.store import MerchantStore
from server.app.foundation import Foundation
from server.partners.admission.service import AdmissionService
from server.partners.admission.store import AdmissionStore
from server.partners.dialects.service import DialectService
from server.partners.dialects.store import DialectStore
from server.partners.limits import PartnerLimits
from server.partners.register import PartnerRegister
from server.partners.service import PartnerService
from server.partners.store import PartnerStore
from server.services import PartnerServices


def partner_register(base: Foundation) -> PartnerServices:
    kept = base.mongo.collection
    store = PartnerStore(
        kept("apps"),
        kept("terminals"),
        kept("partner_sessions"),
        kept("partner_nonces"),
        kept("partner_criteria"),
        base.sealer,
    )
    partners = PartnerService(
        store,
        base.sm2,
        base.seals,
        base.audit,
        base.versions,
        base.clock,
        base.threads,
        window_seconds=base.settings.partner_window_seconds,
    )
    register = PartnerRegister(store, base.sm2, base.audit, base.versions, base.clock)
    admissions = AdmissionService(
        AdmissionStore(kept("admissions"), kept("admission_documents"), base.sealer),
        register,
        base.sm2,
        base.audit,
        base.budgets,
        base.sealer,
        base.clock,
        base.threads,
    )
    dialects = DialectService(
        DialectStore(kept("partner_dialects"), kept("dialect_tokens"), base.sealer),
        partners,
        register,
        base.audit,
        base.versions,
        base.sealer,
        base.clock,
        needs_tls=base.settings.is_production,
    )
    merchants = Merchants(MerchantStore(kept("merchants")), base.clock)
    limits = PartnerLimits(store, register, base.audit, base.versions, base.clock)
    return PartnerServices(partners, register, limits, dialects, admissions, merchants)
