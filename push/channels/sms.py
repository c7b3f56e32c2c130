"""Messages by SMS: dear, and therefore last, and for few kinds."""

from collections.abc import Awaitable, Callable

from push.deliveries.model import Letter, NotSent, Sent
from push.kinds import KINDS, ChannelName
from server.gateways.messages import MessageRefused
from server.gateways.sms import HttpSmsGateway

# What the texts the gateway has approved have gaps for.
SAID = ("subject", "institution", "place", "when", "note")
FindPhone = Callable[[str], Awaitable[str | None]]


class SmsChannel:
    name: ChannelName = "sms"

    def __init__(self, gateway: HttpSmsGateway, find_phone: FindPhone) -> None:
        self._gateway = gateway
        self._find_phone = find_phone

    async def send(self, letter: Letter) -> Sent | NotSent:
        """The gateway knows a message by its id: one asked for again is not sent twice."""
        template = KINDS[letter.kind].sms
        assert template is not None, "a kind with this channel has its text"
        phone = await self._find_phone(letter.account_id)
        if phone is None:
            return NotSent("no_address")
        params = {name: letter.said[name] for name in SAID}
        try:
            return Sent(await self._gateway.deliver(phone, template, params, letter.message_id))
        except MessageRefused as refusal:
            return NotSent(refusal.why, refusal.is_passing)
