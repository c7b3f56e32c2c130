"""Guessing by partners: whoever asks of many who are not there finds out who is (I4, A6.3(3)).

A hospital asks of its own patients, and asks of the same again when it repeats a batch.  Who guesses asks of
ever others.  So only what finds nobody, or somebody under another name, is counted, and each such question
once a day; whatever is found is free, and so is what the institution itself calls its patients.
"""

from dataclasses import replace
from typing import ClassVar

import structlog
from pydantic import Field

from server.core.budgets import Budget, Budgets
from server.core.clock import CITY_AHEAD_S
from server.core.errors import TooMany
from server.core.policies import Policies, Policy
from server.core.secrets import Sealer
from server.identity.documents import Document
from server.identity.identifiers.model import Identifier
from server.identity.model import Particulars, Registration

DAY_S = 86_400
NUMBERS = Budget("partner_numbers", 0, DAY_S, CITY_AHEAD_S)
PERSONS = Budget("partner_persons", 0, DAY_S, CITY_AHEAD_S)
NAMES = Budget("partner_names", 0, DAY_S, CITY_AHEAD_S)

log = structlog.get_logger()


class GuessPolicy(Policy):
    NAME: ClassVar[str] = "partner_guesses"
    SENTENCE: ClassVar[str] = (
        "How many different people an app may ask of in a day who turn out not to be there"
    )

    numbers: int = Field(
        200, ge=1, le=1_000_000, description="patient numbers of other institutions that nobody has"
    )
    persons: int = Field(
        1_000,
        ge=1,
        le=1_000_000,
        description="registrations that end in doubt, or are of somebody new without a number of its own",
    )
    names: int = Field(5, ge=1, le=1_000, description="names of one document that end in doubt")


class Guesses:
    """`app_id` is who asks.  What is kept of whom it asks are keyed indexes."""

    def __init__(self, budgets: Budgets, policies: Policies, sealer: Sealer) -> None:
        self._budgets = budgets
        self._policies = policies
        self._sealer = sealer

    # -- numbers
    async def require_numbers_left(self, app_id: str) -> None:
        """TooMany `partner_numbers.too_many`."""
        policy = await self._policies.get(GuessPolicy)
        await self._require_left(app_id, (replace(NUMBERS, limit=policy.numbers), app_id))

    async def count_number(self, app_id: str, asked: Identifier) -> None:
        """Nobody has it.  TooMany as above, when others have been asked for in the same moment."""
        policy = await self._policies.get(GuessPolicy)
        budget = replace(NUMBERS, limit=policy.numbers)
        await self._budgets.spend_once(budget, app_id, self._keyed(f"{asked.domain}|{asked.value}"))

    # -- persons
    async def require_persons_left(self, app_id: str, document: Document) -> None:
        """TooMany `partner_persons.too_many`; `partner_names.too_many` for this document."""
        policy = await self._policies.get(GuessPolicy)
        await self._require_left(
            app_id,
            (replace(PERSONS, limit=policy.persons), app_id),
            (replace(NAMES, limit=policy.names), self._name_of(app_id, document)),
        )

    async def count_person(
        self, app_id: str, said: Particulars, found: Registration, *, has_number: bool
    ) -> None:
        """What a registration came to.  TooMany as above, when others have come to nothing meanwhile."""
        policy = await self._policies.get(GuessPolicy)
        name = self._keyed(f"{said.document.key}|{said.name}")
        if found.outcome == "review":
            budget = replace(NAMES, limit=policy.names)
            await self._budgets.spend_once(budget, self._name_of(app_id, said.document), name)
        if found.outcome == "review" or (found.outcome == "new" and not has_number):
            await self._budgets.spend_once(replace(PERSONS, limit=policy.persons), app_id, name)

    def _name_of(self, app_id: str, document: Document) -> str:
        return f"{app_id}|{self._keyed(document.key)}"

    def _keyed(self, text: str) -> str:
        return self._sealer.index("tries", f"guess|{text}")

    async def _require_left(self, app_id: str, *asked: tuple[Budget, str]) -> None:
        try:
            await self._budgets.require_left(asked)
        except TooMany as spent:
            log.warning("partner.guesses", app_id=app_id, code=spent.code)
            raise
