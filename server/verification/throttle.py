"""A terminal whose scans are refused again and again is held back for a while (V1).

Refused scans are counted, not scans: a busy window is never held back, and a scan that is accepted costs the
database nothing more.  The count is shared by all processes; each learns that it is spent with its next
refused scan of the terminal, and from then on refuses without asking anybody.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar

import structlog
from pydantic import Field

from server.core.budgets import Budget, Budgets
from server.core.clock import Clock
from server.core.errors import TooMany
from server.core.policies import Policies, Policy

WINDOW_S, AHEAD_S = 600, 71
REFUSED = Budget("terminal_scans", 0, WINDOW_S, AHEAD_S)

log = structlog.get_logger()


class TerminalPolicy(Policy):
    NAME: ClassVar[str] = "terminal_scans"
    SENTENCE: ClassVar[str] = "How many scans of one terminal may be refused before it is held back"

    refused: int = Field(300, ge=10, le=10_000_000, description="in ten minutes")


class Throttle:
    def __init__(self, budgets: Budgets, policies: Policies, clock: Clock) -> None:
        self._budgets = budgets
        self._policies = policies
        self._clock = clock
        self._held: dict[str, datetime] = {}

    def require_calm(self, terminal_id: str) -> None:
        """TooMany `terminal_scans.too_many`."""
        until, now = self._held.get(terminal_id), self._clock.now()
        if until is not None and now < until:
            wait_s = int((until - now).total_seconds()) + 1
            raise TooMany("terminal_scans.too_many", "too many scans of this terminal were refused", wait_s)

    async def count_refused(self, terminal_id: str) -> None:
        """One more; `terminal_id` is a terminal of the register."""
        policy = await self._policies.get(TerminalPolicy)
        try:
            await self._budgets.spend(replace(REFUSED, limit=policy.refused), terminal_id)
        except TooMany as spent:
            now = self._clock.now()
            self._held = {held: until for held, until in self._held.items() if until > now}
            self._held[terminal_id] = now + timedelta(seconds=spent.retry_after_s)
            log.warning("terminal.held_back", terminal_id=terminal_id)
