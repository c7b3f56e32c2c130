"""Coming to a hospital: check-in by place and by scan, the queue on the phone, and what moves a visit."""

import asyncio
from typing import Any

import pytest

from server.core.outbox import Event
from server.gateways.his.model import QueueTicket
from tests.api.recorder import RECORDER
from tests.harness import Platform
from tests.visits import (
    INSIDE,
    INSTITUTION,
    QUEUE,
    Desk,
    appointment,
    check_in,
    confirmed,
    knows,
    seen,
    settle,
)

pytestmark = [pytest.mark.feature("M4", "M5"), pytest.mark.gen_test(timeout=60)]


@pytest.mark.parametrize(
    ("place", "refusal"),
    [
        ({**INSIDE, "latitude": 30.30}, "check_in.outside"),
        ({**INSIDE, "accuracy_m": 290}, "check_in.uncertain"),
        ({**INSIDE, "latitude": 30.2790, "accuracy_m": 400}, "check_in.uncertain"),
        ({**INSIDE, "system": "wgs84"}, "check_in.outside"),
    ],
)
async def test_a_place_that_is_not_sure_is_refused(
    platform: Platform, place: dict[str, Any], refusal: str
) -> None:
    knows(platform)
    token, card_id = await platform.holder(platform.residents[0])
    visit = await confirmed(platform, card_id)
    answer = await check_in(platform, token, visit, place=place)
    assert (answer.status, answer.error) == (409, refusal)
    assert (await seen(platform, token, visit))["state"] == "expected"
    raw = str([row async for row in platform.app.mongo.collection("visits").each({})])
    assert str(place["latitude"]) not in raw


async def test_the_code_at_the_desk_lets_in_and_another_does_not(platform: Platform) -> None:
    desk = await Desk.of(platform)
    token, card_id = await platform.holder(platform.residents[0])
    visit = await confirmed(platform, card_id)
    genuine = desk.desk_text()
    answers = {
        "check_in.uncertain": {"place": INSIDE},  # of this hospital's grounds nothing is known
        "desk_code.malformed": {"scan": "EHCA1:0000:0000A0001"},
        "desk_code.forged": {"scan": genuine[:-1] + ("0" if genuine[-1] != "0" else "1")},
        "check_in.other_department": {"scan": desk.desk_text("D-99")},
        "request.invalid": {"scan": genuine, "place": INSIDE},
    }
    for refusal, how in answers.items():
        assert (await check_in(platform, token, visit, **how)).error == refusal
    inside = await check_in(platform, token, visit, scan=desk.desk_text(QUEUE))
    assert (inside.status, inside.json["state"]) == (200, "checked_in")
    code = await desk.send("GET", "/desk-code", query=[("department_id", QUEUE)])
    assert code["text"] == desk.desk_text(QUEUE)
    assert "<svg" in code["svg"]


async def test_check_in_has_its_time(platform: Platform) -> None:
    desk = await Desk.of(platform)
    token, card_id = await platform.holder(platform.residents[0])
    early, late = await confirmed(platform, card_id, 61), await confirmed(platform, card_id, -91)
    for visit, refusal in ((early, "check_in.too_early"), (late, "check_in.too_late")):
        answer = await check_in(platform, token, visit, scan=desk.desk_text())
        assert (answer.status, answer.error) == (409, refusal)
    platform.clock.advance(60)
    assert (await check_in(platform, token, early, scan=desk.desk_text())).status == 200


async def test_another_accounts_visit_is_not_there(platform: Platform) -> None:
    desk = await Desk.of(platform)
    token, card_id = await platform.holder(platform.residents[0])
    stranger = await platform.sign_in(platform.residents[1])
    visit = await confirmed(platform, card_id)
    path = f"/api/v1/visits/{visit['visit_id']}"
    for answer in (
        await platform.http.get(path, token=stranger),
        await check_in(platform, stranger, visit, scan=desk.desk_text()),
    ):
        assert (answer.status, answer.error) == (404, "visit.not_found")
    listed = await platform.http.get(f"/api/v1/visits?card_id={card_id}", token=stranger)
    assert (listed.status, listed.error) == (404, "card.not_found")
    mine = await platform.http.get(f"/api/v1/visits?card_id={card_id}", token=token)
    assert [one["visit_id"] for one in mine.json["visits"]] == [visit["visit_id"]]


