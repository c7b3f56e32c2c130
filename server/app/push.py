"""The services that tell residents, put together."""

from push.channels.platform import PlatformChannel
from push.channels.sms import SmsChannel
from push.credits.model import MessageTemplates
from push.credits.service import CreditService
from push.credits.store import CreditStore
from push.deliveries.dispatcher import Channel, Deliveries, Lane
from push.deliveries.store import DeliveryStore
from push.messages.objections import ObjectionService
from push.messages.service import MessageService
from push.messages.store import MessageStore
from push.messages.telling import Teller
from push.preferences.service import PreferenceService
from push.preferences.store import PreferenceStore
from server.accounts.service import AccountService
from server.app.foundation import Foundation
from server.cards.lifecycle.service import LifecycleService
from server.cards.service import CardService
from server.gateways.alipay import AlipayMessages
from server.gateways.messages import MessagePlatform
from server.gateways.sms import HttpSmsGateway
from server.gateways.wechat import WeChatMessages
from server.security.service import SecurityService
from server.services import PushServices
from server.settings import Settings


def telling(
    base: Foundation,
    cards: CardService,
    lifecycle: LifecycleService,
    security: SecurityService,
    accounts: AccountService,
    sms: HttpSmsGateway,
) -> PushServices:
    kept = base.mongo.collection
    base.policies.declare(MessageTemplates)
    messages = MessageStore(kept("messages"), base.sealer)
    preferences = PreferenceService(PreferenceStore(kept("message_preferences")), base.clock)
    credits = CreditService(CreditStore(kept("message_credits")), base.policies, base.clock)
    delivery_store = DeliveryStore(kept("deliveries"))
    deliveries = Deliveries(delivery_store, base.clock)
    teller = Teller(messages, deliveries, preferences)
    return PushServices(
        messages=MessageService(messages, teller, cards, base.clock),
        objections=ObjectionService(messages, cards, lifecycle, security),
        message_preferences=preferences,
        message_credits=credits,
        deliveries=deliveries,
        lanes=tuple(
            Lane(channel, delivery_store, messages.find_many, preferences, base.clock)
            for channel in _channels(base, accounts, credits, sms)
        ),
    )


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
