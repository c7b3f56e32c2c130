"""(a) kill -9 at every failpoint.  Which there are is learnt from a run, never from a list kept by hand."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.faults.checkers import Finding
from tests.faults.clients import in_parallel
from tests.faults.processes import Child, wait_until
from tests.faults.runs import Outcome, Say, Set, new_set
from tests.faults.trips import Trips

KILLED = -9
AT_STOP = "audit_directory.update"  # every half minute too, and no run waits for that
MAX_TRIPS = 12
CLAIMS_EACH = 2  # one with the right name, one with a wrong one
HELD_AT_ONCE = 10
DEEPEST = 5  # passage: each one deeper needs one more piece of work held back for that kill
HELD = datetime(2999, 1, 1, tzinfo=UTC)
RELEASES = 4
WORK_S = 60.0  # a start on a busy machine, and a turn
Passages = Mapping[str, int]


@dataclass(frozen=True)
class Failpoints:
    """How often one trip passes each failpoint, by process; `at_start` are passed before it is ready."""

    serve: Passages
    worker: Passages
    at_start: Passages

    def only(self, beginning: str) -> "Failpoints":
        """Those whose name begins so."""

        def chosen(passages: Passages) -> Passages:
            return {name: count for name, count in passages.items() if name.startswith(beginning)}

        return Failpoints(chosen(self.serve), chosen(self.worker), chosen(self.at_start))

    def one_side(self, seed: int) -> "Failpoints":
        """Of each write either before or after it, as the seed has it."""

        def chosen(passages: Passages) -> Passages:
            kept = one_side(passages, seed)
            return {name: count for name, count in passages.items() if name in kept}

        return Failpoints(chosen(self.serve), chosen(self.worker), chosen(self.at_start))


def one_side(names: Iterable[str], seed: int) -> set[str]:
    """Of each write its `before` or its `after`, and every name that is neither."""
    names = set(names)
    sided = {name for name in names if name.rpartition(".")[2] in ("before", "after")}
    writes = sorted({name.rpartition(".")[0] for name in sided})
    sides = {f"{write}.{('before', 'after')[(seed + place) % 2]}" for place, write in enumerate(writes)}
    return names & sides | names - sided


def discover(on: Set, trips: Trips) -> Failpoints:
    """One trip without faults, recorded.  Leaves the stage with a holder and undelivered events."""
    serve_file, worker_file = on.stage.folder / "serve.passages", on.stage.folder / "worker.passages"
    start_file = on.stage.folder / "start.passages"
    new = {"MONGODB_DATABASE": "ehc_new", "EHC_FAILPOINT_RECORD": str(start_file)}
    on.stage.serve("serve-new-recorded", **new)[0].terminate()  # type: ignore[arg-type]
    serve, on.clients.url = on.stage.serve("serve-recorded", EHC_FAILPOINT_RECORD=str(serve_file))
    at_start = _counts(serve_file)
    on.clients.run(trips.go())
    leave_claims(on, trips, 2)
    worker = on.stage.worker("worker-recorded", EHC_FAILPOINT_RECORD=str(worker_file))
    wait_until(on.stage.is_drained, 30, "the outbox, drained,")
    on.clients.run(trips.go())  # now there are messages to read
    serve.terminate()
    worker.terminate()
    return Failpoints(
        serve=_counts(serve_file) - at_start,
        worker=_counts(worker_file) - at_start,
        at_start=_counts(start_file),
    )


def kill_at_failpoints(
    seed: int, say: Say, *, times: int, waits: bool, starts: bool, only: str = "", both_sides: bool = True
) -> Outcome:
    """Each failpoint × `times`; the n-th kill is at its n-th passage, as far as a trip has so many and not
    beyond the fifth, then from the first on again.
    `starts`: also those that are passed while a process starts on a new database.  `only`: a beginning of
    the names.  Without `both_sides` each write is killed before it or after it."""
    outcome = Outcome("kill -9 at every failpoint", seed)
    with new_set(2_500 + 900 * times, seed, code_refresh_s=10) as on:
        trips = Trips(on.clients, on.people)
        found = discover(on, trips).only(only)
        if not both_sides:
            found = found.one_side(seed)
        port = int(on.clients.url.rsplit(":", 1)[1])
        started_at = time.monotonic()
        _hold_work(on, trips, found.worker, times, port)
        with ThreadPoolExecutor(1) as beside:  # a worker mostly waits for its next tick
            workers = beside.submit(_kill_worker, on, found.worker, times, say)
            missed = _kill_serve(on, trips, found.serve, times, port, say)
            missed += workers.result()
        _release_work(on, on.stage.database.usages.count_documents({}))
        missed += _kill_at_start(on, found.at_start if starts else {}, times, say)
        names = [*found.serve, *found.worker, *(found.at_start if starts else ())]
        outcome.trials = len(names) * times - len(missed)
        outcome.figures |= {
            "failpoints": {
                "serve": len(found.serve),
                "worker": len(found.worker),
                "start": len(found.at_start),
            },
            "kills": outcome.trials,
            "kills_s": round(time.monotonic() - started_at, 1),
        }
        outcome.findings["every failpoint kills"] = Finding(len(names) * times, missed)
        on.settle_and_check(outcome, waits=waits, port=port)
    return outcome


def _nth(number: int, count: int) -> int:
    """Which passage the kill of this number is at."""
    return number % min(count, DEEPEST) + 1


def _kill_serve(on: Set, trips: Trips, names: Passages, times: int, port: int, say: Say) -> list[str]:
    missed: list[str] = []
    trip: Future[Any] | None = None
    serve: Child | None = None
    for name, count in sorted(names.items()):
        for number in range(times):
            passage = f"{name}:{_nth(number, count)}"
            if serve is None:
                serve, _ = on.stage.serve("serve-armed", port=port, ready=False, EHC_FAILPOINT=passage)
            else:
                serve.env["EHC_FAILPOINT"] = passage
                serve.start()
            for _ in range(MAX_TRIPS):
                if trip is None or trip.done():
                    trip = on.clients.spawn(trips.go())  # type: ignore[assignment]
                going = trip
                wait_until(lambda: not serve.is_running or going.done(), 60, "the trip")  # noqa: B023
                if not serve.is_running or name.startswith(AT_STOP):
                    break
            serve.terminate()  # what is only passed when a process stops is passed now
            if serve.returncode != KILLED:
                missed.append(f"serve was not killed at {passage}")
        say(f"serve: {name} × {times}")
    if trip is not None:
        serve, _ = on.stage.serve("serve-rest", port=port)
        trip.result(60)
        serve.terminate()
    return missed


def _kill_worker(on: Set, names: Passages, times: int, say: Say) -> list[str]:
    missed: list[str] = []
    worker: Child | None = None
    for name, count in sorted(names.items()):
        for number in range(times):
            nth = _nth(number, count)
            _release_work(on, nth)
            if worker is None:
                worker = on.stage.worker("worker-armed", EHC_FAILPOINT=f"{name}:{nth}")
            else:
                worker.env["EHC_FAILPOINT"] = f"{name}:{nth}"
                worker.start()
            if name.startswith(AT_STOP):
                wait_until(lambda: _has_chain(on, worker), WORK_S, "the worker's chain")  # noqa: B023
            for _ in range(RELEASES):  # what was released may hold none of the kind that passes it
                if name.startswith(AT_STOP) or _has_ended(worker, WORK_S / RELEASES):
                    break
                _release_work(on, nth)
            worker.terminate()
            if worker.returncode != KILLED:
                missed.append(f"worker was not killed at {name}:{nth}")
        say(f"worker: {name} × {times}")
    return missed


def _has_chain(on: Set, worker: Child) -> bool:
    mine = {"writer": {"$regex": f":{worker.pid}$"}}
    return on.stage.database.audit_directory.find_one(mine) is not None


def _hold_work(on: Set, trips: Trips, names: Passages, times: int, port: int) -> None:
    """Pending claims and untold uses for every worker that will be killed, kept back until its turn."""
    number = RELEASES + sum(_nth(n, count) for count in names.values() for n in range(times))
    serve, _ = on.stage.serve("serve-before", port=port)
    for _ in range(-(-number // HELD_AT_ONCE)):
        leave_claims(on, trips, CLAIMS_EACH * HELD_AT_ONCE)
    serve.terminate()
    for name, due in (("cards", "next_try_at"), ("usages", "outbox.due_at")):
        on.stage.database[name].update_many({due: {"$exists": True}}, {"$set": {due: HELD}})


def _release_work(on: Set, number: int) -> None:
    now = datetime.now(UTC)
    for name, due in (("cards", "next_try_at"), ("usages", "outbox.due_at")):
        held = on.stage.database[name].find({due: HELD}, {"_id": 1}, limit=CLAIMS_EACH * number)
        ids = [row["_id"] for row in held]
        on.stage.database[name].update_many({"_id": {"$in": ids}}, {"$set": {due: now}})


def _kill_at_start(on: Set, names: Passages, times: int, say: Say) -> list[str]:
    """Killed while it prepares a new database; the next start must find its way."""
    missed: list[str] = []
    for index, name in enumerate(sorted(names)):
        for number in range(times):
            new = {"MONGODB_DATABASE": f"ehc_new_{index}_{number}"}
            serve, _ = on.stage.serve("serve-new", ready=False, EHC_FAILPOINT=f"{name}:1", **new)
            _has_ended(serve, 30)
            if serve.returncode != KILLED:
                missed.append(f"serve was not killed at {name} while starting")
            serve.kill()
            serve, _ = on.stage.serve("serve-new-again", **new)
            serve.terminate()
            on.stage.database.client.drop_database(new["MONGODB_DATABASE"])
        say(f"start: {name} × {times}")
    return missed


def leave_claims(on: Set, trips: Trips, number: int) -> None:
    """`number` pending claims that are due, and as many uses that wait to be told."""

    async def scan() -> None:
        await trips.scan(trips.holders[0])

    sources = ("real_name", "mobile")  # either of them would refuse the wrong names at once
    for source in sources:
        on.stage.fault(source, refuse=503)
    pairs = [lambda: trips.claim_for_later(CLAIMS_EACH)] * (number // CLAIMS_EACH)
    on.clients.run(in_parallel([*pairs, *[scan] * number], 6))
    for source in sources:
        on.stage.fault(source)
    on.stage.make_claims_due()


def _has_ended(child: Child, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    wait_until(lambda: not child.is_running or time.monotonic() > deadline, within_s + 1)
    return not child.is_running


def _counts(file: Path) -> "Counter[str]":
    return Counter(file.read_text().split()) if file.exists() else Counter()
