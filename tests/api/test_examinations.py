"""Examinations: orders from the hospital, a plan over several, booked as a whole or not at all (M3)."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from server.appointments.booking.store import NewBooking
from server.appointments.examinations.knowledge import ExaminationPolicy
from server.core.clock import iso
from server.core.errors import Unavailable
from server.gateways.his.model import Order, Whose
from tests.api.booking import INSTITUTION, book, load, open_hospital, schedule, slot_ref
from tests.harness import APP_ID, Answer, Platform
from tests.visits import appointment, settle

pytestmark = [pytest.mark.feature("M3"), pytest.mark.gen_test(timeout=60)]

RADIOLOGY, LABORATORY = "D-RAD", "D-LAB"


def room(platform: Platform, item: str, department_id: str, **more: Any) -> dict[str, Any]:
    """The slots of one kind of examination: four half hours from eight."""
    department = {"department_id": department_id, "name": "检查科"}
    return schedule(
        platform,
        **{"hour": 8, "slots": 4, **more},
        kind="examination",
        item=item,
        department=department,
        doctor=None,
        place=f"医技楼 {item}",
    )


async def hospital(platform: Platform, days: int = 5, **more: Any) -> None:
    """CT with contrast, MR with contrast and blood, on each of the next days."""
    await open_hospital(platform)
    await platform.admit(scopes=("verification", "slots", "examinations", "visits"))
    for day in range(1, days + 1):
        for name, item, department_id in (
            ("ct", "ct.contrast", RADIOLOGY),
            ("mr", "mr.contrast", RADIOLOGY),
            ("blood", "lab.fasting", LABORATORY),
        ):
            content = room(platform, item, department_id, days=day, **more)
            reply = await load(platform, f"{name}-{day}", content)
            assert reply.error is None, reply.error


async def patient(platform: Platform, number: int = 0) -> dict[str, Any]:
    """Somebody with a card that was scanned at the hospital."""
    token, card_id = await platform.holder(platform.residents[number])
    seen = await platform.scan(platform.partner(), await platform.code(token, card_id))
    return {"token": token, "card_id": card_id, "verification_id": seen.body["verification_id"]}


async def order(platform: Platform, who: dict[str, Any], item: str, department_id: str, **more: Any) -> Any:
    """The hospital tells of an order; its number is made of the item."""
    body = {
        "verification_id": who["verification_id"],
        "order_no": f"O-{item}",
        "item": item,
        "name": f"检查 {item}",
        "department_id": department_id,
        **more,
    }
    return await platform.partner().call("POST", "/partner/v1/examination-orders", body)


async def ordered(platform: Platform, who: dict[str, Any], *items: tuple[str, str]) -> list[str]:
    return [(await order(platform, who, *item)).body["order_id"] for item in items]


ALL = (("ct.contrast", RADIOLOGY), ("mr.contrast", RADIOLOGY), ("lab.fasting", LABORATORY))


async def plan(platform: Platform, who: dict[str, Any], order_ids: list[str], **more: Any) -> Answer:
    body = {
        "card_id": who["card_id"],
        "institution_id": INSTITUTION,
        "order_ids": order_ids,
        **more,
    }
    return await platform.http.post("/api/v1/examination-plans", body, token=who["token"])


async def book_plan(platform: Platform, who: dict[str, Any], plan_id: str, **more: Any) -> Answer:
    path = f"/api/v1/examination-plans/{plan_id}/bookings"
    return await platform.http.post(path, token=who["token"], **more)


async def live(platform: Platform) -> list[str]:
    """The items that are booked now."""
    rows = platform.app.mongo.collection("appointments")
    return sorted([row["at"]["item"] async for row in rows.each({"seat_in": {"$exists": True}})])


async def test_several_orders_become_a_plan_and_the_plan_bookings(platform: Platform) -> None:
    await hospital(platform)
    who = await patient(platform)
    ids = await ordered(platform, who, *ALL)
    listed = await platform.http.get(
        f"/api/v1/examination-orders?card_id={who['card_id']}", token=who["token"]
    )
    assert listed.json["is_complete"] is True
    assert {one["order_id"]: one["state"] for one in listed.json["orders"]} == dict.fromkeys(ids, "open")
    blood = next(one for one in listed.json["orders"] if one["item"] == "lab.fasting")
    assert blood["preparation"][0] == {"code": "fasting", "hours": 8, "minutes": None}

    proposed = await plan(platform, who, ids)
    assert proposed.status == 201, proposed.body
    content = proposed.json
    assert content["is_exact"] and content["conflicts"] == []
    days = [[item["item"] for item in visit["items"]] for visit in content["visits"]]
    assert days in (
        [["lab.fasting", "ct.contrast"], ["mr.contrast"]],
        [["lab.fasting", "mr.contrast"], ["ct.contrast"]],
    ), "contrast twice takes two days, and the blood comes first"

    booked = await book_plan(platform, who, content["plan_id"])
    assert booked.status == 201, booked.body
    again = await book_plan(platform, who, content["plan_id"])
    assert again.json == booked.json
    assert {one["state"] for one in booked.json["appointments"]} == {"confirmed"}
    assert await live(platform) == ["ct.contrast", "lab.fasting", "mr.contrast"]
    await settle(platform)
    listed = await platform.http.get(
        f"/api/v1/examination-orders?card_id={who['card_id']}", token=who["token"]
    )
    made = {one["appointment_id"] for one in booked.json["appointments"]}
    assert {one["appointment_id"] for one in listed.json["orders"]} == made
    assert {one["state"] for one in listed.json["orders"]} == {"booked"}
    refused = await plan(platform, who, ids)
    assert (refused.status, refused.error) == (409, "examination_order.not_open")

    told = [one for one in await platform.messages(who["token"]) if one["kind"] == "examination_planned"]
    assert len(told) == 3 and any("检查前 8 小时不要吃东西" in one["text"] for one in told)

    path = f"/api/v1/appointments/{booked.json['appointments'][0]['appointment_id']}/cancellation"
    assert (await platform.http.post(path, token=who["token"])).status == 200
    await platform.work()
    listed = await platform.http.get(
        f"/api/v1/examination-orders?card_id={who['card_id']}", token=who["token"]
    )
    assert sorted(one["state"] for one in listed.json["orders"]) == ["booked", "booked", "open"]


async def test_one_that_is_gone_gives_back_the_others(platform: Platform) -> None:
    await hospital(platform, capacity=1)
    who, other = await patient(platform), await patient(platform, 1)
    ids = await ordered(platform, who, *ALL)
    content = (await plan(platform, who, ids)).json
    last = content["visits"][-1]["items"][-1]
    assert (await book(platform, other["token"], other["card_id"], last["slot_id"])).status == 201
    refused = await book_plan(platform, who, content["plan_id"])
    assert (refused.status, refused.error) == (409, "examination_plan.not_bookable")
    assert refused.json["error"]["detail"] == {"order_id": last["order_id"], "reason": "slot.full"}
    assert await live(platform) == [last["item"]], "nothing stays booked but the other's"
    gone = await book_plan(platform, who, content["plan_id"])
    assert (gone.status, gone.error) == (409, "examination_plan.given_back")
    fresh = (await plan(platform, who, ids)).json
    assert (await book_plan(platform, who, fresh["plan_id"])).status == 201


async def test_a_single_booking_refuses_what_does_not_go_together_too(platform: Platform) -> None:
    await hospital(platform)
    who = await patient(platform)
    ct, mr = room(platform, "ct.contrast", RADIOLOGY), room(platform, "mr.contrast", RADIOLOGY)
    assert (await book(platform, who["token"], who["card_id"], slot_ref(ct, "ct-1"))).status == 201
    refused = await book(platform, who["token"], who["card_id"], slot_ref(mr, "mr-1", "s4"))
    assert (refused.status, refused.error) == (409, "examination.conflict")
    [conflict] = refused.json["error"]["detail"]["conflicts"]
    assert (conflict["reason"], conflict["parameters"]) == ("excluded", {"within_days": 2})
    assert (conflict["name"], conflict["other_name"]) == ("磁共振增强", "CT 增强")
    await platform.work()
    listed = await platform.http.get(
        f"/api/v1/examination-orders?card_id={who['card_id']}", token=who["token"]
    )
    assert [(one["item"], one["state"]) for one in listed.json["orders"]] == [("ct.contrast", "booked")]

    ids = await ordered(platform, who, ("mr.contrast", RADIOLOGY))
    impossible = (await plan(platform, who, ids)).json
    assert impossible["plan_id"] is not None, "there is a day that is far enough"
    await platform.decide(
        ExaminationPolicy, exclusions=[{"one": "contrast", "other": "contrast", "within_days": 30}]
    )
    impossible = (await plan(platform, who, ids)).json
    assert (impossible["plan_id"], impossible["visits"]) == (None, [])
    assert {one["reason"] for one in impossible["conflicts"]} >= {"excluded"}
    nothing = await ordered(platform, who, ("ecg", "D-ECG"))
    answer = await plan(platform, who, nothing)
    assert answer.status in (201, 404), answer.body


async def test_two_at_once_that_do_not_go_together_leave_one(platform: Platform) -> None:
    await hospital(platform, days=1)
    ct, mr = room(platform, "ct.contrast", RADIOLOGY), room(platform, "mr.contrast", RADIOLOGY)
    for number in range(3):
        who = await patient(platform, number)
        refs = (slot_ref(ct, "ct-1", f"s{number + 1}"), slot_ref(mr, "mr-1", f"s{number + 2}"))
        await asyncio.gather(*(book(platform, who["token"], who["card_id"], ref) for ref in refs))
        await platform.work()
    cards = platform.app.mongo.collection("appointments")
    rows = [row async for row in cards.each({"seat_in": {"$exists": True}})]
    assert len(rows) == len({row["card_id"] for row in rows}) <= 3


async def test_whoever_dies_half_way_leaves_nothing_booked(platform: Platform) -> None:
    await hospital(platform)
    who = await patient(platform)
    ids = await ordered(platform, who, *ALL)
    plan_id = (await plan(platform, who, ids)).json["plan_id"]
    service = platform.app.services.examination_plans
    booking, calls = service._appointments.book, 0

    async def dies(*args: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Unavailable("database.unavailable", "gone")
        return await booking(*args, **more)

    service._appointments.book = dies
    cut = await book_plan(platform, who, plan_id, headers={"Idempotency-Key": "plan-1"})
    assert (cut.status, len(await live(platform))) == (503, 2)
    platform.clock.advance(1)
    await platform.work()
    assert await live(platform) == [], "the worker gives back what nobody finishes"
    gone = await book_plan(platform, who, plan_id, headers={"Idempotency-Key": "plan-1"})
    assert gone.error == "examination_plan.given_back"
    rows = platform.app.mongo.collection("examination_plans")
    assert (await rows.find_one({"_id": plan_id}) or {})["due_at"] > platform.clock.now()
    platform.clock.advance(181)
    await platform.work()
    assert "due_at" not in (await rows.find_one({"_id": plan_id}) or {})


async def test_a_cut_answer_is_asked_again_and_goes_on(platform: Platform) -> None:
    await hospital(platform)
    who = await patient(platform)
    plan_id = (await plan(platform, who, await ordered(platform, who, *ALL))).json["plan_id"]
    service = platform.app.services.examination_plans
    booking, calls = service._appointments.book, 0

    async def slow(*args: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        done = await booking(*args, **more)
        if calls == 2:
            raise Unavailable("database.unavailable", "applied, and the answer is lost")
        return done

    service._appointments.book = slow
    assert (await book_plan(platform, who, plan_id)).status == 503
    assert (await book_plan(platform, who, plan_id)).status == 201
    assert len(await live(platform)) == 3


async def test_another_accounts_plan_and_orders_are_not_there(platform: Platform) -> None:
    await hospital(platform, days=4)
    who, stranger = await patient(platform), await patient(platform, 1)
    ids = await ordered(platform, who, *ALL)
    plan_id = (await plan(platform, who, ids)).json["plan_id"]
    assert (await book_plan(platform, stranger, plan_id)).error == "examination_plan.not_found"
    theirs = await plan(platform, {**stranger, "card_id": who["card_id"]}, ids)
    assert (theirs.status, theirs.error) == (404, "card.not_found")
    foreign = await plan(platform, stranger, ids)
    assert (foreign.status, foreign.error) == (404, "examination_order.not_found")
    path = f"/api/v1/examination-orders?card_id={who['card_id']}"
    assert (await platform.http.get(path, token=stranger["token"])).status == 404


async def test_a_hospital_tells_of_orders_by_its_registration_number(platform: Platform) -> None:
    await hospital(platform, days=1)
    who = await patient(platform)
    clinic = schedule(platform, days=1)
    await load(platform, "clinic-1", clinic)
    visit = (await book(platform, who["token"], who["card_id"], slot_ref(clinic, "clinic-1"))).json
    await platform.work()
    by_number = {"verification_id": None, "registration_no": visit["registration_no"]}
    told = await order(
        platform, who, "ct.contrast", RADIOLOGY, **by_number, ordered_at=iso(platform.clock.now())
    )
    assert told.body["state"] == "open"
    events = {"registration_no": visit["registration_no"], "event": "ordered", "about": "O-ct.contrast"}
    await platform.partner().call("POST", "/partner/v1/visit-events", events)
    ct = room(platform, "ct.contrast", RADIOLOGY)
    assert (await book(platform, who["token"], who["card_id"], slot_ref(ct, "ct-1", "s4"))).status == 201
    for _ in range(2):  # the booking tells the order, and the order the visit
        await platform.work()
    [shown] = [
        one
        for one in (
            await platform.http.get(f"/api/v1/visits?card_id={who['card_id']}", token=who["token"])
        ).json["visits"]
        if one["registration_no"] == visit["registration_no"]
    ]
    assert [step["event"] for step in shown["steps"]][-1] == "examination_booked"
    assert shown["next"]["what"] == "pay"
    done = await order(platform, who, "ct.contrast", RADIOLOGY, **by_number, state="done")
    assert done.body["state"] == "done"
    path = f"/api/v1/appointments/{done.body['appointment_id']}/cancellation"
    assert (await platform.http.post(path, token=who["token"])).status == 200
    await platform.work()
    again = await order(platform, who, "ct.contrast", RADIOLOGY, **by_number)
    assert again.body["state"] == "done", "what the hospital has done is not to be booked again"

    async def refused(**more: Any) -> str:
        reply = await order(platform, who, "ct.contrast", RADIOLOGY, **more)
        assert reply.error is not None
        return str(reply.error[0])

    assert await refused(registration_no="R-0") == "examination_order.unnamed"
    assert await refused(verification_id=None, registration_no="R-0") == "registration.not_found"
    assert await refused(verification_id="0" * 26) == "verification.not_found"
    stranger = await patient(platform, 1)
    assert await refused(verification_id=stranger["verification_id"]) == "examination_order.taken"
    assert APP_ID in INSTITUTION


class OrderingSystem:
    """A hospital with a system of its own, that has written these orders in a visit."""

    def __init__(self, orders: list[Order]) -> None:
        self._orders = orders

    async def system_of(self, institution_id: str) -> "OrderingSystem":
        return self

    async def orders(self, whose: Whose) -> list[Order]:
        return self._orders


async def test_an_order_under_anothers_number_hides_no_other(platform: Platform) -> None:
    await hospital(platform, days=1)
    who, stranger = await patient(platform), await patient(platform, 1)
    await ordered(platform, stranger, ("ct.contrast", RADIOLOGY))
    one = replace(appointment(platform, who["card_id"]), is_ours=False)
    services, now = platform.app.services, platform.clock.now()
    assert await services.appointments._store.insert_each([NewBooking(one, [], None, None)], now) == [None]
    assert one.registration_no is not None
    written = [
        Order(number, one.registration_no, item, f"检查 {item}", RADIOLOGY, "open", now, 0)
        for number, item in (("O-ct.contrast", "ct.contrast"), ("O-2", "mr.contrast"))
    ]
    services.examination_orders._hospitals = OrderingSystem(written)  # type: ignore[assignment]
    path = f"/api/v1/examination-orders?card_id={who['card_id']}"
    shown = await platform.http.get(path, token=who["token"])
    assert shown.status == 200, shown.body
    assert ([one["item"] for one in shown.json["orders"]], shown.json["is_complete"]) == (
        ["mr.contrast"],
        True,
    )


async def test_an_order_its_hospital_has_freed_can_be_booked_again(platform: Platform) -> None:
    """Booked elsewhere, then open; one that is booked here stays booked, whatever its hospital still says."""
    await hospital(platform, days=1)
    who = await patient(platform)
    one = replace(appointment(platform, who["card_id"]), is_ours=False)
    services, now = platform.app.services, platform.clock.now()
    await services.appointments._store.insert_each([NewBooking(one, [], None, None)], now)
    assert one.registration_no is not None
    written = Order("O-1", one.registration_no, "ct.contrast", "检查 CT", RADIOLOGY, "open", now, 0)
    path = f"/api/v1/examination-orders?card_id={who['card_id']}"

    async def told(state: Any) -> str:
        """How the order stands when its hospital, asked now, calls it so."""
        system = OrderingSystem([replace(written, state=state)])
        services.examination_orders._hospitals = system  # type: ignore[assignment]
        [shown] = (await platform.http.get(path, token=who["token"])).json["orders"]
        return str(shown["state"])

    assert [await told(state) for state in ("open", "booked", "booked", "open", "open")] == [
        *("open", "booked", "booked", "open", "open")
    ]
    ct = room(platform, "ct.contrast", RADIOLOGY)
    assert (await book(platform, who["token"], who["card_id"], slot_ref(ct, "ct-1"))).status == 201
    await platform.work()
    assert await told("open") == "booked"
    assert [await told("done"), await told("open")] == ["done", "done"]


async def test_what_is_to_be_prepared_is_told_in_time(platform: Platform) -> None:
    """When it is booked and in the evening before; not after a cancel."""
    await hospital(platform, days=3)
    who = await patient(platform)
    content = room(platform, "lab.fasting", LABORATORY, days=3)
    booked = await book(platform, who["token"], who["card_id"], slot_ref(content, "blood-3"))
    assert booked.status == 201, booked.body
    await settle(platform)

    async def prepared() -> list[str]:
        await settle(platform)
        found = await platform.messages(who["token"])
        return [one["text"] for one in found if one["kind"] == "examination_prepare"]

    starts_at = datetime.fromisoformat(booked.json["starts_at"])
    [planned] = [one for one in await platform.messages(who["token"]) if one["kind"] == "examination_planned"]
    assert "空腹抽血" in planned["text"] and "不要喝酒" in planned["text"] and "医技楼" in planned["text"]
    platform.clock.advance((starts_at - timedelta(hours=36) - platform.clock.now()).total_seconds() - 1)
    assert await prepared() == []
    platform.clock.advance(1)  # eight in the evening: in the night nobody is told
    [no_alcohol] = await prepared()
    assert "喝酒" in no_alcohol and "吃东西" not in no_alcohol
    path = f"/api/v1/appointments/{booked.json['appointment_id']}/cancellation"
    assert (await platform.http.post(path, token=who["token"])).status == 200
    platform.clock.advance(24 * 3600)
    assert await prepared() == [no_alcohol]