async def test_all_visits_of_a_card_are_read_in_one_look_at_the_queues(platform: Platform) -> None:
    desk = await Desk.of(platform)
    token, card_id = await platform.holder(platform.residents[0])
    visits = [await confirmed(platform, card_id, minutes) for minutes in (10, 20, 30)]
    for visit in visits:
        assert (await check_in(platform, token, visit, scan=desk.desk_text())).status == 200
    await settle(platform)
    with RECORDER.looking() as commands:
        listed = (await platform.http.get(f"/api/v1/visits?card_id={card_id}", token=token)).json["visits"]
    assert [one["queue"]["ahead"] for one in listed] == [2, 1, 0]
    assert [command.get("find") for command in commands].count("queue_tokens") == 1


async def test_the_hospitals_number_of_a_visit_is_in_no_event(platform: Platform) -> None:
    desk = await Desk.of(platform)
    token, card_id = await platform.holder(platform.residents[0])
    visit = await confirmed(platform, card_id)
    assert (await check_in(platform, token, visit, scan=desk.desk_text())).status == 200
    await desk.tell(visit["registration_no"], "ordered")
    told = [
        event
        for name in ("appointments", "visits", "queue_tokens")
        async for row in platform.app.mongo.collection(name).each({})
        for event in row.get("outbox", {}).get("events", ())
    ]
    assert {"appointment.confirmed", "visit.checked_in", "queue.joined"} <= {one["name"] for one in told}
    assert visit["registration_no"] not in str(told)


async def test_the_phone_hears_of_a_call_while_it_waits(platform: Platform) -> None:
    desk = await Desk.of(platform)
    token, card_id = await platform.holder(platform.residents[0])
    visit = await confirmed(platform, card_id)
    arrived = (await check_in(platform, token, visit, scan=desk.desk_text())).json
    query = f"?since={arrived['version']}&wait_s=20"
    waiting = asyncio.ensure_future(seen(platform, token, visit, query))
    await desk.call()
    shown = await waiting
    assert shown["queue"]["state"] == "called"
    assert shown["version"] != arrived["version"]
    assert (await seen(platform, token, visit, query))["version"] == shown["version"]
    unchanged = await seen(platform, token, visit, f"?since={shown['version']}&wait_s=0")
    assert unchanged == shown


async def test_a_moved_or_cancelled_appointment_takes_its_visit_along(platform: Platform) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    visit = await confirmed(platform, card_id)
    services, now = platform.app.services, platform.clock.now()
    await services.visits.begin(Event("x", "appointment.confirmed", now, visit), visit["registration_no"])
    moved = {**visit, "starts_at": visit["ends_at"], "place": "5 层", "doctor": "林医生", "doctor_id": "lin"}
    await services.visits.follow_move(Event("x", "appointment.moved", now, moved))
    shown = await seen(platform, token, visit)
    assert (shown["place"], shown["starts_at"], shown["doctor"]) == ("5 层", visit["ends_at"], "林医生")
    moved |= {"department": "全科", "department_id": "D-09", "doctor": None, "doctor_id": None}
    await services.visits.follow_move(Event("x", "appointment.moved", now, moved))
    shown = await seen(platform, token, visit)
    assert (shown["department"], shown["doctor"]) == ("全科", None)
    assert shown["next"]["place"] == "5 层", "one checks in where it moved to"
    for _ in range(2):
        await services.visits.follow_end(Event("x", "appointment.cancelled", now, visit))
    shown = await seen(platform, token, visit)
    assert (shown["state"], shown["next"]) == ("cancelled", None)
    desk = await Desk.of(platform)
    refused = await check_in(platform, token, visit, scan=desk.desk_text())
    assert refused.error == "visit.over"
    event = {"registration_no": visit["registration_no"], "event": "consulted"}
    assert await desk.refused("POST", "/visit-events", event) == "visit.over"


