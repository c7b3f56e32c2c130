"""Everything the platform can do, in one place: what handlers, jobs and reactions are given."""

from dataclasses import dataclass

from payment.merchants.service import Merchants
from push.credits.service import CreditService
from push.deliveries.dispatcher import Deliveries, Lane
from push.messages.hospitals import HospitalMessages
from push.messages.objections import ObjectionService
from push.messages.service import MessageService
from push.messages.visits import VisitMessages
from push.preferences.service import PreferenceService
from push.reminders.planning import ReminderPlanner
from push.reminders.scheduler import ReminderScheduler
from server.accounts.service import AccountService
from server.accounts.sms_codes import SmsCodes
from server.appointments.booking.following import Following
from server.appointments.booking.service import AppointmentService
from server.appointments.booking.standing import Standing
from server.appointments.booking.upkeep import Upkeep
from server.appointments.examinations.orders import OrderService
from server.appointments.examinations.plans import PlanService
from server.appointments.fairness.service import Fairness
from server.appointments.hospitals.directory import Directory
from server.appointments.hospitals.service import Hospitals
from server.appointments.slots.service import SlotPools
from server.cards.attachments.service import AttachmentService
from server.cards.claim import ClaimService
from server.cards.institution_cards import InstitutionCards
from server.cards.lifecycle.service import LifecycleService
from server.cards.merged.service import MergedCards
from server.cards.options import ClaimOptions
from server.cards.reviews.service import ReviewService
from server.cards.service import CardService
from server.cards.window import WindowService
from server.core.audit_log import AuditLog
from server.core.health import Health
from server.core.idempotency import Idempotency
from server.core.observability import Metrics
from server.core.policies import Policies
from server.federation.answering import IssuingCentre
from server.identity.desk import PersonDesk
from server.identity.identifiers.service import IdentifierService
from server.identity.intake import Intake
from server.identity.merges.service import MergeService
from server.identity.proving import Proving
from server.identity.reviews.service import ReviewService as PersonReviewService
from server.identity.service import IdentityService
from server.medications.service import MedicationService
from server.partners.admission.service import AdmissionService
from server.partners.dialects.service import DialectService
from server.partners.limits import PartnerLimits
from server.partners.register import PartnerRegister
from server.partners.service import PartnerService
from server.security.service import SecurityService
from server.staff.enrolment import Enrolment
from server.staff.service import StaffService
from server.staff.sessions import StaffSessions
from server.usage.code_mappings.service import CodeMappings
from server.usage.service import UsageService
from server.usage.upload.service import UsageUpload
from server.verification.authorization.service import AuthorizationService
from server.verification.service import VerificationService
from server.visits.queues.service import QueueService
from server.visits.service import VisitService
from server.visits.told import HospitalWord


@dataclass(frozen=True)
class PersonServices:
    """The person index."""

    identity: IdentityService
    identifiers: IdentifierService
    merges: MergeService
    person_reviews: PersonReviewService
    person_desk: PersonDesk
    intake: Intake


@dataclass(frozen=True)
class PartnerServices:
    """Who may connect, and what to."""

    partners: PartnerService
    partner_register: PartnerRegister
    partner_limits: PartnerLimits
    dialects: DialectService
    admissions: AdmissionService
    merchants: Merchants


@dataclass(frozen=True)
class ClaimServices:
    """How a card comes to be: online, for a family, at a window, and the review desk."""

    claims: ClaimService
    window: WindowService
    claim_options: ClaimOptions
    attachments: AttachmentService
    reviews: ReviewService


@dataclass(frozen=True)
class AppointmentServices:
    """Booking: hospitals, their slots, and who has a place in them."""

    hospitals: Hospitals
    directory: Directory
    slot_pools: SlotPools
    appointments: AppointmentService
    appointment_upkeep: Upkeep
    appointment_standing: Standing
    appointment_following: Following
    fairness: Fairness


@dataclass(frozen=True)
class ExaminationServices:
    """Examinations: what was ordered, and plans over several."""

    examination_orders: OrderService
    examination_plans: PlanService


@dataclass(frozen=True)
class StaffServices:
    """The people of the card centre."""

    staff: StaffService
    staff_sessions: StaffSessions
    enrolment: Enrolment


@dataclass(frozen=True)
class VisitServices:
    """Coming to a hospital: check-in, queues, the next place and task."""

    visits: VisitService
    queues: QueueService
    hospital_word: HospitalWord


@dataclass(frozen=True)
class UsageServices:
    """Uses of cards that hospitals tell of, and the codes they tell them in."""

    usage: UsageService
    code_mappings: CodeMappings
    usage_upload: UsageUpload


@dataclass(frozen=True)
class MedicationServices:
    """What somebody takes, and when."""

    medications: MedicationService


@dataclass(frozen=True)
class PushServices:
    """Telling residents."""

    messages: MessageService
    objections: ObjectionService
    message_preferences: PreferenceService
    message_credits: CreditService
    deliveries: Deliveries
    lanes: tuple[Lane, ...]
    hospital_messages: HospitalMessages
    visit_messages: VisitMessages
    reminder_planner: ReminderPlanner
    reminders: ReminderScheduler


@dataclass(frozen=True)
class Services(
    PersonServices,
    PartnerServices,
    ClaimServices,
    StaffServices,
    AppointmentServices,
    ExaminationServices,
    VisitServices,
    UsageServices,
    MedicationServices,
    PushServices,
):
    """The sum of its groups; each is put together by one module of `server/app`."""

    accounts: AccountService
    sms_codes: SmsCodes
    cards: CardService
    lifecycle: LifecycleService
    institution_cards: InstitutionCards
    merged_cards: MergedCards
    verification: VerificationService
    authorizations: AuthorizationService
    federation: IssuingCentre
    security: SecurityService
    idempotency: Idempotency
    policies: Policies
    proving: Proving
    audit_log: AuditLog
    metrics: Metrics
    health: Health
