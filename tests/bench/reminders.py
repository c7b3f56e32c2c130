"""`python -m tests.bench.reminders 100000`: sending due reminders against the raw claim loop on those rows.

The raw loop does what nobody can do without: claim one row, store one message, mark the row, each a
journaled write of a majority.  Ours besides asks whether the reminder is still wanted and by whom, seals the
message, begins its delivery, and makes message and mark one.  The other figures are an idle tick's queries.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from push.reminders.model import Reminder
from push.reminders.scheduler import BATCH, ReminderScheduler
from push.reminders.store import ReminderStore
from server import app as composition
from server.cards.model import Card, Holder, Status, Tie, new_ehealth_card_id
from server.core.due import claim_one
from server.core.ids import new_id
from server.core.mongod import EmbeddedMongod
from server.core.observability import configure_logging
from server.medications.model import MAX_DAYS, Item, Meals, Plan
from server.settings import Settings

AT_ONCE = 8
LEASE = timedelta(seconds=60)
TIMES_A_DAY = 6


async def rows_of(app: composition.App, number: int) -> list[Reminder]:
    """`number` due reminders of medicine, 540 to a plan, each plan of a card of its own."""
    made_at, found = app.clock.now() - timedelta(days=2 * MAX_DAYS), []
    while len(found) < number:
        holder = Holder("欧阳雨桐", "female", made_at.date(), "01", "990101199003070028", "19800000001")
        card = Card(
            *(new_id(app.clock.now()), new_ehealth_card_id(), Status.ACTIVE, holder, new_id(made_at)),
            *((Tie(new_id(made_at), "self", made_at, None),), made_at),
        )
        await app.services.cards._store.insert(card, card.card_id, made_at)
        item = Item(1, "made-up tablets", "1", "x", TIMES_A_DAY, "none", MAX_DAYS)
        plan = Plan(
            *(new_id(app.clock.now()), card.card_id, None, "h", "The first hospital", card.card_id),
            *(made_at.date(), (item,), Meals(), made_at),
        )
        await app.services.medications._store.insert(plan)
        stale_at, data = datetime.now(UTC) + timedelta(days=1), {"plan_id": plan.plan_id}
        for dose in plan.doses():
            name = f"{plan.plan_id}|1|{dose.at:%Y%m%dT%H%M}"
            found.append(
                Reminder(name, plan.plan_id, "1", "medication_due", card.card_id, dose.at, stale_at, data)
            )
    return found[:number]


async def raw_loop(app: composition.App, number: int) -> float:
    """How many a second the three bare writes do, AT_ONCE at once, for `number` of the rows."""
    rows, calls = app.mongo.collection("reminders"), app.mongo.collection("raw_calls")
    left = number

    async def loop() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            row = await claim_one(rows, {}, app.clock.now(), LEASE)
            assert row is not None
            await calls.insert({"_id": row["_id"]})
            done: dict[str, Any] = {"$set": {"state": "sent"}, "$unset": {"due_at": "", "claim": ""}}
            await rows.update({"_id": row["_id"], "claim": row["claim"]}, done)

    started = time.perf_counter()
    await asyncio.gather(*(loop() for _ in range(AT_ONCE)))
    return number / (time.perf_counter() - started)


async def ours(app: composition.App, number: int, batch: int) -> float:
    """How many a second the scheduler sends, AT_ONCE loops for single rows, one loop for batches."""
    sending = app.services.reminders
    one = ReminderScheduler(
        *(sending._store, sending._teller, sending._find_card, sending._still_wanted),
        *(sending._in_transaction, sending._clock),
        batch=batch,
    )
    done = 0

    async def loop() -> None:
        nonlocal done
        while done < number:
            sent = await one.send_due()
            done += sent
            if not sent:
                break

    started = time.perf_counter()
    await asyncio.gather(*(loop() for _ in range(AT_ONCE if batch == 1 else 1)))
    return done / (time.perf_counter() - started)


async def main(number: int, singles: int, rounds: int) -> dict[str, Any]:
    configure_logging("error")
    with tempfile.TemporaryDirectory(prefix="ehc-bench-") as folder, EmbeddedMongod(folder) as mongod:
        values: dict[str, Any] = {
            "environment": "test",
            "mongodb_uri": mongod.uri,
            "mongodb_database": "bench",
            "master_key": "00112233445566778899aabbccddeeff",
            **{f"{name}_url": "http://127.0.0.1:9" for name in ("sms", "real_name")},
            **{f"{name}_{part}": "bench" for name in ("sms", "real_name") for part in ("app_id", "secret")},
        }
        app = await composition.build(Settings(**values))
        try:
            store = ReminderStore(app.mongo.collection("reminders"))
            reminders = await rows_of(app, number + 2 * rounds * singles)
            for start in range(0, len(reminders), 1000):
                await store.insert_each(reminders[start : start + 1000])
            pairs = [(await raw_loop(app, singles), await ours(app, singles, 1)) for _ in range(rounds)]
            batches = await ours(app, number, BATCH)
        finally:
            await app.stop()
    raw, single = (statistics.median(rates) for rates in zip(*pairs, strict=True))
    return {
        "due": number,
        "raw_claim_loop_per_s": round(raw),
        "one_by_one_per_s": round(single),
        "batches_per_s": round(batches),
        "one_by_one_ratio": round(statistics.median(ours / raw for raw, ours in pairs), 2),
        "batches_ratio": round(batches / raw, 2),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.reminders")
    parser.add_argument("due", type=int, nargs="?", default=100_000)
    parser.add_argument("--singles", type=int, default=200, help="of each round, one by one")
    parser.add_argument("--rounds", type=int, default=15)
    chosen = parser.parse_args()
    print(json.dumps(asyncio.run(main(chosen.due, chosen.singles, chosen.rounds)), indent=1))
