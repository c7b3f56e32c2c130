"""Ticks of medicine from before they outlived other meal times keep what they say."""

from typing import Any

import pytest
from pymongo.database import Database

from server import app as composition
from server.core.clock import HeldClock
from tests.api.test_medication_plans import planned
from tests.harness import Platform

pytestmark = [pytest.mark.feature("N4"), pytest.mark.gen_test(timeout=60)]


async def test_ticks_of_the_first_form_are_found(
    platform: Platform, db: Database[Any], clock: HeldClock
) -> None:
    token, _, told = await planned(platform)
    path = f"/api/v1/medication-plans/{told['plan_id']}"
    first = (await platform.http.get(path, token=token)).json["doses"][0]
    minute = first["at"].replace("-", "").replace(":", "")[:13]
    db.medication_plans.update_one({}, {"$set": {"ticks": {f"{first['item_no']}@{minute}": "taken"}}})
    for _ in range(2):
        db.migrations.delete_many({"_id": {"$gt": 4}})
        later = await composition.build(platform.settings, clock)
        await later.stop()
        shown = (await platform.http.get(path, token=token)).json
        assert shown["doses"][0] == {**first, "state": "taken"}
