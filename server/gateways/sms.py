"""The SMS gateway."""

from typing import Protocol

from server.core.errors import Unavailable
from server.core.http import SharedSecretCaller
from server.gateways.messages import MessageRefused


class SmsGateway(Protocol):
    async def send(self, phone: str, template: str, params: dict[str, str]) -> None:
        """Returns when the gateway has taken it; Unavailable `sms.unavailable` otherwise."""
        ...


class HttpSmsGateway:
    def __init__(self, caller: SharedSecretCaller) -> None:
        self._caller = caller

    async def send(self, phone: str, template: str, params: dict[str, str]) -> None:
        status, _ = await self._caller.post(
            "/v1/messages", {"phone": phone, "template": template, "params": params}
        )
        if status not in (200, 201, 202):
            raise Unavailable("sms.unavailable", "the SMS gateway refused the message")

    async def deliver(self, phone: str, template: str, params: dict[str, str], message_id: str) -> str:
        """The gateway's number of the message; asked again with the same `message_id` it sends none twice.

        MessageRefused when it did not take it; Unavailable `sms.unavailable` when nobody knows."""
        content = {"phone": phone, "template": template, "params": params, "message_id": message_id}
        status, answer = await self._caller.post("/v1/messages", content)
        if status == TOO_MANY:
            raise MessageRefused("quota", is_passing=True)
        if status not in (200, 201, 202):
            raise MessageRefused("refused", is_passing=False)
        return str(answer.get("message_id", ""))


TOO_MANY = 429
