"""Where a static code is enough, and where it needs the card's PIN (A7.2.2, C7)."""

from typing import ClassVar

from pydantic import Field, field_validator

from server.core.policies import Policy
from server.usage.tables import PAYING, STEPS

STATIC_SCENES = frozenset(STEPS) - frozenset(PAYING)


class StaticCodePolicy(Policy):
    NAME: ClassVar[str] = "static_codes"
    SENTENCE: ClassVar[str] = "Where a static code is accepted, and where it needs the card's PIN"

    scenes: frozenset[str] = Field(STATIC_SCENES, description="where a static code is accepted at all")
    pin_scenes: frozenset[str] = Field(frozenset(), description="where it needs the PIN")
    pin_institutions: frozenset[str] = Field(
        frozenset(), description="ids of institutions at which it needs the PIN everywhere"
    )

    @field_validator("scenes", "pin_scenes")
    @classmethod
    def _never_pays(cls, scenes: frozenset[str]) -> frozenset[str]:
        """A static code never pays, whatever a centre would decide: who saw it once could make it.  A step
        the centre added is looked at when it is scanned."""
        if any(scene.startswith(PAYING) for scene in scenes):
            raise ValueError("a static code is never accepted there")
        return scenes

    def needs_pin(self, scene: str, institution_id: str) -> bool:
        return scene in self.pin_scenes or institution_id in self.pin_institutions
