"""The services of uses that hospitals tell of, put together."""

from dataclasses import dataclass

from server.app.foundation import Foundation
from server.cards.display import Display
from server.identity.identifiers.service import IdentifierService
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


@dataclass(frozen=True)
class Using:
    """What every noun that stores uses is given, and the services."""

    journal: UsageJournal
    codes: UsageCodes
    services: UsageServices


def using(base: Foundation, identifiers: IdentifierService, display: Display) -> Using:
    base.policies.declare(UsageTables, UsageReporting)
    kept, centre_id = base.mongo.collection, base.settings.centre_id
    mappings = CodeMappings(
        CodeMappingStore(kept("code_mappings")), base.policies, base.audit, base.versions, base.clock
    )
    codes = UsageCodes(base.policies, mappings)
    journal = UsageJournal(base.usage_chain, is_uploaded=False)
    store = ReportedUsageStore(kept("usages"), kept("cards"), journal)
    subjects = Subjects(store, identifiers, display, base.seals, centre_id=centre_id)
    usage = UsageService(store, subjects, codes, base.policies, base.seals, base.audit, base.clock)
    return Using(journal, codes, UsageServices(usage, mappings))
