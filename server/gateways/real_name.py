"""The real-name authority (B6.2): do this name and this document number belong together?"""

from typing import Protocol

from server.core.errors import Unavailable
from server.core.http import SharedSecretCaller
from server.gateways.checks import Check, read_check


class RealNameAuthority(Protocol):
    async def check(self, name: str, id_type: str, id_no: str) -> Check:
        """Unavailable `real_name.unavailable` when there is no answer."""
        ...


class HttpRealNameAuthority:
    def __init__(self, caller: SharedSecretCaller) -> None:
        self._caller = caller

    async def check(self, name: str, id_type: str, id_no: str) -> Check:
        status, answer = await self._caller.post(
            "/v1/checks", {"name": name, "id_type": id_type, "id_no": id_no}
        )
        without = Unavailable("real_name.unavailable", "the real-name authority gave no usable answer")
        return read_check(status, answer, without)