async def test_a_hospital_tells_of_its_own_queue(platform: Platform) -> None:
    knows(platform, queue=True)
    desk = await Desk.of(platform)
    token, card_id = await platform.holder(platform.residents[0])
    visit = await confirmed(platform, card_id)
    arrived = await check_in(platform, token, visit, place=INSIDE)
    assert arrived.json["queue"] is None
    await platform.work()  # the hospital is asked by the worker: a slow one holds up no phone
    shown = await seen(platform, token, visit)
    assert (shown["queue"]["token"], shown["queue"]["ahead"]) == ("B012", 4)

    async def tell(event: str, **more: Any) -> Any:
        body = {"registration_no": visit["registration_no"], "queue_id": "own-1", "event": event, **more}
        await desk.send("POST", "/queue-events", body)
        return (await seen(platform, token, visit))["queue"]

    platform.clock.advance(60)
    assert (await tell("moved", position=3))["ahead"] == 2
    old = "2026-11-22T08:00:30Z"
    assert (await tell("moved", ahead=9, happened_at=old))["ahead"] == 2, "older news changes nothing"
    called = await tell("called", place="7 诊室")
    assert (called["state"], called["place"], called["ahead"]) == ("called", "7 诊室", None)
    assert (await tell("missed"))["state"] == "missed"
    assert (await tell("returned", ahead=3))["ahead"] == 3
    assert (await tell("done"))["state"] == "done"
    for wrong in ({"ahead": -1}, {"position": 0}, {"ahead": 2**70}):
        body = {"registration_no": visit["registration_no"], "queue_id": "own-1", "event": "moved", **wrong}
        assert await desk.refused("POST", "/queue-events", body) == "request.invalid"
    unknown = {"registration_no": "R/0#1", "queue_id": "own-1", "event": "called"}
    assert await desk.refused("POST", "/queue-events", unknown) == "visit.not_found"
    other = {**unknown, "registration_no": visit["registration_no"], "queue_id": "own-2"}
    assert await desk.refused("POST", "/queue-events", other) == "queue.not_joined"
    assert (
        await desk.refused("POST", "/queue-events", {**other, "visit_id": visit["visit_id"]})
        == "visit.unnamed"
    )


async def test_somebody_without_an_appointment_has_a_visit_too(platform: Platform) -> None:
    desk = await Desk.of(platform)
    token, card_id = await platform.holder(platform.residents[0])
    scan = await platform.scan(desk.client, await platform.code(token, card_id))
    entry = {
        "verification_id": scan.body["verification_id"],
        "registration_no": "R-walk-1",
        "department": "急诊",
        "department_id": "D-07",
    }
    begun = await desk.send("POST", "/visits", entry)
    assert (await desk.send("POST", "/visits", entry))["visit_id"] == begun["visit_id"]
    [shown] = (await platform.http.get(f"/api/v1/visits?card_id={card_id}", token=token)).json["visits"]
    assert (shown["appointment_id"], shown["next"]["what"]) == (None, "check_in")
    await desk.open_queue("D-07")
    joining = {"registration_no": "R-walk-1", "priority": "emergency"}
    joined = await desk.send("POST", "/queues/D-07/tokens", joining)
    assert (joined["state"], joined["priority"]) == ("waiting", "emergency")
    other_token, other_card = await platform.holder(platform.residents[1])
    other = await platform.scan(desk.client, await platform.code(other_token, other_card))
    taken = {**entry, "verification_id": other.body["verification_id"]}
    assert await desk.refused("POST", "/visits", taken) == "registration.taken"
    nobody = {**entry, "verification_id": "0" * 26}
    assert await desk.refused("POST", "/visits", nobody) == "verification.not_found"


async def test_a_number_that_is_another_visits_keeps_no_appointment_from_its_visit(
    platform: Platform,
) -> None:
    desk = await Desk.of(platform)
    token, card_id = await platform.holder(platform.residents[0])
    scan = await platform.scan(desk.client, await platform.code(token, card_id))
    entry = {"verification_id": scan.body["verification_id"], "registration_no": "R-1", "department": "急诊"}
    walk_in = await desk.send("POST", "/visits", entry)
    visits, now = platform.app.services.visits, platform.clock.now()
    data = appointment(platform, card_id).data()
    for _ in range(2):
        await visits.begin(Event("x", "appointment.confirmed", now, data), "R-1")
    await visits.follow_move(Event("x", "appointment.moved", now, {**data, "place": "5 层"}))
    shown = (await platform.http.get(f"/api/v1/visits?card_id={card_id}", token=token)).json["visits"]
    booked, came = sorted(shown, key=lambda one: one["visit_id"] == walk_in["visit_id"])
    assert (booked["appointment_id"], booked["registration_no"]) == (data["appointment_id"], None)
    assert (booked["place"], came["registration_no"], len(shown)) == ("5 层", "R-1", 2)


