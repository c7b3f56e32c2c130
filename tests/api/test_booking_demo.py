"""What the demo loads can be booked."""

import pytest

from server.demo_slots import open_hospitals
from tests.harness import CITY, Platform

pytestmark = [pytest.mark.feature("M1"), pytest.mark.gen_test(timeout=60)]


async def test_the_demos_second_hospital_has_places(platform: Platform) -> None:
    for _ in range(2):
        await open_hospitals(platform.app, CITY, platform.sandbox_url)
    token, card_id = await platform.holder(platform.residents[0])
    second = CITY.hospitals[1].institution_id
    path = f"/api/v1/institutions/{second}"
    found = (await platform.http.get(f"{path}/departments?kind=clinic", token=token)).json["departments"]
    assert {one["department_id"] for one in found} == {"TCM", "ACU", "TUI"}
    on = found[0]["next_free_on"]
    query = f"department_id={found[0]['department_id']}&on={on}"
    slots = (await platform.http.get(f"{path}/slots?{query}", token=token)).json["slots"]
    slot = next(one for one in slots if one["free"] and not one["fee_fen"])
    body = {"card_id": card_id, "institution_id": second, "slot_id": slot["slot_id"]}
    booked = await platform.http.post("/api/v1/appointments", body, token=token)
    assert (booked.status, booked.json["state"]) == (201, "confirmed")
