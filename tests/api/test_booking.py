"""Finding and booking a place of a pool, over HTTP."""

import pytest

from tests.api.booking import INSTITUTION, book, load, open_hospital, schedule, slot_ref, slots
from tests.harness import Platform

pytestmark = [pytest.mark.feature("M1", "M2"), pytest.mark.gen_test(timeout=60)]


async def test_a_place_is_found_and_booked(platform: Platform) -> None:
    """From the list of hospitals to a firm booking, and the last place too."""
    await open_hospital(platform)
    content = schedule(platform, capacity=1)
    assert (await load(platform, "lin-1", content)).status == 200
    token, card_id = await platform.holder(platform.residents[0])
    http = platform.http

    [institution] = (await http.get("/api/v1/institutions", token=token)).json["institutions"]
    assert (institution["institution_id"], institution["name"]) == (INSTITUTION, "云溪市第一人民医院")
    path = f"/api/v1/institutions/{INSTITUTION}"
    found = (await http.get(f"{path}/departments?kind=clinic", token=token)).json
    [department] = found["departments"]
    assert (department["department_id"], department["free"], department["next_free_on"]) == (
        "D01",
        2,
        content["on"],
    )
    assert found["is_current"] is True
    [doctor] = (await http.get(f"{path}/doctors?department_id=D01", token=token)).json["doctors"]
    assert (doctor["doctor_id"], doctor["next_free_on"]) == ("dr-lin", content["on"])
    days = (await http.get(f"{path}/days?department_id=D01&doctor_id=dr-lin", token=token)).json["days"]
    assert [day["free"] for day in days] == [0, 2, *[0] * 12]
    first, second = await slots(platform, token, content["on"])
    assert (first["free"], first["capacity"], first["fee_fen"]) == (1, 1, 0)
    assert first["slot_id"] == slot_ref(content, "lin-1")

    booked = await book(platform, token, card_id, first["slot_id"])
    assert booked.status == 201, booked.body
    appointment = booked.json
    assert appointment["state"] == "confirmed"
    assert appointment["registration_no"] is not None
    assert appointment["doctor"] == "林医生" and appointment["place"] == "门诊楼二层 3 诊室"
    assert appointment["may"] == ["cancel"]
    assert appointment["name_masked"].endswith("*")
    assert (await slots(platform, token, content["on"]))[0]["free"] == 0
    again = await book(platform, token, card_id, first["slot_id"])
    assert (again.status, again.error) == (409, "appointment.exists")

    other, other_card = await platform.holder(platform.residents[1])
    full = await book(platform, other, other_card, first["slot_id"])
    assert (full.status, full.error) == (409, "slot.full")
    assert (await book(platform, other, other_card, second["slot_id"])).status == 201

    [mine] = (await http.get("/api/v1/appointments", token=token)).json["appointments"]
    assert mine == (await http.get(f"/api/v1/appointments/{mine['appointment_id']}", token=token)).json
    theirs = await http.get(f"/api/v1/appointments/{mine['appointment_id']}", token=other)
    assert (theirs.status, theirs.error) == (404, "appointment.not_found")


async def test_cancelled_in_time_the_place_is_free_again(platform: Platform) -> None:
    await open_hospital(platform)
    content = schedule(platform, capacity=1)
    await load(platform, "lin-1", content)
    token, card_id = await platform.holder(platform.residents[0])
    other, other_card = await platform.holder(platform.residents[1])
    ref = slot_ref(content, "lin-1")
    appointment_id = (await book(platform, token, card_id, ref)).json["appointment_id"]
    path = f"/api/v1/appointments/{appointment_id}/cancellation"
    assert (await platform.http.post(path, token=other)).status == 404
    for _ in range(2):
        cancelled = await platform.http.post(path, token=token)
        assert (cancelled.status, cancelled.json["state"]) == (200, "cancelled")
    assert (await book(platform, other, other_card, ref)).status == 201
    theirs = (await platform.http.get("/api/v1/appointments", token=other)).json["appointments"][0]
    platform.clock.advance(16 * 3600 + 1)  # a quarter past eight in the morning: nine is too near
    late = await platform.http.post(
        f"/api/v1/appointments/{theirs['appointment_id']}/cancellation", token=other
    )
    assert (late.status, late.error) == (409, "appointment.too_late")
    assert late.json["error"]["detail"]["cancel_until"] == theirs["cancel_until"]
