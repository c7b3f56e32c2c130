"""Rules of the centre are set through the API, one version after the other, each on record (S3)."""

from typing import Any, ClassVar

import pytest
from pydantic import Field
from pymongo.database import Database

from server.core.policies import Policy
from tests.harness import Platform

pytestmark = [pytest.mark.feature("S3"), pytest.mark.gen_test(timeout=60)]

OPENING = "/staff/v1/policies/opening"


class Opening(Policy):
    NAME: ClassVar[str] = "opening"
    SENTENCE: ClassVar[str] = "How long the window is open."

    hours: int = Field(8, ge=1, le=24, description="hours a day")


@pytest.fixture(autouse=True)
def declared(platform: Platform) -> None:
    platform.app.services.policies.declare(Opening)


async def test_a_policy_shows_what_a_form_needs(platform: Platform) -> None:
    token = await platform.staff("policies.write")
    listed = (await platform.http.get("/staff/v1/policies", token=token)).json["policies"]
    assert {"name": "opening", "sentence": Opening.SENTENCE, "version": 0} in listed
    one = (await platform.http.get(OPENING, token=token)).json
    assert (one["content"], one["defaults"], one["history"]) == ({"hours": 8}, {"hours": 8}, [])
    field = one["policy_schema"]["properties"]["hours"]
    assert (field["type"], field["minimum"], field["maximum"]) == ("integer", 1, 24)
    assert field["description"] == "hours a day"


async def test_a_change_is_in_force_versioned_and_on_record(platform: Platform, db: Database[Any]) -> None:
    token = await platform.staff("policies.write")
    body = {"replaces": 0, "content": {"hours": 10}}
    put = await platform.http.send("PUT", OPENING, body, token=token)
    assert (put.status, put.json["version"], put.json["content"]) == (200, 1, {"hours": 10})
    assert (await platform.app.services.policies.get(Opening)).hours == 10
    stale = await platform.http.send("PUT", OPENING, body, token=token)
    assert (stale.status, stale.error) == (409, "policy.changed")
    second = {"replaces": 1, "content": {"hours": 12}}
    await platform.http.send("PUT", OPENING, second, token=token)
    [new, old] = (await platform.http.get(OPENING, token=token)).json["history"]
    assert ((new["version"], new["content"]), (old["version"], old["content"])) == (
        (2, {"hours": 12}),
        (1, {"hours": 10}),
    )
    [first, _] = db.audit.find({"action": "policies.put"})
    assert first["actor"] == {"kind": "staff", "id": old["decided_by"]}


async def test_what_the_model_does_not_take_is_refused(platform: Platform) -> None:
    token = await platform.staff("policies.write")
    for content in ({"hours": 25}, {"hours": "many"}, {"days": 3}, {"hours": {"$gt": 0}}):
        answer = await platform.http.send("PUT", OPENING, {"replaces": 0, "content": content}, token=token)
        assert (answer.status, answer.error) == (422, "policy.invalid"), content
        assert answer.json["error"]["detail"]["fields"] == list(content)
    missing = await platform.http.get("/staff/v1/policies/closing", token=token)
    assert (missing.status, missing.error) == (404, "policy.not_found")