async def test_what_is_only_held_has_no_visit_when_it_moves(platform: Platform) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    data = appointment(platform, card_id).data()
    moved = Event("x", "appointment.moved", platform.clock.now(), data)
    await platform.app.services.visits.follow_move(moved)
    shown = await platform.http.get(f"/api/v1/visits?card_id={card_id}", token=token)
    assert shown.json["visits"] == []


async def test_another_institution_sees_nothing_of_a_visit(platform: Platform) -> None:
    await Desk.of(platform)
    await platform.admit("clinic-b", "T-0002", ("visits",))
    _, card_id = await platform.holder(platform.residents[0])
    visit = await confirmed(platform, card_id)
    stranger = Desk(platform, platform.partner("clinic-b"))
    for which in ({"visit_id": visit["visit_id"]}, {"registration_no": visit["registration_no"]}):
        body = {**which, "event": "consulted"}
        assert await stranger.refused("POST", "/visit-events", body) == "visit.not_found"
    assert await stranger.refused("GET", f"/queues/{QUEUE}") == "queue.not_found"
    assert visit["institution_id"] == INSTITUTION


async def test_a_hospitals_own_queue_is_asked_while_somebody_looks(platform: Platform) -> None:
    """Once in a while; what it says is told, what it says again changes nothing, and its silence is said."""
    known = knows(platform, queue=True)
    await Desk.of(platform)
    token, card_id = await platform.holder(platform.residents[0])
    visit = await confirmed(platform, card_id)
    assert (await check_in(platform, token, visit, place=INSIDE)).status == 200
    await settle(platform)
    first = await seen(platform, token, visit)
    assert (first["queue"]["token"], first["queue"]["ahead"], known.asked) == ("B012", 4, 0)
    platform.clock.advance(20)
    again = await seen(platform, token, visit)
    assert (again["version"], known.asked) == (first["version"], 1)
    assert again["queue"]["as_of"] > first["queue"]["as_of"]
    known.ticket = QueueTicket("own-1", "B012", "waiting", 2, 1, "2 层 B 区")
    assert (await seen(platform, token, visit))["queue"]["ahead"] == 4
    platform.clock.advance(20)
    moved = await seen(platform, token, visit)
    assert (moved["queue"]["ahead"], known.asked) == (1, 2)
    known.is_silent = True
    platform.clock.advance(20)
    silent = await seen(platform, token, visit, f"?since={moved['version']}&wait_s=1")
    assert (silent["queue"]["is_silent"], silent["queue"]["ahead"]) == (True, 1)
    assert silent["queue"]["as_of"] == moved["queue"]["as_of"] and silent["version"] != moved["version"]
    platform.clock.advance(1)
    desk = Desk(platform, platform.partner())
    word = {"registration_no": visit["registration_no"], "queue_id": "own-1", "event": "moved", "ahead": 1}
    await desk.send("POST", "/queue-events", word)
    spoke = await seen(platform, token, visit)
    assert not spoke["queue"]["is_silent"], "whoever speaks by itself is not silent"
    assert spoke["queue"]["as_of"] > silent["queue"]["as_of"]
    known.is_silent, known.ticket = False, QueueTicket("own-1", "B012", "called", 0, 0, "2 层 5 诊室")
    platform.clock.advance(20)
    called = await seen(platform, token, visit)
    assert (called["queue"]["state"], called["queue"]["place"]) == ("called", "2 层 5 诊室")
    await settle(platform)
    kinds = [one["kind"] for one in await platform.messages(token)]
    assert {"queue_near", "queue_called"} <= set(kinds)
