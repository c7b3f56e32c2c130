"""The code tables of a use: steps 用卡环节, channels 渠道, cost types.  Data: a centre adds its own.

The first rows are those existing hospital software speaks.  What is in no table is refused, never guessed.
"""

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from server.core.policies import Policy

MAX_CODES = 1000

OwnCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,10}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=60)]


class Step(BaseModel):
    """A step at which a card is used.  Where money moves a static code never will do (A7.2.2)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    pays: bool = False


STEPS = {
    "010101": Step(name="registration"),
    "0101011": Step(name="registration, booked"),
    "0101012": Step(name="registration, same day"),
    "0101013": Step(name="opening a record"),
    "0101014": Step(name="triage"),
    "010105": Step(name="paying", pays=True),
    "0101051": Step(name="paying, outpatient", pays=True),
    "0101053": Step(name="paying, inpatient", pays=True),
}
PAYING = tuple(code for code, step in STEPS.items() if step.pays)

CHANNELS = {
    "0100": "window",
    "0200": "kiosk",
    "0300": "doctor station",
    "0401": "service account",
    "0402": "mini-program",
}

COST_TYPES = {
    "0000": "other",
    "0100": "own expense",
    "0200": "insured",
    "0300": "public",
}


class UsageTables(Policy):
    NAME: ClassVar[str] = "usage_codes"
    SENTENCE: ClassVar[str] = "The codes of steps, channels and cost types in which uses of cards are told"

    steps: dict[OwnCode, Step] = Field(STEPS, max_length=MAX_CODES, description="where a card is used")
    channels: dict[OwnCode, Name] = Field(CHANNELS, max_length=MAX_CODES, description="by what it is read")
    cost_types: dict[OwnCode, Name] = Field(COST_TYPES, max_length=MAX_CODES, description="who pays")

    @field_validator("steps")
    @classmethod
    def _steps_stay(cls, steps: dict[str, Step]) -> dict[str, Step]:
        """What a code has meant it means for ever, and a step below paying pays."""
        _require_kept(STEPS, steps)
        for code, step in steps.items():
            must_pay, must_not = code.startswith(PAYING), code in STEPS and not STEPS[code].pays
            if (must_pay and not step.pays) or (must_not and step.pays):
                raise ValueError("a step below paying pays, and the first steps are what they were")
        return steps

    @field_validator("channels")
    @classmethod
    def _channels_stay(cls, channels: dict[str, str]) -> dict[str, str]:
        _require_kept(CHANNELS, channels)
        return channels

    @field_validator("cost_types")
    @classmethod
    def _cost_types_stay(cls, cost_types: dict[str, str]) -> dict[str, str]:
        _require_kept(COST_TYPES, cost_types)
        return cost_types


def _require_kept(first: dict[str, Step] | dict[str, str], given: dict[str, Step] | dict[str, str]) -> None:
    if not first.keys() <= given.keys():
        raise ValueError("the first codes stay: uses are kept in them")
