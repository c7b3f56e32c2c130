"""The SMS gateway."""

from typing import Protocol

from server.core.errors import Unavailable
from server.core.http import SharedSecretCaller


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
