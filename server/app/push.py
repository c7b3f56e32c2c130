"""The services that tell residents, put together."""

from dataclasses import dataclass
from datetime import datetime

from push.channels.platform import PlatformChannel
from push.channels.sms import SmsChannel
from push.credits.model import MessageTemplates
from push.credits.service import CreditService
from push.credits.store import CreditStore
from push.deliveries.dispatcher import Channel, Deliveries, Lane
from push.deliveries.store import DeliveryStore
from push.messages.hospital_store import HospitalMessageStore
from push.messages.hospitals import HospitalMessages
from push.messages.objections import ObjectionService
from push.messages.service import MessageService
from push.messages.stops import FindBooking, Stops
from push.messages.store import MessageStore
from push.messages.telling import Teller
from push.messages.visits import VisitMessages
from push.preferences.service import PreferenceService
from push.preferences.store import PreferenceStore
from push.reminders.model import ReminderPolicy
from push.reminders.planning import ReminderPlanner
from push.reminders.scheduler import ReminderScheduler, StillWanted
from push.reminders.store import ReminderStore
from push.reminders.wanted import Wanted
from server.accounts.service import AccountService
from server.app.foundation import Foundation
from server.cards.lifecycle.service import LifecycleService
from server.cards.patients import Patients
from server.cards.service import CardService
from server.gateways.alipay import AlipayMessages
from server.gateways.messages import MessagePlatform
from server.gateways.sms import HttpSmsGateway
from server.gateways.wechat import WeChatMessages
from server.security.service import SecurityService
from server.services import AppointmentServices, MedicationServices, PushServices
from server.settings import Settings


@dataclass(frozen=True)
class PushNeeds:
    """The services that telling residents stands on."""

    cards: CardService
    lifecycle: LifecycleService
    security: SecurityService
    accounts: AccountService
    sms: HttpSmsGateway
    patients: Patients
    booked: AppointmentServices
    plans: MedicationServices


def telling(base: Foundation, on: PushNeeds) -> PushServices:
    kept, clock = base.mongo.collection, base.clock
    base.policies.declare(MessageTemplates, ReminderPolicy)
    messages = MessageStore(kept("messages"), base.sealer)
    preferences = PreferenceService(PreferenceStore(kept("message_preferences")), clock)
    credits = CreditService(CreditStore(kept("message_credits")), base.policies, clock)
    delivery_store, reminder_store = DeliveryStore(kept("deliveries")), ReminderStore(kept("reminders"))
    deliveries = Deliveries(delivery_store, clock)
    teller = Teller(messages, deliveries, preferences)

    sent = HospitalMessageStore(kept("hospital_messages"))
    stops = Stops(sent, _find_booking(on.booked), clock)

    async def why_ended(appointment_id: str) -> str | None:
        found = await on.booked.appointments.find(appointment_id)
        return None if found is None else found.because

    return PushServices(
        messages=MessageService(messages, teller, on.cards, clock),
        objections=ObjectionService(messages, on.cards, on.lifecycle, on.security),
        message_preferences=preferences,
        message_credits=credits,
        deliveries=deliveries,
        lanes=tuple(
            Lane(channel, delivery_store, messages.find_many, preferences, clock)
            for channel in _channels(base, on.accounts, credits, on.sms)
        ),
        hospital_messages=HospitalMessages(sent, teller, stops, on.patients, base.budgets, base.audit, clock),
        visit_messages=VisitMessages(teller, stops, on.cards, why_ended),
        reminder_planner=ReminderPlanner(reminder_store, base.policies),
        reminders=ReminderScheduler(
            reminder_store,
            teller,
            on.cards.find,
            _wanted(Wanted(on.booked.appointments.find, on.plans.medications.drugs_due)),
            base.mongo.in_transaction,
            clock,
        ),
    )


def _find_booking(booked: AppointmentServices) -> FindBooking:
    async def find(
        institution_id: str, card_id: str, registration_no: str | None, starts_at: datetime
    ) -> str | None:
        """By the hospital's number, or where and when it was."""
        found = None
        if registration_no is not None:
            found = await booked.appointments.find_by_registration(institution_id, registration_no)
        if found is None:
            found = await booked.appointments.find_at(institution_id, card_id, starts_at)
        return None if found is None or found.card_id != card_id else found.appointment_id

    return find


def _wanted(wanted: Wanted) -> dict[str, StillWanted]:
    return {
        "visit_day_before": wanted.visit,
        "visit_soon": wanted.visit,
        "hold_expiring": wanted.hold,
        "examination_prepare": wanted.examination,
        "medication_due": wanted.medication,
    }


def _channels(
    base: Foundation, accounts: AccountService, credits: CreditService, sms: HttpSmsGateway
) -> list[Channel]:
    """Every channel, those that are not set up here too: they say so of each message."""

    async def wechat_id(account_id: str) -> str | None:
        return (await accounts.get_addresses(account_id)).wechat_id

    async def alipay_id(account_id: str) -> str | None:
        return (await accounts.get_addresses(account_id)).alipay_id

    async def phone(account_id: str) -> str | None:
        return (await accounts.get_addresses(account_id)).phone

    return [
        PlatformChannel("wechat", _wechat(base.settings), wechat_id, credits, base.policies),
        PlatformChannel("alipay", _alipay(base.settings), alipay_id, credits, base.policies),
        SmsChannel(sms, phone),
    ]


def _wechat(settings: Settings) -> MessagePlatform | None:
    if not settings.wechat_app_id or not settings.wechat_app_secret:
        return None
    secret = settings.wechat_app_secret.get_secret_value()
    return WeChatMessages(
        settings.wechat_url, settings.wechat_app_id, secret, public_only=settings.is_production
    )


def _alipay(settings: Settings) -> MessagePlatform | None:
    keys = settings.alipay_app_private_key_file, settings.alipay_public_key_file
    if not settings.alipay_app_id or keys[0] is None or keys[1] is None:
        return None
    return AlipayMessages(
        settings.alipay_gateway_url,
        settings.alipay_app_id,
        keys[0],
        keys[1],
        public_only=settings.is_production,
    )
