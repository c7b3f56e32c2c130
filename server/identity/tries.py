"""Wrong tries (A2.1): nobody finds out by trying which name belongs to a number.

Failures are counted for the person tried, the account, the device and the address that try; who has spent a
day's tries by any of them waits until the city's midnight.  What is counted is the same whether the number is
known here, known to the authority, or nobody's.

Before anything is looked up, a try takes room in every budget; a right one gives it back, a wrong one spends
it, and an undecided one keeps it until it is decided.  A try that finds one budget full leaves what it has
taken from the others till the day ends: giving it back could take it from a twin that was let in meanwhile.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field

from server.core.budgets import Budget, Budgets
from server.core.clock import CITY_AHEAD_S
from server.core.policies import Policies, Policy
from server.core.secrets import Sealer
from server.identity.documents import Document

DAY_S = 86_400
# The order in which room is taken: who tries first, then who is tried.
BUDGETS = {
    "account": Budget("identity_mismatch", 5, DAY_S, CITY_AHEAD_S),
    "device": Budget("identity_mismatch_device", 5, DAY_S, CITY_AHEAD_S),
    "address": Budget("identity_mismatch_address", 200, DAY_S, CITY_AHEAD_S),
    "person": Budget("identity_mismatch_person", 5, DAY_S, CITY_AHEAD_S),
}

Limit = Annotated[int, Field(ge=1, le=100_000)]


class TriesPolicy(Policy):
    """An address is often that of a whole ward, or of a mobile network: it has more tries than one person."""

    NAME: ClassVar[str] = "identity_tries"
    SENTENCE: ClassVar[str] = (
        "How many wrong tries of a name a day has, for each person, account, device, address"
    )

    account: Limit = 5
    device: Limit = 5
    address: Limit = 200
    person: Limit = 5


class Tries:
    """Subjects are texts like `device:<keyed index>`: they may be kept, they say nothing about anybody."""

    def __init__(self, budgets: Budgets, policies: Policies, sealer: Sealer) -> None:
        self._budgets = budgets
        self._policies = policies
        self._sealer = sealer

    def subjects(
        self,
        document: Document,
        *,
        account_id: str | None = None,
        device_id: str | None = None,
        address: str | None = None,
    ) -> tuple[str, ...]:
        """Whom a try is counted for; None: there is none of that kind."""
        found = {
            "account": account_id,
            "device": self._keyed("device", device_id),
            "address": self._keyed("address", address),
            "person": self._keyed("person", document.key),
        }
        return tuple(f"{kind}:{found[kind]}" for kind in BUDGETS if found[kind] is not None)

    def _keyed(self, kind: str, value: str | None) -> str | None:
        return None if value is None else self._sealer.index("tries", f"{kind}|{value}")

    async def hold(self, attempt: str, subjects: Iterable[str]) -> None:
        """Room for one try, named by what it tries (a keyed index of name and document).

        TooMany identity_mismatch.too_many (account), identity_mismatch_device.too_many,
        identity_mismatch_address.too_many, identity_mismatch_person.too_many.
        """
        policy = await self._policies.get(TriesPolicy)
        for subject in subjects:
            kind, _, key = subject.partition(":")
            await self._budgets.hold(replace(BUDGETS[kind], limit=getattr(policy, kind)), key, attempt)

    async def settle(self, attempt: str, subjects: Iterable[str], *, costs: bool) -> None:
        """What became of the try; nothing happens the second time."""
        for subject in subjects:
            kind, _, key = subject.partition(":")
            await self._budgets.settle(BUDGETS[kind], key, attempt, costs=costs)
