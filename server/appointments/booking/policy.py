"""The centre's rules of booking."""

from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import Field

from server.core.policies import Policy


class BookingPolicy(Policy):
    NAME: ClassVar[str] = "booking"
    SENTENCE: ClassVar[str] = (
        "How long a place is held, until when a booking may be cancelled, when nobody came"
    )

    hold_minutes: int = Field(15, ge=1, le=120)
    cancel_until_minutes: int = Field(120, ge=0, le=10_080, description="minutes before the slot begins")
    no_show_after_minutes: int = Field(240, ge=0, le=1440, description="minutes after the slot has ended")
    draw_seconds: int = Field(
        5, ge=0, le=60, description="who asks so soon after the release takes part in a draw; 0: first come"
    )

    @property
    def hold(self) -> timedelta:
        return timedelta(minutes=self.hold_minutes)

    def cancel_until(self, starts_at: datetime) -> datetime:
        return starts_at - timedelta(minutes=self.cancel_until_minutes)

    @property
    def no_show_after(self) -> timedelta:
        return timedelta(minutes=self.no_show_after_minutes)
