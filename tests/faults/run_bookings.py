"""(i) kill -9 at every write of a booking (M1, M2, M7): of the process that takes it, and of the worker.

Both die again and again beside each other while rounds of bookings go on: the worker takes up what the other
left, and the other way round.  At the end the contended slot is sold out: no place may be lost, none sold
twice.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.faults.bookings import PEOPLE, PLACES, Bookings, open_hospitals
from tests.faults.checkers import Finding
from tests.faults.processes import Child, wait_until
from tests.faults.runs import DRAINED_S, Outcome, Say, Set, new_set

KILLED = -9
NOUNS = ("appointments.", "slot_pools.", "idempotency.")
FOLLOWING = "visits."
MAX_ROUNDS = 6
ROUND_S, WORK_S = 180.0, 90.0  # a start on a busy machine, and as many rounds as it takes
CATCH_UP_S = 600.0
LEARNT_IN = 2


def kill_at_bookings(seed: int, say: Say, *, times: int, waits: bool, follows: bool) -> Outcome:
    """Each failpoint × `times`; the n-th kill is at its n-th passage, as far as a round has so many.
    `follows`: also where the worker begins and ends the visits that follow."""
    outcome = Outcome("kill -9 at every write of a booking", seed)
    with new_set(PEOPLE, seed) as on:
        asyncio.run(open_hospitals(on.stage))
        serve, on.clients.url = on.stage.serve("serve-learning", **_recorded(on, "serve"))
        port = int(on.clients.url.rsplit(":", 1)[1])
        bookings = Bookings(on)
        names = _learn(on, bookings, serve, (*NOUNS, FOLLOWING) if follows else NOUNS)
        killing = Killing(on, bookings, port, times, say)
        started_at = time.monotonic()
        with ThreadPoolExecutor(1) as beside:
            workers = beside.submit(killing.kill_worker, names["worker"])
            killing.kill_serve(names["serve"])
            killing.go_on_until(workers)
        kills_s = round(time.monotonic() - started_at, 1)
        wanted = sum(len(found) for found in names.values()) * times
        outcome.trials = wanted - len(killing.missed)
        outcome.findings["every failpoint kills"] = Finding(wanted, killing.missed)
        on.clients.settle()
        caught_up_s = _catch_up(on)
        outcome.figures |= {
            "failpoints": {name: len(found) for name, found in names.items()},
            "kills": outcome.trials,
            "kills_s": kills_s,
            "rounds": killing.rounds,
            "caught_up_s": caught_up_s,
        }
        sold = on.clients.run(bookings.sell_out())
        outcome.findings["I4 sold out to the last place"] = Finding(PLACES, sold)
        on.settle_and_check(outcome, waits=waits, port=port)
    return outcome


def _catch_up(on: Set) -> float:
    """How many seconds the worker took for what all the rounds had left it while it kept dying."""
    started_at = time.monotonic()
    wait_until(on.stage.is_drained, CATCH_UP_S, "what the rounds had left")
    return round(time.monotonic() - started_at, 1)


def _recorded(on: Set, name: str) -> dict[str, Any]:
    return {"EHC_FAILPOINT_RECORD": str(_record(on, name))}


def _record(on: Set, name: str) -> Path:
    return on.stage.folder / f"{name}.passages"


def _learn(on: Set, bookings: Bookings, serve: Child, nouns: tuple[str, ...]) -> dict[str, "Counter[str]"]:
    """How often one round passes each failpoint, by process; both processes are ended."""
    worker = on.stage.worker("worker-learning", **_recorded(on, "worker"))
    on.clients.run(bookings.open())
    _record(on, "serve").write_text("")
    for _ in range(LEARNT_IN):
        on.clients.run(bookings.round())
    wait_until(on.stage.is_drained, DRAINED_S, "the outbox, drained,")
    found = {name: Counter(_record(on, name).read_text().split()) for name in ("serve", "worker")}
    serve.terminate()
    worker.terminate()
    return {name: Counter(dict(_of_bookings(passed, nouns))) for name, passed in found.items()}


def _of_bookings(passed: "Counter[str]", nouns: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    """The failpoints of booking, and how often one round passes each; a start has a run of its own."""
    for name, number in passed.items():
        if name.startswith(nouns) and ".create_indexes." not in name:
            yield name, -(-number // LEARNT_IN)


@dataclass
class Killing:
    """Rounds that go on while their processes die."""

    on: Set
    bookings: Bookings
    port: int
    times: int
    say: Say
    missed: list[str] = field(default_factory=list)
    rounds: int = 0
    _going: "Future[Any] | None" = None

    def kill_serve(self, names: "Counter[str]") -> None:
        serve: Child | None = None
        for name, count in sorted(names.items()):
            for number in range(self.times):
                passage = f"{name}:{number % count + 1}"
                if serve is None:
                    serve, _ = self.on.stage.serve(
                        "serve-armed", port=self.port, ready=False, EHC_FAILPOINT=passage
                    )
                else:
                    serve.env["EHC_FAILPOINT"] = passage
                    serve.start()
                for _ in range(MAX_ROUNDS):
                    self._round_until(lambda: not serve.is_running)  # noqa: B023
                    if not serve.is_running:
                        break
                serve.terminate()
                if serve.returncode != KILLED:
                    self.missed.append(f"serve was not killed at {passage}")
                self._let_requests_end()
            self.say(f"serve: {name} × {self.times}")

    def kill_worker(self, names: "Counter[str]") -> None:
        worker: Child | None = None
        for name, count in sorted(names.items()):
            for number in range(self.times):
                self.on.stage.let_workers_leases_end()
                passage = f"{name}:{number % count + 1}"
                if worker is None:
                    worker = self.on.stage.worker("worker-armed", EHC_FAILPOINT=passage)
                else:
                    worker.env["EHC_FAILPOINT"] = passage
                    worker.start()
                deadline = time.monotonic() + WORK_S
                wait_until(lambda: not worker.is_running or time.monotonic() > deadline, WORK_S + 1)  # noqa: B023
                worker.terminate()
                if worker.returncode != KILLED:
                    self.missed.append(f"worker was not killed at {passage}")
            self.say(f"worker: {name} × {self.times}")

    def go_on_until(self, workers: "Future[None]") -> None:
        """A process that nobody kills serves what is left of the rounds, and more while workers die."""
        self.on.stage.serve("serve-rest", port=self.port)
        while not workers.done():
            self._round_until(workers.done)
        workers.result()
        self.on.stage.let_workers_leases_end()
        self.on.stage.worker("worker-rest")  # here: a child dies with the thread that started it
        if self._going is not None:
            self._going.result(ROUND_S)

    def _round_until(self, is_enough: Any) -> None:
        """Until then, or until the round that is under way is over."""
        if self._going is None or self._going.done():
            if self._going is not None:
                self._going.result()
            self._going = self.on.clients.spawn(self.bookings.round())  # type: ignore[assignment]
            self.rounds += 1
        going = self._going
        wait_until(lambda: is_enough() or going.done(), ROUND_S, "the round")

    def _let_requests_end(self) -> None:
        """What half a minute would do to the keys the killed process was at work on."""
        self.on.stage.database.idempotency.update_many(
            {"answer": {"$exists": False}}, {"$set": {"lease_until": datetime.now(UTC)}}
        )
