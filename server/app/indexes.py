"""The table: collection → its indexes."""

import asyncio

from payment.merchants.store import MerchantStore
from push.deliveries.store import DeliveryStore
from push.messages.hospital_store import HospitalMessageStore
from push.messages.store import MessageStore
from push.reminders.store import ReminderStore
from server.accounts.store import AccountStore
from server.appointments.booking.store import AppointmentStore
from server.appointments.examinations.store import OrderStore, PlanStore
from server.appointments.slots.store import PoolStore
from server.cards.attachments.store import AttachmentStore
from server.cards.factors.store import FactorStore
from server.cards.store import CardStore
from server.core.audit import Audit, AuditCollections
from server.core.budgets import Budgets
from server.core.idempotency import Idempotency
from server.core.keys import KeyStore
from server.core.mongo import Collection, Mongo
from server.core.policies import Policies
from server.federation.store import NonceStore
from server.identity.identifiers.store import IdentifierStore
from server.identity.merges.store import MergeStore
from server.identity.reviews.store import ReviewStore
from server.identity.store import PersonStore
from server.medications.store import MedicationStore
from server.partners.admission.store import AdmissionStore
from server.partners.dialects.store import DialectStore
from server.partners.store import PartnerStore
from server.security.store import SecurityStore
from server.staff.store import StaffStore
from server.usage.code_mappings.store import CodeMappingStore
from server.usage.upload.store import UploadStore
from server.verification.authorization.store import AuthorizationStore
from server.verification.store import UsageStore
from server.visits.queues.store import QueueStore, TokenStore
from server.visits.store import VisitStore

INDEXES = {
    "keys": KeyStore.INDEXES,
    "accounts": AccountStore.INDEXES,
    "sessions": AccountStore.SESSION_INDEXES,
    "sms_codes": AccountStore.SMS_INDEXES,
    "persons": PersonStore.INDEXES,
    "person_reviews": ReviewStore.INDEXES,
    "merges": MergeStore.INDEXES,
    "identifiers": IdentifierStore.INDEXES,
    "attachments": AttachmentStore.INDEXES,
    "cards": CardStore.INDEXES,
    "factor_codes": FactorStore.INDEXES,
    "apps": PartnerStore.APP_INDEXES,
    "terminals": PartnerStore.TERMINAL_INDEXES,
    "partner_sessions": PartnerStore.SESSION_INDEXES,
    "partner_nonces": PartnerStore.NONCE_INDEXES,
    "partner_criteria": PartnerStore.CRITERIA_INDEXES,
    "partner_dialects": DialectStore.INDEXES,
    "dialect_tokens": DialectStore.TOKEN_INDEXES,
    "admissions": AdmissionStore.INDEXES,
    "admission_documents": AdmissionStore.DOCUMENT_INDEXES,
    "merchants": MerchantStore.INDEXES,
    "staff": StaffStore.INDEXES,
    "staff_sessions": StaffStore.SESSION_INDEXES,
    "staff_tries": StaffStore.TRY_INDEXES,
    "slot_pools": PoolStore.INDEXES,
    "appointments": AppointmentStore.INDEXES,
    "usages": [*UsageStore.INDEXES, *UploadStore.USAGE_INDEXES],
    "code_mappings": CodeMappingStore.INDEXES,
    "authorization_requests": AuthorizationStore.INDEXES,
    "federation_nonces": NonceStore.INDEXES,
    "examination_orders": OrderStore.INDEXES,
    "examination_plans": PlanStore.INDEXES,
    "visits": VisitStore.INDEXES,
    "queues": QueueStore.INDEXES,
    "queue_tokens": TokenStore.INDEXES,
    "audit": Audit.INDEXES,
    "audit_directory": AuditCollections.DIRECTORY_INDEXES,
    "audit_batches": AuditCollections.BATCH_INDEXES,
    "messages": MessageStore.INDEXES,
    "deliveries": DeliveryStore.INDEXES,
    "hospital_messages": HospitalMessageStore.INDEXES,
    "reminders": ReminderStore.INDEXES,
    "medication_plans": MedicationStore.INDEXES,
    "security_events": SecurityStore.INDEXES,
    "idempotency": Idempotency.INDEXES,
    "budgets": Budgets.INDEXES,
    "policies": Policies.INDEXES,
}


async def prepare_database(mongo: Mongo) -> None:
    """Indexes; safe to run by any number of processes at once, and again."""

    async def ensure(name: str) -> None:
        collection: Collection = mongo.collection(name)
        await collection.ensure_indexes(INDEXES[name])

    await asyncio.gather(*(ensure(name) for name in INDEXES))
