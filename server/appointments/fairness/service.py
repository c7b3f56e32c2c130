"""What stops a script that grabs, and never a family: refused attempts are counted, not bookings.

A family that finds its slot asks once or twice.  A script asks all the time: before the release, at it, and
of slots that are long gone.  So each refused attempt takes one out of the budget of its account, device and
address, and whoever has spent one waits for the window to end.  The windows begin at no round time: a release
at eight would else hand every script a new budget.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from server.appointments.fairness.model import Limit, NoShow, blocked_until, limits_of, shared_limits
from server.appointments.fairness.policy import FairBookingPolicy
from server.core.budgets import Budget, Budgets
from server.core.clock import Clock, iso
from server.core.errors import Conflict
from server.core.policies import Policies
from server.core.secrets import Sealer
from server.gateways.his.model import Kind

WINDOW_S, AHEAD_S = 600, 137
ACCOUNT = Budget("booking_account", limit=0, window_s=WINDOW_S, ahead_s=AHEAD_S)
DEVICE = Budget("booking_device", limit=0, window_s=WINDOW_S, ahead_s=AHEAD_S)
ADDRESS = Budget("booking_address", limit=0, window_s=WINDOW_S, ahead_s=AHEAD_S)
FindNoShows = Callable[[str, datetime], Awaitable[list[NoShow]]]


@dataclass(frozen=True)
class Booker:
    """Who asks: the account, the random id its page made for itself if it did, and the address."""

    account_id: str
    device_id: str | None
    source: str


@dataclass(frozen=True)
class Standing:
    """How somebody stands with the rules.  `blocked_until`: not before then may they book."""

    policy: FairBookingPolicy
    no_shows: Sequence[NoShow]
    blocked_until: datetime | None


class Fairness:
    def __init__(
        self, find_no_shows: FindNoShows, budgets: Budgets, policies: Policies, sealer: Sealer, clock: Clock
    ) -> None:
        self._find_no_shows = find_no_shows
        self._budgets = budgets
        self._policies = policies
        self._sealer = sealer
        self._clock = clock

    async def require_calm(self, booker: Booker) -> None:
        """TooMany `booking_account.too_many`, `booking_device.too_many`, `booking_address.too_many`."""
        await self._budgets.require_left(await self._asked(booker))

    async def count_refused(self, booker: Booker) -> None:
        """One more attempt that came to nothing."""
        asked = await self._asked(booker)
        generous = [(replace(budget, limit=2**31), subject) for budget, subject in asked]
        await asyncio.gather(*(self._budgets.spend(budget, subject) for budget, subject in generous))

    async def _asked(self, booker: Booker) -> list[tuple[Budget, str]]:
        policy = await self._policies.get(FairBookingPolicy)
        address = self._sealer.index("tries", f"booking_address|{booker.source}")
        asked = [
            (replace(ACCOUNT, limit=policy.account_attempts), booker.account_id),
            (replace(ADDRESS, limit=policy.address_attempts), address),
        ]
        device = self._device_key(booker.device_id)
        if device is not None:
            asked.append((replace(DEVICE, limit=policy.device_attempts), device))
        return asked

    def shared_limits(self, policy: FairBookingPolicy, account_id: str, device_id: str | None) -> list[Limit]:
        return shared_limits(policy, account_id, self._device_key(device_id))

    def _device_key(self, device_id: str | None) -> str | None:
        """What is kept of a device: equal for equal devices."""
        return None if device_id is None else self._sealer.index("tries", f"booking_device|{device_id}")

    async def standing(self, person_id: str) -> Standing:
        """No-shows of the window, the newest first, and what they lead to."""
        policy, now = await self._policies.get(FairBookingPolicy), self._clock.now()
        found = await self._find_no_shows(person_id, now - policy.window)
        return Standing(policy, found, blocked_until(policy, found, now))

    async def limits(self, booker: Booker, person_id: str, kind: Kind, on: date) -> list[Limit]:
        """Which limits a booking must find room in.  Conflict `booking.blocked` (detail.until) after too many
        no-shows."""
        standing = await self.standing(person_id)
        if standing.blocked_until is not None:
            raise Conflict(
                "booking.blocked",
                "too many bookings that nobody came to",
                until=iso(standing.blocked_until),
                no_shows=len(standing.no_shows),
            )
        return limits_of(
            standing.policy,
            kind=kind,
            person_id=person_id,
            account_id=booker.account_id,
            device=self._device_key(booker.device_id),
            on=on,
        )
