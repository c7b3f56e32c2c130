"""The real-name authority (B6.2): do this name and this document number belong together?"""

from dataclasses import dataclass
from typing import Protocol

from server.core.errors import Unavailable
from server.core.http import SharedSecretCaller


@dataclass(frozen=True)
class RealNameAnswer:
    is_match: bool
    serial_no: str


class RealNameAuthority(Protocol):
    source: str

    async def check(self, name: str, id_type: str, id_no: str) -> RealNameAnswer:
        """Unavailable `real_name.unavailable` when there is no answer."""
        ...


class HttpRealNameAuthority:
    source = "authority"

    def __init__(self, caller: SharedSecretCaller) -> None:
        self._caller = caller

    async def check(self, name: str, id_type: str, id_no: str) -> RealNameAnswer:
        status, answer = await self._caller.post(
            "/v1/checks", {"name": name, "id_type": id_type, "id_no": id_no}
        )
        result, serial_no = answer.get("result"), answer.get("serial_no")
        if status != 200 or result not in ("match", "mismatch") or not isinstance(serial_no, str):
            raise Unavailable("real_name.unavailable", "the real-name authority gave no usable answer")
        return RealNameAnswer(result == "match", serial_no)
