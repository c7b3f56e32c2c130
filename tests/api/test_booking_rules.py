"""Release times and the draw, schedules that change, limits and no-shows, over HTTP."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from pymongo.database import Database

from server.appointments.booking.policy import BookingPolicy
from server.appointments.fairness.policy import FairBookingPolicy
from server.core.clock import iso
from tests.api.booking import book, crowd, load, open_hospital, outcome_of, schedule, slot_ref, slots
from tests.harness import Platform

pytestmark = [pytest.mark.feature("M1", "M2", "M7"), pytest.mark.gen_test(timeout=60)]


async def states(platform: Platform, token: str, which: str = "coming") -> list[dict[str, Any]]:
    answer = await platform.http.get(f"/api/v1/appointments?which={which}", token=token)
    found: list[dict[str, Any]] = answer.json["appointments"]
    return found


async def test_before_its_release_a_slot_is_shown_and_then_drawn(platform: Platform) -> None:
    await open_hospital(platform)
    released_at = platform.clock.now() + timedelta(hours=1)
    content = schedule(platform, 3, slots=1, released_at=iso(released_at))
    await load(platform, "lin", content)
    ref = slot_ref(content, "lin")
    token, card_id = await platform.holder(platform.residents[0])
    [slot] = await slots(platform, token, content["on"])
    assert (slot["free"], slot["released_at"]) == (3, iso(released_at))
    early = await book(platform, token, card_id, ref)
    assert (early.status, early.error) == (409, "slot.not_released")
    assert early.json["error"]["detail"] == {"released_at": iso(released_at)}

    platform.clock.advance(3600)
    people = await crowd(platform, 8)
    asked = Counter([await outcome_of(platform, one, ref) for one in people])
    assert asked == {"holding": 8}
    mine = await book(platform, token, card_id, ref)
    assert (mine.status, mine.json["state"], mine.json["is_waiting"]) == (202, "holding", True)
    again = await book(platform, token, card_id, ref)
    assert (again.status, again.error) == (409, "appointment.exists")
    await platform.work()
    assert (await states(platform, token))[0]["state"] == "holding", "the draw has not been yet"
    platform.clock.advance(7)
    await platform.work()
    rows = await platform.app.mongo.collection("appointments").find({"_id": {"$gt": ""}}, limit=20)
    assert Counter(row["state"] for row in rows) == {"confirmed": 3, "released": 6}
    assert {row["because"] for row in rows if row["state"] == "released"} == {"full"}
    later = await crowd(platform, 1)
    assert await outcome_of(platform, later[0], ref) == "slot.full"


async def test_bookings_follow_their_schedule(platform: Platform, db: Database[Any]) -> None:
    await open_hospital(platform)
    content = schedule(platform, 2, slots=2)
    await load(platform, "lin", content)
    token, card_id = await platform.holder(platform.residents[0])
    other, other_card = await platform.holder(platform.residents[1])
    for who, card in ((token, card_id), (other, other_card)):
        assert (await book(platform, who, card, slot_ref(content, "lin", "s1"))).status == 201
    await platform.work()

    smaller = {**content, "slots": [{**content["slots"][0], "capacity": 1}, content["slots"][1]]}
    await load(platform, "lin", smaller)
    await platform.work()
    shown = [(await states(platform, who))[0] for who in (token, other)]
    starts = sorted(one["starts_at"] for one in shown)
    assert starts == [content["slots"][0]["starts_at"], content["slots"][1]["starts_at"]]
    assert [one["state"] for one in shown] == ["confirmed", "confirmed"]

    afternoon = schedule(platform, 1, slots=1, hour=14)
    await load(platform, "lin-pm", afternoon)
    await load(platform, "lin", {**smaller, "is_closed": True, "moves_to": "lin-pm"})
    await platform.work()
    shown = [one for who in (token, other) for one in await states(platform, who)]
    ended = [one for who in (token, other) for one in await states(platform, who, "past")]
    assert [one["state"] for one in shown] == ["confirmed"], "what was cancelled is not to come"
    assert [(one["state"], one["because"]) for one in ended] == [("cancelled", "closed")]
    moved = next(one for one in shown if one["state"] == "confirmed")
    assert moved["starts_at"] == afternoon["slots"][0]["starts_at"]
    told = [one["kind"] for who in (token, other) for one in await platform.messages(who)]
    assert told.count("visit_stopped") == 1 and "visit_cancelled" not in told
    third, third_card = await platform.holder(platform.residents[2])
    closed = await book(platform, third, third_card, slot_ref(content, "lin", "s2"))
    assert (closed.status, closed.error) == (409, "slot.closed")


async def test_limits_are_told_and_kept(platform: Platform) -> None:
    await platform.decide(FairBookingPolicy, person_day={"clinic": 2}, family_open=3, device_open=20)
    await open_hospital(platform)
    content = schedule(platform, 5, slots=4)
    next_day = schedule(platform, 5, slots=4, days=2)
    await load(platform, "lin", content)
    await load(platform, "lin-2", next_day)
    token, card_id = await platform.holder(platform.residents[0])
    headers = {"X-Device-Id": "phone-1"}
    for number in (1, 2):
        done = await book(platform, token, card_id, slot_ref(content, "lin", f"s{number}"), headers=headers)
        assert done.status == 201
    third = await book(platform, token, card_id, slot_ref(content, "lin", "s3"), headers=headers)
    assert (third.status, third.error) == (409, "booking.limit_reached")
    assert third.json["error"]["detail"] == {"limit": "person_day", "allowed": 2}
    assert (await book(platform, token, card_id, slot_ref(next_day, "lin-2"))).status == 201
    fourth = await book(platform, token, card_id, slot_ref(next_day, "lin-2", "s2"))
    assert fourth.json["error"]["detail"] == {"limit": "family", "allowed": 3}
    path = f"/api/v1/booking-limits?card_id={card_id}"
    told = (await platform.http.get(path, token=token, headers=headers)).json
    assert {(one["what"], one["kind"], one["allowed"], one["used"]) for one in told["limits"]} == {
        ("person_day", "clinic", 2, None),
        ("family", None, 3, 3),
        ("device", None, 20, 2),
    }
    assert (told["no_shows"], told["blocked_until"], told["hold_minutes"]) == ([], None, 15)
    first = (await states(platform, token))[0]
    cancelled = await platform.http.post(
        f"/api/v1/appointments/{first['appointment_id']}/cancellation", token=token
    )
    assert cancelled.status == 200
    assert (await book(platform, token, card_id, slot_ref(content, "lin", "s3"))).status == 201


async def test_who_never_comes_may_not_book_for_a_while_and_sees_why(platform: Platform) -> None:
    await open_hospital(platform)
    token, card_id = await platform.holder(platform.residents[0])
    for number in range(3):
        content = schedule(platform, 5, slots=1)
        await load(platform, f"lin-{number}", content)
        assert (await book(platform, token, card_id, slot_ref(content, f"lin-{number}"))).status == 201
        platform.clock.advance(24 * 3600)
        await platform.work()
    past = await states(platform, token, "past")
    assert [one["state"] for one in past] == ["no_show"] * 3
    content = schedule(platform, 5, slots=1)
    await load(platform, "lin", content)
    blocked = await book(platform, token, card_id, slot_ref(content, "lin"))
    assert (blocked.status, blocked.error) == (409, "booking.blocked")
    told = (await platform.http.get(f"/api/v1/booking-limits?card_id={card_id}", token=token)).json
    assert told["blocked_until"] == blocked.json["error"]["detail"]["until"]
    assert [one["starts_at"] for one in told["no_shows"]] == [one["starts_at"] for one in past]
    platform.clock.advance(30 * 24 * 3600)
    token = await platform.sign_in(platform.residents[0])
    content = schedule(platform, 5, slots=1)
    await load(platform, "lin-later", content)
    assert (await book(platform, token, card_id, slot_ref(content, "lin-later"))).status == 201


async def test_whoever_checks_in_and_is_seen_is_done(platform: Platform) -> None:
    await platform.decide(BookingPolicy, no_show_after_minutes=0)
    await open_hospital(platform)
    content = schedule(platform, 5, slots=1)
    await load(platform, "lin", content)
    token, card_id = await platform.holder(platform.residents[0])
    booked = (await book(platform, token, card_id, slot_ref(content, "lin"))).json
    service = platform.app.services.appointments
    for _ in range(2):
        assert (await service.mark_checked_in(booked["appointment_id"])).state == "checked_in"
    path = f"/api/v1/booking-limits?card_id={card_id}"
    assert (await platform.http.get(path, token=token)).json["limits"][-2]["used"] == 1
    platform.clock.advance(24 * 3600)
    await platform.work()
    shown = await states(platform, token, "past")
    assert [one["state"] for one in shown] == ["completed"], "also where nobody says that the visit is over"
    assert (await platform.http.get(path, token=token)).json["limits"][-2]["used"] == 0
    for _ in range(2):
        assert (await service.complete(booked["appointment_id"])).state == "completed"
    found = await service.find_by_registration(booked["institution_id"], booked["registration_no"])
    assert found is not None and found.appointment_id == booked["appointment_id"]


async def test_a_script_that_asks_all_the_time_waits(platform: Platform) -> None:
    await platform.decide(FairBookingPolicy, account_attempts=4)
    await open_hospital(platform)
    content = schedule(platform, 5, slots=1, released_at=iso(platform.clock.now() + timedelta(minutes=1)))
    await load(platform, "lin", content)
    token, card_id = await platform.holder(platform.residents[0])
    answers = [await book(platform, token, card_id, slot_ref(content, "lin")) for _ in range(6)]
    assert [one.error for one in answers] == ["slot.not_released"] * 4 + ["booking_account.too_many"] * 2
    assert answers[-1].status == 429
    wait_s = int(answers[-1].headers["Retry-After"])
    platform.clock.advance(wait_s)
    assert (await book(platform, token, card_id, slot_ref(content, "lin"))).status == 201
