"""Reminders from a booking to the inbox: in time, once, not after a cancel, whoever dies in between."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from pymongo.database import Database

from push.reminders.model import ReminderPolicy
from push.reminders.scheduler import LEASE
from server.core.clock import iso
from server.core.errors import Unavailable
from server.core.ids import new_id
from server.core.outbox import Event
from tests.api.booking import INSTITUTION, book, load, open_hospital, schedule, slot_ref
from tests.api.calls import another_process
from tests.api.recorder import RECORDER
from tests.harness import Platform

pytestmark = [pytest.mark.feature("N1"), pytest.mark.gen_test(timeout=60)]
Rows = dict[str, Any]
KINDS = {"visit_day_before", "visit_soon", "hold_expiring", "medication_due", "reminder_missed"}


async def booked(platform: Platform, days: int = 2) -> tuple[str, str, Rows]:
    """(token, card_id, appointment): booked at nine in the morning, so many days from now."""
    await open_hospital(platform)
    content = schedule(platform, days=days)
    assert (await load(platform, "lin-1", content)).status == 200
    token, card_id = await platform.holder(platform.residents[0])
    answer = await book(platform, token, card_id, slot_ref(content, "lin-1"))
    assert answer.status == 201, answer.body
    await platform.work()
    return token, card_id, answer.json


def until(platform: Platform, moment: datetime) -> None:
    """Holds the clock at that moment."""
    platform.clock.advance((moment - platform.clock.now()).total_seconds())


async def reminded(platform: Platform, token: str) -> list[str]:
    """The kinds of the reminders in the inbox, the oldest first."""
    return [one["kind"] for one in await platform.messages(token) if one["kind"] in KINDS][::-1]


async def test_a_day_and_two_hours_before_and_not_earlier(platform: Platform, db: Database[Rows]) -> None:
    token, card_id, appointment = await booked(platform)
    starts_at = datetime.fromisoformat(appointment["starts_at"])
    assert "visit_confirmed" in [one["kind"] for one in await platform.messages(token)]
    until(platform, starts_at - timedelta(hours=24, seconds=1))
    await platform.work()
    assert await reminded(platform, token) == []
    platform.clock.advance(1)
    for _ in range(2):
        await platform.work()
    assert await reminded(platform, token) == ["visit_day_before"]
    until(platform, starts_at - timedelta(hours=2))
    async with another_process(platform) as other:
        both = (platform.app.services.reminders, other.app.services.reminders)
        assert sum(await asyncio.gather(*(one.send_due() for one in both))) == 1
    assert await reminded(platform, token) == ["visit_day_before", "visit_soon"]
    [newest, *_] = await platform.messages(token)
    resident = platform.residents[0]
    assert newest["data"]["who"].startswith(resident.name[0]) and resident.name not in newest["text"]
    assert "心血管内科" in newest["text"] and "09:00" in newest["text"]
    assert newest["data"]["card_id"] == card_id
    assert {row["state"] for row in db.reminders.find()} == {"sent"}


async def test_nothing_after_a_cancel(platform: Platform, db: Database[Rows]) -> None:
    token, _, appointment = await booked(platform)
    path = f"/api/v1/appointments/{appointment['appointment_id']}/cancellation"
    assert (await platform.http.post(path, token=token)).status == 200
    # The event may be late: the appointment itself is asked in the moment of sending.
    until(platform, datetime.fromisoformat(appointment["starts_at"]) - timedelta(hours=24))
    await platform.app.services.reminders.send_due()
    assert await reminded(platform, token) == []
    await platform.work()
    until(platform, datetime.fromisoformat(appointment["starts_at"]) - timedelta(hours=2))
    await platform.work()
    assert await reminded(platform, token) == []
    assert {row["state"] for row in db.reminders.find()} == {"unwanted", "cancelled"}


async def test_a_visit_that_moves_takes_its_reminders_along(platform: Platform, db: Database[Rows]) -> None:
    token, _, appointment = await booked(platform)
    row = db.appointments.find_one()
    assert row is not None
    starts_at = datetime.fromisoformat(appointment["starts_at"])
    planner = platform.app.services.reminder_planner
    was = list(db.reminders.find())
    for hours in (24, -24, 24):  # there, back, and there again
        starts_at += timedelta(hours=hours)
        platform.clock.advance(1)
        data = {
            **appointment,
            "card_id": row["card_id"],
            "starts_at": iso(starts_at),
            "institution_id": INSTITUTION,
        }
        event = Event(new_id(platform.clock.now()), "appointment.moved", platform.clock.now(), data)
        for _ in range(2):
            await planner.follow_booked(event)
    waiting = list(db.reminders.find({"due_at": {"$exists": True}}))
    assert sorted(one["due_at"] for one in waiting) == [starts_at - timedelta(hours=h) for h in (24, 2)]
    assert len(list(db.reminders.find())) == 4 * len(was)
    db.appointments.update_one({}, {"$set": {"at.starts_at": starts_at}})
    until(platform, starts_at - timedelta(hours=24))
    await platform.work()
    assert await reminded(platform, token) == ["visit_day_before"]


async def test_an_institution_reminds_when_it_wants(platform: Platform, db: Database[Rows]) -> None:
    await platform.decide(ReminderPolicy, of_institutions={INSTITUTION: [3, 1]})
    _, _, appointment = await booked(platform)
    starts_at = datetime.fromisoformat(appointment["starts_at"])
    planned = sorted((row["due_at"], row["kind"]) for row in db.reminders.find())
    assert planned == [(starts_at - timedelta(hours=hours), "visit_soon") for hours in (3, 1)]


async def test_after_downtime_the_stale_are_dropped_and_told_of_once(
    platform: Platform, db: Database[Rows]
) -> None:
    token, _, appointment = await booked(platform)
    starts_at = datetime.fromisoformat(appointment["starts_at"])
    until(platform, starts_at - timedelta(hours=1))
    await platform.app.services.reminders.send_due()
    # The first is stale, for the second was due too; that one is late and still of use.
    assert sorted(await reminded(platform, token)) == ["reminder_missed", "visit_soon"]
    until(platform, starts_at + timedelta(days=3))
    await platform.app.services.reminders.send_due()
    assert len(await reminded(platform, token)) == 2
    assert sorted(row["state"] for row in db.reminders.find()) == ["dropped", "sent"]


async def test_a_paused_owner_sends_nothing_any_more(platform: Platform, db: Database[Rows]) -> None:
    """F19: it wakes after its lease, when another has sent, or when the visit was cancelled."""
    token, _, appointment = await booked(platform)
    until(platform, datetime.fromisoformat(appointment["starts_at"]) - timedelta(hours=24))
    paused = platform.app.services.reminders
    rows = await paused._store.claim(platform.clock.now(), LEASE, 10)
    assert len(rows) == 1
    platform.clock.advance(LEASE.total_seconds() + 1)
    async with another_process(platform) as other:
        assert await other.app.services.reminders.send_due() == 1
    await paused._settle(rows)
    assert await reminded(platform, token) == ["visit_day_before"]
    assert await paused.send_due() == 0
    # Cancelled while somebody holds it: when the cancel is acknowledged, nothing is sent any more.
    until(platform, datetime.fromisoformat(appointment["starts_at"]) - timedelta(hours=2))
    rows = await paused._store.claim(platform.clock.now(), LEASE, 10)
    event = Event(
        new_id(platform.clock.now()),
        "appointment.cancelled",
        platform.clock.now(),
        {"appointment_id": appointment["appointment_id"]},
    )
    await platform.app.services.reminder_planner.follow_over(event)
    await paused._settle(rows)
    assert await reminded(platform, token) == ["visit_day_before"]


async def test_a_worker_that_dies_in_the_middle_leaves_it_to_another(
    platform: Platform, db: Database[Rows]
) -> None:
    token, _, appointment = await booked(platform)
    until(platform, datetime.fromisoformat(appointment["starts_at"]) - timedelta(hours=24))
    dying = platform.app.services.reminders
    await dying._store.claim(platform.clock.now(), LEASE, 10)
    async with another_process(platform) as other:
        assert await other.app.services.reminders.send_due() == 0, "claimed"
        platform.clock.advance(LEASE.total_seconds())
        assert await other.app.services.reminders.send_due() == 1
    assert await reminded(platform, token) == ["visit_day_before"]


async def test_a_poison_row_parks_and_the_others_go_on(platform: Platform, db: Database[Rows]) -> None:
    token, card_id, appointment = await booked(platform)
    due_at = datetime.fromisoformat(appointment["starts_at"]) - timedelta(hours=24)
    poison = {
        "_id": "poison",
        "subject": "x",
        "made_by": "",
        "kind": "visit_soon",
        "card_id": card_id,
        "due_at": due_at,
        "planned_at": due_at,
        "stale_at": due_at + timedelta(days=1),
        "data": {},
        "state": "waiting",
        "attempts": 0,
    }
    db.reminders.insert_one(poison)
    until(platform, due_at)
    for _ in range(8):
        await platform.app.services.reminders.send_due()
        platform.clock.advance(120)
    assert await reminded(platform, token) == ["visit_day_before"]
    [parked] = list(db.reminders.find({"parked_at": {"$exists": True}}))
    assert (parked["_id"], parked["parked_because"]) == ("poison", "KeyError")
    await platform.work()
    metrics = (await platform.http.get("/metrics")).body.decode()
    assert "ehc_reminders_parked 1.0" in metrics and "ehc_reminders_due 0.0" in metrics


async def test_medicine_is_told_of_until_it_is_ticked(platform: Platform, db: Database[Rows]) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    await platform.admit(scopes=("verification", "prescriptions"))
    client = platform.partner()
    await platform.scan(client, await platform.code(token, card_id))
    items = [
        {"drug": "阿莫西林胶囊", "dose": "2", "unit": "粒", "times_a_day": 3, "meal": "after", "days": 2}
    ]
    body = {"card_id": card_id, "prescription_no": "R-1", "items": items}
    plan_id = (await client.call("POST", "/partner/v1/prescriptions", body)).body["plan_id"]
    await platform.work()
    plan = (await platform.http.get(f"/api/v1/medication-plans/{plan_id}", token=token)).json
    first, second, *_ = [datetime.fromisoformat(dose["at"]) for dose in plan["doses"]]
    until(platform, first)
    await platform.work()
    assert await reminded(platform, token) == ["medication_due"]
    told = (await platform.messages(token))[0]
    assert "阿莫西林胶囊 2粒" in told["text"]
    assert "阿莫西林" not in str(list(db.messages.find())) + str(list(db.reminders.find()))
    tick = {"at": iso(second), "state": "taken"}
    until(platform, second - timedelta(minutes=5))
    path = f"/api/v1/medication-plans/{plan_id}"
    assert (await platform.http.post(f"{path}/ticks", tick, token=token)).status == 200
    until(platform, second)
    await platform.work()
    assert await reminded(platform, token) == ["medication_due"], "what was taken is not told of"
    meals = {"breakfast": "07:00", "lunch": "12:00", "dinner": "20:00", "bedtime": "22:00"}
    await platform.http.send("PUT", path, {"meals": meals, "is_active": False}, token=token)
    await platform.work()
    assert db.reminders.count_documents({"due_at": {"$exists": True}}) == 0


async def test_an_idle_tick_is_one_query(platform: Platform) -> None:
    with RECORDER.looking() as commands:
        assert await platform.app.services.reminders.send_due() == 0
    assert len([one for one in commands if "reminders" in str(one.get(one["command"]))]) == 1


async def test_when_the_database_is_away_nothing_is_lost(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, _, appointment = await booked(platform)
    until(platform, datetime.fromisoformat(appointment["starts_at"]) - timedelta(hours=24))
    reminders = platform.app.services.reminders

    async def away(_: Any) -> None:
        raise Unavailable("database.unavailable", "gone")

    with monkeypatch.context() as patched:
        patched.setattr(reminders, "_in_transaction", away)
        await reminders.send_due()
    assert await reminded(platform, token) == []
    platform.clock.advance(60)
    await reminders.send_due()
    assert await reminded(platform, token) == ["visit_day_before"]
