"""The register of the physical resident health cards 实体居民健康卡 (A3.1 (1))."""

from dataclasses import dataclass
from typing import Literal, Protocol

from server.core.errors import Unavailable
from server.core.http import SharedSecretCaller
from server.gateways.checks import require_answered

CardState = Literal["valid", "lost", "cancelled", "unknown"]
STATES: tuple[CardState, ...] = ("valid", "lost", "cancelled", "unknown")


@dataclass(frozen=True)
class RegisteredCard:
    """What the register says of one card.  `matches`: it is of this name and document; `phone_matches`:
    this is the phone number in its file.  Both are False for a card it does not know."""

    state: CardState
    matches: bool
    phone_matches: bool
    serial_no: str

    @property
    def proves(self) -> bool:
        """The card is valid, the person's own, and the phone is the one in its file.  That this phone is in
        the resident's hand the SMS code still has to show."""
        return self.state == "valid" and self.matches and self.phone_matches


class CardRegister(Protocol):
    async def check(self, card_no: str, name: str, id_type: str, id_no: str, phone: str) -> RegisteredCard:
        """Unavailable `card_register.unavailable` when there is no answer."""
        ...


class HttpCardRegister:
    def __init__(self, caller: SharedSecretCaller) -> None:
        self._caller = caller

    async def check(self, card_no: str, name: str, id_type: str, id_no: str, phone: str) -> RegisteredCard:
        asked = {"card_no": card_no, "name": name, "id_type": id_type, "id_no": id_no, "phone": phone}
        status, answer = await self._caller.post("/v1/checks", asked)
        without = Unavailable("card_register.unavailable", "the card register gave no usable answer")
        serial_no = require_answered(status, answer, without)
        state, matches, phone_matches = (answer.get(name) for name in ("state", "matches", "phone_matches"))
        if state not in STATES or not isinstance(matches, bool) or not isinstance(phone_matches, bool):
            raise without
        return RegisteredCard(state, matches, phone_matches, serial_no)
