"""The centre's rules of fair booking (M7)."""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from server.core.policies import Policy
from server.gateways.his.model import Kind


class FairBookingPolicy(Policy):
    NAME: ClassVar[str] = "fair_booking"
    SENTENCE: ClassVar[str] = (
        "How much one person, family or device may book, and what happens to who never comes"
    )

    person_day: dict[Kind, int] = Field(
        default={"clinic": 3, "examination": 10, "bed": 1, "vaccine": 2, "checkup": 1},
        description="bookings of one person for one day of visit, by kind",
    )
    family_open: int = Field(
        20, ge=1, le=100, description="bookings that one account has open; no examinations"
    )
    device_open: int = Field(20, ge=1, le=100, description="the same, made from one device")
    no_shows: int = Field(3, ge=1, le=20, description="so many no-shows within the window block booking")
    no_show_window_days: int = Field(90, ge=1, le=365)
    blocked_days: int = Field(30, ge=1, le=365, description="counted from the last of them")
    account_attempts: int = Field(30, ge=1, le=10_000, description="refused attempts in ten minutes")
    device_attempts: int = Field(30, ge=1, le=10_000)
    address_attempts: int = Field(1000, ge=1, le=100_000)

    @property
    def window(self) -> timedelta:
        return timedelta(days=self.no_show_window_days)

    @property
    def blocked(self) -> timedelta:
        return timedelta(days=self.blocked_days)
