"""The civil register: does a birth certificate, or a household register, tie this child to this adult?"""

from dataclasses import dataclass
from typing import Literal, Protocol

from server.core.errors import Unavailable
from server.core.http import SharedSecretCaller
from server.gateways.checks import Check, read_check

RelationProof = Literal["birth_certificate", "household_register"]


@dataclass(frozen=True)
class RegisteredPerson:
    """A person as the civil register is asked about one."""

    name: str
    id_type: str
    id_no: str


class CivilRegister(Protocol):
    async def check(
        self, kind: RelationProof, number: str, child: RegisteredPerson, adult: RegisteredPerson
    ) -> Check:
        """A match means related; Unavailable `civil.unavailable` when there is no answer."""
        ...


class HttpCivilRegister:
    def __init__(self, caller: SharedSecretCaller) -> None:
        self._caller = caller

    async def check(
        self, kind: RelationProof, number: str, child: RegisteredPerson, adult: RegisteredPerson
    ) -> Check:
        asked = {"kind": kind, "number": number, "child": child.__dict__, "adult": adult.__dict__}
        status, answer = await self._caller.post("/v1/relations", asked)
        without = Unavailable("civil.unavailable", "the civil register gave no usable answer")
        return read_check(status, answer, without, yes="related", no="unrelated")
