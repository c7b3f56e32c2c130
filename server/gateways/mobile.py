"""The mobile operator (B6.2): is this phone number registered to this name and document number?"""

from typing import Protocol

from server.core.errors import Unavailable
from server.core.http import SharedSecretCaller
from server.gateways.checks import Check, read_check


class MobileOperator(Protocol):
    async def check(self, name: str, id_type: str, id_no: str, phone: str) -> Check:
        """Unavailable `mobile.unavailable` when there is no answer."""
        ...


class HttpMobileOperator:
    def __init__(self, caller: SharedSecretCaller) -> None:
        self._caller = caller

    async def check(self, name: str, id_type: str, id_no: str, phone: str) -> Check:
        status, answer = await self._caller.post(
            "/v1/checks", {"name": name, "id_type": id_type, "id_no": id_no, "phone": phone}
        )
        without = Unavailable("mobile.unavailable", "the mobile operator gave no usable answer")
        return read_check(status, answer, without)
