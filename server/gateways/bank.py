"""The bank (B6.2): is this card an account of class I, or a credit card, of this person with this phone?

Only those two were opened face to face; the guide counts no other account as proof of a name.
"""

from typing import Protocol

from server.core.errors import Unavailable
from server.core.http import SharedSecretCaller
from server.gateways.checks import Check, read_check

PROVING_KINDS = ("I", "credit")
KINDS = (*PROVING_KINDS, "II", "III")


class Bank(Protocol):
    async def check(self, name: str, id_type: str, id_no: str, card_no: str, phone: str) -> Check:
        """A match is one of an account that proves (class I or credit); Unavailable `bank.unavailable` when
        there is no answer."""
        ...


class HttpBank:
    def __init__(self, caller: SharedSecretCaller) -> None:
        self._caller = caller

    async def check(self, name: str, id_type: str, id_no: str, card_no: str, phone: str) -> Check:
        asked = {"name": name, "id_type": id_type, "id_no": id_no, "card_no": card_no, "phone": phone}
        status, answer = await self._caller.post("/v1/checks", asked)
        without = Unavailable("bank.unavailable", "the bank gave no usable answer")
        word = read_check(status, answer, without)
        if not word.is_match:
            return word
        if answer.get("account_kind") not in KINDS:
            raise without
        return Check(answer["account_kind"] in PROVING_KINDS, word.serial_no)
