"""The services of uses that hospitals tell of, put together."""

from dataclasses import dataclass

from server.app.foundation import Foundation
from server.app.keys import public_keys
from server.cards.display import Display
from server.core.proving import PublicKeys
from server.core.signed_calls import SignedCalls
from server.gateways.upper_centre import HttpUpperCentre
from server.identity.identifiers.service import IdentifierService
from server.partners.register import PartnerRegister
from server.services import UsageServices
from server.usage.code_mappings.service import CodeMappings
from server.usage.code_mappings.store import CodeMappingStore
from server.usage.codes import UsageCodes
from server.usage.journal import UsageJournal
from server.usage.model import UsageReporting
from server.usage.service import UsageService
from server.usage.store import ReportedUsageStore
from server.usage.subjects import Subjects
from server.usage.tables import UsageTables
from server.usage.upload.service import UsageUpload
from server.usage.upload.store import UploadStore


@dataclass(frozen=True)
class Using:
    """What every noun that stores uses is given, and the services."""

    journal: UsageJournal
    codes: UsageCodes
    services: UsageServices


def using(
    base: Foundation, identifiers: IdentifierService, display: Display, register: PartnerRegister
) -> Using:
    base.policies.declare(UsageTables, UsageReporting)
    kept, centre_id = base.mongo.collection, base.settings.centre_id
    mappings = CodeMappings(
        CodeMappingStore(kept("code_mappings")),
        register,
        base.policies,
        base.audit,
        base.versions,
        base.clock,
    )
    codes = UsageCodes(base.policies, mappings)
    upper = _upper_centre(base)
    journal = UsageJournal(base.usage_chain, is_uploaded=upper is not None)
    store = ReportedUsageStore(kept("usages"), kept("cards"), journal)
    subjects = Subjects(store, identifiers, display, base.seals, centre_id=centre_id)
    usage = UsageService(store, subjects, codes, base.policies, base.seals, base.audit, base.clock)
    upload = UsageUpload(
        UploadStore(kept("usages"), kept("usage_uploads")),
        upper,
        base.policies,
        base.sealer,
        base.audit,
        base.metrics,
        base.clock,
        base.mongo.in_transaction,
    )
    return Using(journal, codes, UsageServices(usage, mappings, upload))


def _upper_centre(base: Foundation) -> HttpUpperCentre | None:
    settings = base.settings
    if settings.upper_url is None:
        return None
    keys = PublicKeys(base.sm2, base.threads)
    calls = SignedCalls(
        base.http, base.seals.federation_key, keys, base.clock, base.threads, own_id=settings.centre_id
    )
    return HttpUpperCentre(calls, settings.upper_url, list(public_keys(settings.upper_keys).values()))
