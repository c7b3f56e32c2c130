"""What the centre decides about how codes are shown (A3.3); the holder's preference lives inside it."""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from server.core.policies import Policies, Policy


class DisplayPolicy(Policy):
    NAME: ClassVar[str] = "code_display"
    SENTENCE: ClassVar[str] = "How long a dynamic code lives, and whether static codes are shown and printed"

    refresh_seconds: int | None = Field(
        None, ge=10, le=300, description="life of a dynamic code; none: the setting CODE_REFRESH_SECONDS"
    )
    static_allowed: bool = Field(True, description="whether residents may show and print static codes")


class Display:
    """The rules in force, where nobody has decided with the setting as default."""

    def __init__(self, policies: Policies, refresh_seconds: int) -> None:
        self._policies = policies
        self._refresh_seconds = refresh_seconds

    async def refresh(self) -> timedelta:
        """How long a dynamic code lives."""
        policy = await self._policies.get(DisplayPolicy)
        return timedelta(seconds=policy.refresh_seconds or self._refresh_seconds)

    async def static_allowed(self) -> bool:
        return (await self._policies.get(DisplayPolicy)).static_allowed
