"""Booking at a hospital with a system of its own: its word decides, and what is lost is asked again."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tornado.ioloop import IOLoop

from sandbox.app import make_app
from server.appointments.booking.policy import BookingPolicy
from server.appointments.hospitals.model import Hospital
from server.core.audit import Actor
from server.partners.model import App, Institution
from tests.harness import Answer, Platform, listening
from tests.his import HOSPITAL, his_section

pytestmark = [pytest.mark.feature("M1", "M2"), pytest.mark.gen_test(timeout=60)]
BY = Actor("system", "test")
H = "H001"


class Booked:
    """The platform and one hospital; `refs` are slots of one day, free of charge."""

    def __init__(self, platform: Platform, url: str) -> None:
        self.platform, self.url = platform, url
        self.refs: list[str] = []

    async def prepare(self) -> None:
        app = App(
            "h001-his", Institution(H, "云溪市第一人民医院"), True, frozenset(), {"k1": HOSPITAL.public}
        )
        services = self.platform.app.services
        await services.partner_register.admit(app, [], BY)
        hospital = Hospital(H, "云溪市第一人民医院", "his", base_url=self.url, app_id="h001-his")
        await services.hospitals.put(hospital, BY)

    async def get(self, path: str, token: str) -> Answer:
        return await self.platform.http.get(f"/api/v1/institutions/{H}/{path}", token=token)

    async def slots(self, token: str, doctor_id: str = "D-IM-2") -> list[dict[str, Any]]:
        path = f"slots?department_id=D-IM&doctor_id={doctor_id}&on=2026-11-23"
        answer = await self.get(path, token)
        assert answer.status == 200, answer.body
        found: list[dict[str, Any]] = answer.json["slots"]
        return found

    async def book(self, token: str, card_id: str, slot_id: str, **more: Any) -> Answer:
        body = {"card_id": card_id, "institution_id": H, "slot_id": slot_id}
        return await self.platform.http.post("/api/v1/appointments", body, token=token, **more)

    async def shown(self, token: str, appointment_id: str) -> dict[str, Any]:
        answer = await self.platform.http.get(f"/api/v1/appointments/{appointment_id}", token=token)
        found: dict[str, Any] = answer.json
        return found

    async def door(self, **fault: Any) -> None:
        answer = await self.platform.http.send(
            "PUT" if fault else "DELETE", f"{self.url}/control/his", fault or None
        )
        assert answer.status == 200, answer.body


@asynccontextmanager
async def with_hospital(platform: Platform) -> AsyncIterator[Booked]:
    clock = platform.clock
    section = his_section(
        platform_public_key_hex=platform.app.seals.platform_public_key().hex(),
        centre_id=platform.settings.centre_id,
    )
    async with listening(make_app({"his": section}, now=lambda: clock.now().timestamp())) as url:
        booked = Booked(platform, url)
        await booked.prepare()
        yield booked


@pytest.fixture
def at(io_loop: IOLoop, platform: Platform) -> Iterator[Booked]:
    entered = with_hospital(platform)
    yield io_loop.run_sync(entered.__aenter__, timeout=30)
    io_loop.run_sync(lambda: entered.__aexit__(None, None, None), timeout=30)


async def test_the_hospitals_slots_are_found_and_booked(at: Booked) -> None:
    token, card_id = await at.platform.holder(at.platform.residents[0])
    departments = (await at.get("departments?kind=clinic", token)).json["departments"]
    assert {one["department_id"] for one in departments} == {"D-IM", "D-SU", "D-PE", "D-GY"}
    assert all(one["next_free_on"] for one in departments)
    first = (await at.slots(token))[0]
    booked = await at.book(token, card_id, first["slot_id"])
    assert booked.status == 201, booked.body
    assert booked.json["state"] == "confirmed" and booked.json["registration_no"]
    await at.platform.work()
    told = [one["kind"] for one in await at.platform.messages(token) if one["kind"].startswith("visit")]
    assert "visit_confirmed" in told and "visit_held" not in told, "there is nothing left to confirm"
    assert (await at.slots(token))[0]["free"] == first["free"] - 1
    path = f"/api/v1/appointments/{booked.json['appointment_id']}/cancellation"
    assert (await at.platform.http.post(path, token=token)).json["state"] == "cancelled"
    assert (await at.slots(token))[0]["free"] == first["free"]


async def test_a_fee_keeps_the_place_held_until_it_is_paid_or_the_time_is_over(at: Booked) -> None:
    platform = at.platform
    token, card_id = await platform.holder(platform.residents[0])
    expert = (await at.slots(token, "D-IM-1"))[0]
    assert expert["fee_fen"] == 2500
    booked = await at.book(token, card_id, expert["slot_id"])
    assert (booked.status, booked.json["state"], booked.json["may"]) == (201, "held", ["cancel"])
    path = f"/api/v1/appointments/{booked.json['appointment_id']}/confirmation"
    due = await platform.http.post(path, token=token)
    assert (due.status, due.error) == (409, "appointment.payment_due")
    assert due.json["error"]["detail"] == {"fee_fen": 2500, "pay_at": "window"}
    platform.clock.advance(15 * 60)
    await platform.work()
    await platform.work()
    shown = await at.shown(token, booked.json["appointment_id"])
    assert (shown["state"], shown["because"]) == ("released", "expired")
    assert (await at.slots(token, "D-IM-1"))[0]["free"] == expert["free"]
    again = await at.book(token, card_id, expert["slot_id"])
    paid = await platform.app.services.appointments.paid(again.json["appointment_id"])
    assert paid.state == "confirmed" and paid.registration_no


@pytest.mark.parametrize(
    "fault", [{"lose_answer": True}, {"refuse": True}, {"garbage": True}, {"wrong_key": True}]
)
async def test_an_answer_that_is_lost_is_asked_again_and_never_guessed(at: Booked, fault: Any) -> None:
    platform = at.platform
    token, card_id = await platform.holder(platform.residents[0])
    slot_id = (await at.slots(token))[0]["slot_id"]
    await at.door(**fault)
    booked = await at.book(token, card_id, slot_id, headers={"Idempotency-Key": "b1"})
    assert (booked.status, booked.json["state"]) == (202, "holding")
    appointment_id = booked.json["appointment_id"]
    platform.clock.advance(3)
    await platform.work()
    assert (await at.shown(token, appointment_id))["state"] == "holding"
    await at.door()
    platform.clock.advance(60)
    await platform.work()
    shown = await at.shown(token, appointment_id)
    assert shown["state"] == "confirmed" and shown["registration_no"]
    repeated = await at.book(token, card_id, slot_id, headers={"Idempotency-Key": "b1"})
    assert (repeated.status, repeated.body) == (202, booked.body)
    # A release that is lost is repeated until it is known; ours is cancelled at once.
    await at.door(**fault)
    path = f"/api/v1/appointments/{appointment_id}/cancellation"
    assert (await platform.http.post(path, token=token)).json["state"] == "cancelled"
    row = await platform.app.services.appointments.find(appointment_id)
    assert row is not None and row.owes_release
    await platform.work()
    metrics = (await platform.http.get("/metrics")).body.decode()
    assert "ehc_releases_owed 1.0" in metrics and "ehc_releases_refused 0.0" in metrics
    await at.door()
    platform.clock.advance(300)
    await platform.work()
    row = await platform.app.services.appointments.find(appointment_id)
    assert row is not None and not row.owes_release
    assert "ehc_releases_owed 0.0" in (await platform.http.get("/metrics")).body.decode()


async def test_a_refusal_gives_our_place_back_with_the_hospitals_reason(at: Booked) -> None:
    platform = at.platform
    token, card_id = await platform.holder(platform.residents[0])
    slot = (await at.slots(token))[0]
    await platform.http.post(
        f"{at.url}/control/his/clock", {"advance_s": 24 * 3600}
    )  # for the hospital the day is over
    refused = await at.book(token, card_id, slot["slot_id"])
    assert (refused.status, refused.error) == (409, "slot.refused"), refused.body
    assert refused.json["error"]["detail"]["reason"].startswith("slot.")
    path = "/api/v1/appointments?which=past"
    [row] = (await platform.http.get(path, token=token)).json["appointments"]
    assert (row["state"], row["because"]) == ("released", "hospital_refused")
    live = await platform.app.mongo.collection("appointments").count({"seat_in": {"$exists": True}})
    assert live == 0


async def test_a_hospital_that_is_down_is_shown_as_it_was_last_and_stops_no_other(at: Booked) -> None:
    platform = at.platform
    token, card_id = await platform.holder(platform.residents[0])
    before = await at.get("departments?kind=clinic", token)
    slot_id = (await at.slots(token))[0]["slot_id"]
    await at.door(refuse=True)
    platform.clock.advance(10)
    down = await at.get("departments?kind=clinic", token)
    assert (down.status, down.json["is_current"]) == (200, False)
    assert down.json["departments"] == before.json["departments"]
    assert down.json["as_of"] == before.json["as_of"]
    assert (await at.get("departments?kind=vaccine", token)).status == 503
    answer = await at.book(token, card_id, slot_id)
    assert (answer.status, answer.error) == (503, "hospital.unavailable")
    assert (await platform.http.get("/api/v1/institutions", token=token)).status == 200


async def test_a_day_the_hospital_has_struck_is_nobodys_no_show(at: Booked) -> None:
    platform = at.platform
    token, card_id = await platform.holder(platform.residents[0])
    booked = (await at.book(token, card_id, (await at.slots(token))[0]["slot_id"])).json
    struck = await platform.http.post(f"{at.url}/his/cancellations", {"schedule_id": "D-IM-2-20261123"})
    assert struck.json["registrations"] == [booked["registration_no"]]
    await platform.decide(BookingPolicy, no_show_after_minutes=0)
    platform.clock.advance(24 * 3600)
    await platform.work()
    row = await platform.app.services.appointments.find(booked["appointment_id"])
    assert row is not None and (row.state, row.because) == ("cancelled", "closed")


async def test_a_hospital_is_asked_whether_a_firm_booking_stands(at: Booked) -> None:
    """It closes a schedule and tells nobody: within the hour its patient hears of it."""
    platform = at.platform
    token, card_id = await platform.holder(platform.residents[0])
    slot_id = (await at.slots(token))[0]["slot_id"]
    appointment_id = (await at.book(token, card_id, slot_id)).json["appointment_id"]
    await platform.work()
    standing = platform.app.services.appointment_standing
    assert await standing.ask_due() == 0, "it was asked when it was booked"
    platform.clock.advance(3600)
    assert await standing.ask_due() == 1
    assert (await at.shown(token, appointment_id))["state"] == "confirmed"

    row = await platform.app.mongo.collection("appointments").find_one({"_id": appointment_id})
    assert row is not None
    closing = {"schedule_id": row["at"]["schedule_id"]}
    await platform.http.post(f"{at.url}/his/cancellations", closing)
    await at.door(refuse=True)
    platform.clock.advance(3600)
    assert await standing.ask_due() == 1
    assert (await at.shown(token, appointment_id))["state"] == "confirmed", "silence is no answer"
    await at.door()
    platform.clock.advance(600)
    assert [await standing.ask_due(), await standing.ask_due()] == [1, 0]
    shown = await at.shown(token, appointment_id)
    assert (shown["state"], shown["because"]) == ("cancelled", "hospital_cancelled")
    await platform.work()
    told = next(one for one in await platform.messages(token) if one["kind"] == "visit_stopped")
    assert "取消了" in told["text"] and "不算爽约" in told["text"]
    row = await platform.app.mongo.collection("appointments").find_one({"_id": appointment_id})
    assert row is not None and "ask_at" not in row and "seat_in" not in row
    platform.clock.advance(3600)
    assert await standing.ask_due() == 0
