"""Messages through WeChat and Alipay: an approved template, filled, for one credit each."""

import re
from collections.abc import Awaitable, Callable, Mapping

from push.credits.model import MessageTemplates, Platform, PlatformTemplate
from push.credits.service import CreditService
from push.deliveries.model import Letter, NotSent, Sent
from push.kinds import KINDS
from push.templates import NOTHING
from server.core.errors import Unavailable
from server.core.policies import Policies
from server.gateways.messages import MessagePlatform, MessageRefused

# How long a field of a kind may be; a longer value is refused as a whole, so it is cut.
LONGEST = {
    "thing": 20,
    "phrase": 5,
    "character_string": 32,
    "name": 10,
    "letter": 32,
    "symbol": 5,
    "number": 32,
}
FIELD = re.compile(r"([a-z_]+?)[0-9]+")
FindAddress = Callable[[str], Awaitable[str | None]]
"""An account → its address on the platform."""


class PlatformChannel:
    def __init__(
        self,
        name: Platform,
        gateway: MessagePlatform | None,
        find_address: FindAddress,
        credits: CreditService,
        policies: Policies,
    ) -> None:
        self.name: Platform = name
        self._gateway = gateway
        self._find_address = find_address
        self._credits = credits
        self._policies = policies

    async def send(self, letter: Letter) -> Sent | NotSent:
        """A credit is counted down before sending, and given back when the platform says it did not take the
        message; Unavailable when nobody knows, and then it is not given back."""
        if self._gateway is None:
            return NotSent("not_set_up")
        address = await self._find_address(letter.account_id)
        if address is None:
            return NotSent("no_address")
        templates = await self._policies.get(MessageTemplates)
        template = templates.find(self.name, KINDS[letter.kind].template)
        if template is None:
            return NotSent("no_template")
        spent = (letter.account_id, self.name, template.template_id, letter.message_id)
        if not await self._credits.take(*spent):
            return NotSent("no_credit")
        try:
            fields = filled(template, letter.said)
            reference = await self._gateway.send(address, template.template_id, fields, template.page)
        except MessageRefused as refusal:
            if refusal.why == "no_credit":
                await self._credits.none_left(*spent)
            else:
                await self._credits.give_back(*spent)
            return NotSent(refusal.why, refusal.is_passing)
        except Unavailable:
            if letter.is_last_try:
                await self._credits.used(*spent)
            raise
        await self._credits.used(*spent)
        return Sent(reference)


def filled(template: PlatformTemplate, said: Mapping[str, str]) -> dict[str, str]:
    """The template's fields, each cut to what its kind takes."""
    return {name: _cut(name, said[slot] or NOTHING) for name, slot in template.fields.items()}


def _cut(name: str, value: str) -> str:
    kind = FIELD.fullmatch(name)
    longest = LONGEST.get(kind[1], 20) if kind else 20
    if kind and kind[1] in ("time", "date"):
        return value
    return value if len(value) <= longest else value[: longest - 1] + "…"
