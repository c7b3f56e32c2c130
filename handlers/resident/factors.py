"""What a resident offers as proof, just now: the card's PIN, or a code sent to the card's phone."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from handlers.requests import Model
from server.cards.factors.service import Factor

Digits = Annotated[str, StringConstraints(min_length=1, max_length=12)]
RequestId = Annotated[str, StringConstraints(min_length=1, max_length=40)]


class PinFactor(Model):
    kind: Literal["pin"]
    pin: Digits


class SmsFactor(Model):
    kind: Literal["sms"]
    request_id: RequestId
    code: Digits


AnyFactor = Annotated[PinFactor | SmsFactor, Field(discriminator="kind")]


def as_factor(given: PinFactor | SmsFactor | None) -> Factor | None:
    return None if given is None else Factor(**given.model_dump(exclude={"kind"}))
