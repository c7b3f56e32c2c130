"""(h) Reminders under kill -9, two workers, owners paused beyond their lease, days of downtime (F18–F20)."""

import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from push.reminders.model import Reminder
from push.reminders.store import ReminderStore
from server import app as composition
from server.cards.model import Card, Holder, Status, Tie, new_ehealth_card_id
from server.core.ids import new_id
from server.core.outbox import Event
from server.medications.model import MAX_DAYS, Item, Meals, Plan
from server.medications.store import MedicationStore
from tests.conftest_mongod import scratch_root
from tests.faults.checkers import Finding
from tests.faults.people import Person, make_people
from tests.faults.processes import Child, wait_until
from tests.faults.runs import Outcome, Say
from tests.faults.stage import Stage

KILLED = -9
HELD = datetime(2999, 1, 1, tzinfo=UTC)
PEOPLE = 20
BATCH = 10  # due at a time: a worker that dies leaves so many
# Before a claim, after it, after the messages are written and before the rows say so, and before and after
# the commit of both.
FAILPOINTS = (
    *("reminders.update.before:1", "reminders.update.after:1", "messages.insert.after:1"),
    *("transaction.commit.before:1", "transaction.commit.after:1"),
)
WORK_S = 60.0  # a start on a busy machine, and a tick
DRAIN_S = 300.0
TIMES_A_DAY = 6
BEFORE_ALL = "0"  # the event that planned them: before any that cancels them


@dataclass
class Waiting:
    """The stage with reminders that wait; `cancelled` are those whose cancel was acknowledged, and when."""

    stage: Stage
    rng: random.Random
    ids: list[str]
    cancelled: dict[str, datetime]

    @property
    def rows(self) -> Any:
        return self.stage.database.reminders

    def release(self, number: int) -> list[str]:
        """Makes some of those that are held due, now."""
        found = [row["_id"] for row in self.rows.find({"due_at": HELD}, {"_id": 1}, limit=number)]
        now = datetime.now(UTC)
        self.rows.update_many({"_id": {"$in": found}}, {"$set": {"due_at": now, "released_at": now}})
        return found

    def let_leases_end(self) -> None:
        """What a minute would do."""
        self.rows.update_many({"claim": {"$exists": True}}, {"$set": {"due_at": datetime.now(UTC)}})

    def is_done(self, ids: Sequence[str]) -> bool:
        return not self.rows.find_one({"_id": {"$in": list(ids)}, "due_at": {"$exists": True}}, {"_id": 1})


@contextmanager
def waiting(seed: int, number: int) -> Iterator[Waiting]:
    """`number` reminders of medicine, all held, for PEOPLE cards of one account each."""
    with tempfile.TemporaryDirectory(prefix="ehc-faults-", dir=scratch_root()) as folder:
        people = make_people(PEOPLE, seed)
        with Stage(Path(folder), people) as stage:
            ids = asyncio.run(_prepare(stage, people, number))
            # The events of the plans would plan them too, and these runs have their own.
            stage.database.medication_plans.update_many({}, {"$unset": {"outbox": ""}})
            stage.database.reminders.update_many({}, {"$set": {"due_at": HELD}})
            yield Waiting(stage, random.Random(seed), ids, {})


async def _prepare(stage: Stage, people: Sequence[Person], number: int) -> list[str]:
    app = await stage.build()
    try:
        made_at = app.clock.now() - timedelta(days=2 * MAX_DAYS)
        cards = [await _card(app, person, made_at) for person in people]
        sealer = app.services.medications._store._sealer
        plans = MedicationStore(app.mongo.collection("medication_plans"), sealer)
        store = ReminderStore(app.mongo.collection("reminders"))
        reminders: list[Reminder] = []
        while len(reminders) < number:
            start = len(reminders)
            card = cards[start % len(cards)]
            item = Item(1, "made-up tablets", "1", "x", TIMES_A_DAY, "none", MAX_DAYS)
            plan = Plan(
                *(new_id(app.clock.now()), card.card_id, None, "h", "The first hospital", f"R-{start}"),
                *(made_at.date(), (item,), Meals(), made_at),
            )
            await plans.insert(plan)
            reminders += [_reminder(card, plan, dose.at) for dose in plan.doses()[: number - start]]
        await store.insert_each(reminders)
        return [one.reminder_id for one in reminders]
    finally:
        await app.stop()


