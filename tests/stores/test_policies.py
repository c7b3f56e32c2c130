"""Policies are data: versions are kept, two people cannot overwrite one another, each process hears of it."""

from typing import ClassVar

import pytest

from server.core.audit import Actor
from server.core.errors import Conflict, InvalidInput, NotFound
from server.core.policies import Policy
from tests.api.calls import another_process
from tests.harness import Platform

pytestmark = [pytest.mark.feature("I1"), pytest.mark.gen_test(timeout=20)]
STAFF = Actor("staff", "s1")


class Opening(Policy):
    NAME: ClassVar[str] = "opening"
    SENTENCE: ClassVar[str] = "when the card centre is open"

    hours: int = 8


async def test_defaults_hold_until_somebody_decides(platform: Platform) -> None:
    policies = platform.app.services.policies
    policies.declare(Opening)
    assert (await policies.get(Opening)).hours == 8
    assert await policies.describe("opening") == (0, Opening())
    assert await policies.put("opening", {"hours": 10}, 0, STAFF) == 1
    assert (await policies.get(Opening)).hours == 10


async def test_what_was_read_before_a_change_cannot_overwrite_it(platform: Platform) -> None:
    policies = platform.app.services.policies
    policies.declare(Opening)
    await policies.put("opening", {"hours": 10}, 0, STAFF)
    with pytest.raises(Conflict, match=r"policy\.changed"):
        await policies.put("opening", {"hours": 11}, 0, STAFF)
    with pytest.raises(Conflict, match=r"policy\.changed"):
        await policies.put("opening", {"hours": 11}, 7, STAFF)
    assert await policies.describe("opening") == (1, Opening(hours=10))


async def test_a_field_nobody_declared_is_named(platform: Platform) -> None:
    policies = platform.app.services.policies
    policies.declare(Opening)
    with pytest.raises(InvalidInput) as refused:
        await policies.put("opening", {"hours": "many", "days": 3}, 0, STAFF)
    assert sorted(refused.value.detail["fields"]) == ["days", "hours"]
    with pytest.raises(NotFound, match=r"policy\.not_found"):
        await policies.put("closing", {}, 0, STAFF)


async def test_another_process_hears_of_it_at_its_next_look(platform: Platform) -> None:
    policies = platform.app.services.policies
    policies.declare(Opening)
    async with another_process(platform) as other:
        other.app.services.policies.declare(Opening)
        assert (await other.app.services.policies.get(Opening)).hours == 8
        await policies.put("opening", {"hours": 10}, 0, STAFF)
        await other.app.versions.poll()
        assert (await other.app.services.policies.get(Opening)).hours == 10
