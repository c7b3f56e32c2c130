"""What is known about examinations, as data: the centre sets it as a policy, and every version is kept.

A rule speaks of an item by its code, or of all items with a tag ("contrast").  Codes are the hospitals' own;
an item nobody has described has no rules but that one is in one place at a time.
"""

import json
from functools import cache, cached_property
from importlib import resources
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from server.core.policies import Policy

Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]{1,64}$")]
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Preparation(_Rule):
    """What to do before or after: `code` names it (fasting, full_bladder, drink_after …), and how long, where
    it has a length.  The words are the pages' and the messages'."""

    code: Word
    hours: int | None = Field(None, ge=1, le=2_000)
    minutes: int | None = Field(None, ge=1, le=600)


class Item(_Rule):
    """`not_after`: by when it must have begun, in the city's time."""

    item: Word
    name: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    tags: tuple[Word, ...] = Field((), max_length=20)
    not_after: TimeOfDay | None = None
    preparation: tuple[Preparation, ...] = Field((), max_length=20)


class Exclusion(_Rule):
    """The two are at least `within_days` + 1 days apart; 0: not on one day."""

    one: Word
    other: Word
    within_days: int = Field(0, ge=0, le=90)


class Order(_Rule):
    """Whoever has both has `first` before `then`."""

    first: Word
    then: Word


class Interval(_Rule):
    """Once `first` was, `then` is at least `hours` later; before it, it may be."""

    first: Word
    then: Word
    hours: int = Field(ge=1, le=2_160)


@cache
def _default() -> dict[str, Any]:
    text = resources.files("server.appointments.examinations").joinpath("knowledge.json").read_text("utf-8")
    read: dict[str, Any] = json.loads(text)
    return read


class ExaminationPolicy(Policy):
    """`gap_minutes`: what one needs from one room to the next."""

    NAME: ClassVar[str] = "examinations"
    SENTENCE: ClassVar[str] = "which examinations exclude each other, their order, intervals and preparations"

    items: tuple[Item, ...] = Field(
        default_factory=lambda: tuple(Item.model_validate(one) for one in _default()["items"]),
        max_length=2_000,
    )
    exclusions: tuple[Exclusion, ...] = Field(
        default_factory=lambda: tuple(Exclusion(**one) for one in _default()["exclusions"]), max_length=2_000
    )
    orders: tuple[Order, ...] = Field(
        default_factory=lambda: tuple(Order(**one) for one in _default()["orders"]), max_length=2_000
    )
    intervals: tuple[Interval, ...] = Field(
        default_factory=lambda: tuple(Interval(**one) for one in _default()["intervals"]), max_length=2_000
    )
    gap_minutes: int = Field(15, ge=0, le=240)

    def item(self, code: str) -> Item:
        """What is known of it; an item without rules when nothing is."""
        return self.known.get(code) or Item(item=code, name=code)

    @cached_property
    def known(self) -> dict[str, Item]:
        return {item.item: item for item in self.items}

    def names(self, code: str) -> frozenset[str]:
        """What rules may call it: its code and its tags."""
        return frozenset({code, *self.item(code).tags})