def _reminder(card: Card, plan: Plan, at: datetime) -> Reminder:
    subject = f"{plan.plan_id}-{at:%Y%m%dT%H%M}"
    stale_at = datetime.now(UTC) + timedelta(days=1)
    data = {"plan_id": plan.plan_id}
    return Reminder(
        f"{subject}|{BEFORE_ALL}", subject, BEFORE_ALL, "medication_due", card.card_id, at, stale_at, data
    )


async def _card(app: composition.App, person: Person, at: datetime) -> Card:
    holder = Holder(person.name, "female", at.date(), "01", person.id_no, person.phone)
    tie = Tie(new_id(at), "self", at, None)
    card = Card(new_id(app.clock.now()), new_ehealth_card_id(), Status.ACTIVE, holder, new_id(at), (tie,), at)
    await app.services.cards._store.insert(card, f"k-{card.card_id}", at)
    return card


# -- F18 and F19
def kill_in_ticks(seed: int, say: Say, *, times: int, reminders: int) -> Outcome:
    """Each failpoint × `times` with a batch due; then two workers and cancels over the rest."""
    outcome = Outcome("kill -9 inside a tick of reminders; two workers; cancels", seed)
    with waiting(seed, reminders) as on:
        missed: list[str] = []
        worker: Child | None = None
        for passage in FAILPOINTS:
            for _ in range(times):
                on.release(min(BATCH, max(1, reminders // (2 * times * len(FAILPOINTS)))))
                on.let_leases_end()
                if worker is None:
                    worker = on.stage.worker("worker-armed", EHC_FAILPOINT=passage)
                else:
                    worker.env["EHC_FAILPOINT"] = passage
                    worker.start()
                _wait_for_end(worker)
                worker.terminate()
                if worker.returncode != KILLED:
                    missed.append(f"the worker was not killed at {passage}")
            say(f"{passage} × {times}")
        outcome.trials = len(FAILPOINTS) * times - len(missed)
        outcome.findings["every failpoint kills"] = Finding(len(FAILPOINTS) * times, missed)
        on.let_leases_end()
        both = [on.stage.worker("worker-a"), on.stage.worker("worker-b")]
        asyncio.run(_cancel_some(on, reminders // 20))
        on.release(reminders)
        wait_until(lambda: on.is_done(on.ids), DRAIN_S, "the reminders")
        assert all(one.is_running for one in both)
        outcome.findings["I8 each reminder once, none early, none after a cancel"] = check(on)
        in_time = [] if on.cancelled else ["no cancel was in time: nothing was seen of them"]
        outcome.findings["some cancels are in time"] = Finding(reminders // 20, in_time)
        outcome.figures |= {"reminders": reminders, "cancelled": len(on.cancelled), "states": _states(on)}
    return outcome


async def _cancel_some(on: Waiting, number: int) -> None:
    """Lets some become due and cancels each in about that moment, while two workers run."""
    app = await on.stage.build()
    try:
        store = ReminderStore(app.mongo.collection("reminders"))
        for reminder_id in on.release(number):
            now = app.clock.now()
            event = Event(new_id(now), "medication.ended", now, {})
            if await store.end_before(reminder_id.partition("|")[0], event):
                on.cancelled[reminder_id] = datetime.now(UTC)
    finally:
        await app.stop()


def pause_owners(seed: int, say: Say, *, pauses: int) -> Outcome:
    """A worker stops between its claim and its writing, another takes over after the lease, it wakes."""
    outcome = Outcome("owners of reminders paused beyond their lease", seed, trials=pauses)
    with waiting(seed, pauses * BATCH) as on:
        other = on.stage.worker("worker-other")
        wait_until(lambda: "working" in other.log_text(), WORK_S, "the other worker")
        other.pause()
        owner = on.stage.worker("worker-paused", built_in="pause-after-claim")
        for number in range(pauses):
            batch = on.release(BATCH)
            wait_until(lambda: _is_stopped(owner), WORK_S, "the owner, paused,")
            on.let_leases_end()
            other.resume()
            wait_until(lambda: on.is_done(batch), WORK_S, "the other worker")  # noqa: B023
            other.pause()
            owner.resume()
            say(f"paused {number + 1} of {pauses}")
        owner.kill()
        other.resume()
        outcome.findings["I8 each reminder once, none early, none after a cancel"] = check(on)
        outcome.figures |= {"reminders": len(on.ids), "states": _states(on)}
    return outcome


# -- F20
def days_of_downtime(seed: int, say: Say, *, due: int) -> Outcome:
    """`due` reminders of three days, found by two workers at once: what is stale is dropped and told of once
    for a subject, the rest is sent."""
    outcome = Outcome("three days down, then catch up", seed, trials=due)
    with waiting(seed, due) as on:
        fresh = set(_spread_over_three_days(on))
        started_at = time.monotonic()
        for name in ("worker-a", "worker-b"):
            on.stage.worker(name)
        wait_until(lambda: on.is_done(on.ids), DRAIN_S, "the reminders")
        took_s = round(time.monotonic() - started_at, 1)
        told = asyncio.run(_messages(on.stage))
        sent, missed = _by_kind(told)
        states = _states(on)
        problems = [f"{states} for {len(fresh)} fresh ones"] if states["sent"] != len(fresh) else []
        problems += [f"{one} was not sent once" for one in fresh if sent[one] != 1][:10]
        problems += [f"{one} was stale and sent" for one in sent if one not in fresh][:10]
        if sum(missed) != states["dropped"]:
            problems.append(f"{states['dropped']} were dropped, {sum(missed)} told of")
        subjects = len({row["subject"] for row in on.rows.find({"state": "dropped"}, {"subject": 1})})
        if len(missed) != subjects:
            problems.append(f"{subjects} subjects had stale ones, {len(missed)} messages say so")
        outcome.findings["I8 after downtime"] = Finding(due, problems)
        outcome.figures |= {"due": due, "states": states, "caught_up_s": took_s, "told_of": len(missed)}
        say(f"{due} caught up in {took_s} s: {states}")
    return outcome


def _spread_over_three_days(on: Waiting) -> list[str]:
    """Due at some time of the last three days, stale an hour later, five to a subject; those of the last
    hour, which are still of use, come back."""
    now, fresh = datetime.now(UTC), []
    for number, reminder_id in enumerate(on.ids):
        due_at = now - timedelta(seconds=on.rng.uniform(0, 3 * 86_400))
        stale_at = due_at + timedelta(hours=1)
        # What becomes stale while the workers catch up would be neither here nor there.
        if timedelta(0) < stale_at - now < timedelta(minutes=20):
            stale_at = now + timedelta(minutes=20)
        if stale_at > now:
            fresh.append(reminder_id)
        change = {
            "due_at": due_at,
            "stale_at": stale_at,
            "released_at": due_at,
            "subject": f"s-{number // 5}",
        }
        on.rows.update_one({"_id": reminder_id}, {"$set": change})
    return fresh


# -- what must hold
def check(on: Waiting) -> Finding:
    """Everybody has each reminder exactly once, not before it was due; one that was cancelled in time not."""
    told = asyncio.run(_messages(on.stage))
    sent, _ = _by_kind(told)
    due = {row["_id"]: row.get("released_at", HELD) for row in on.rows.find({}, {"released_at": 1})}
    problems = []
    for reminder_id in on.ids:
        expected = 0 if reminder_id in on.cancelled else 1
        if sent[reminder_id] != expected:
            problems.append(f"{reminder_id} was told {sent[reminder_id]} times, not {expected}")
    for message in told:
        reminder_id = message.data["reminder_id"]
        if message.created_at < due[reminder_id] - timedelta(milliseconds=1):
            problems.append(f"{reminder_id} came early")
    deliveries = on.stage.database.deliveries.count_documents({})
    if deliveries != len(told):
        problems.append(f"{len(told)} messages have {deliveries} deliveries")
    return Finding(len(on.ids), problems[:20])


async def _messages(stage: Stage) -> list[Any]:
    app = await stage.build()
    try:
        store = app.services.messages._store
        return [store._message(row) async for row in app.mongo.collection("messages").each({})]
    finally:
        await app.stop()


def _by_kind(told: Sequence[Any]) -> tuple["Counter[str]", list[int]]:
    """How often each reminder was told, and the counts in the messages about missed ones."""
    sent = Counter(one.data["reminder_id"] for one in told if one.kind == "medication_due")
    return sent, [int(one.data["count"]) for one in told if one.kind == "reminder_missed"]


def _states(on: Waiting) -> "Counter[str]":
    return Counter(row["state"] for row in on.rows.find({}, {"state": 1}))


def _is_stopped(child: Child) -> bool:
    return Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def _wait_for_end(child: Child) -> None:
    deadline = time.monotonic() + WORK_S
    wait_until(lambda: not child.is_running or time.monotonic() > deadline, WORK_S + 1)
