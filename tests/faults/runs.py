"""The runs: what is done to the platform, and what came of it.  Each starts on an empty stage.

Every run returns an `Outcome`; a run whose `problems` is not empty has found a fault of the platform.
"""

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest_mongod import scratch_root
from tests.faults.checkers import Finding
from tests.faults.clients import Clients, in_parallel
from tests.faults.cold import check_cold, losses
from tests.faults.history import History, Operation
from tests.faults.load import MixedLoad
from tests.faults.people import Person, make_people
from tests.faults.processes import wait_until
from tests.faults.stage import Stage

DRAINED_S = 60.0
# As rarely as mongod takes it: what nobody asked to be journaled is at risk for half a second.
RARELY_FLUSHED = ("--journalCommitInterval", "500")
Say = Callable[[str], None]


@dataclass
class Outcome:
    """`trials` is what N means for this run; nothing seen in N trials bounds the rate at 3/N."""

    name: str
    seed: int
    trials: int = 0
    figures: dict[str, Any] = field(default_factory=dict)
    findings: dict[str, Finding] = field(default_factory=dict)

    @property
    def problems(self) -> list[str]:
        return [f"{name}: {problem}" for name, found in self.findings.items() for problem in found.problems]

    def as_json(self) -> dict[str, Any]:
        checks = {
            name: {
                "cases": found.cases,
                "failures": len(found.problems),
                "rate_below": None if found.problems or not found.cases else round(3 / found.cases, 7),
            }
            for name, found in self.findings.items()
        }
        return {"seed": self.seed, "trials": self.trials, **self.figures, "checks": checks}


@dataclass
class Set:
    """One stage with its clients and its history."""

    stage: Stage
    people: list[Person]
    clients: Clients
    history: History

    def settle_and_check(self, outcome: Outcome, *, waits: bool, port: int) -> None:
        """Healthy again: asks for what is unknown, repeats keys, awaits the outbox, looks at it cold.

        `waits`: leases end in their own time; else that time is taken out of the database.
        """
        healed_at = time.monotonic()
        self.stage.kill_all()
        if not waits:
            self.stage.let_leases_end()
        self.stage.serve("serve-healed", port=port)
        self.stage.worker("worker-healed")
        self.clients.settle()
        outcome.figures["settled_s"] = round(time.monotonic() - healed_at, 1)
        repeat_some(self.clients, outcome)
        try:
            wait_until(self.stage.is_drained, DRAINED_S)
        except AssertionError as late:
            raise AssertionError("; ".join(self.stage.undrained())) from late
        outcome.figures["drained_s"] = drained_s = round(time.monotonic() - healed_at, 1)
        late = [f"it took {drained_s} s"] if drained_s > DRAINED_S else []
        outcome.findings["I13 drained within a minute"] = Finding(1, late)
        outcome.findings.update(check_cold(self.stage, self.history, self.people))
        outcome.findings["answers are sane"] = Finding(
            len(self.history.operations), sorted(set(self.clients.failures))
        )
        outcome.figures |= {
            "operations": len(self.history.operations),
            "operations_acknowledged": self.history.acknowledged,
            "acknowledgements": self.history.acknowledgements,
            "attempts_without_answer": self.history.unanswered,
        }


@contextmanager
def new_set(people: int, seed: int, **stage: Any) -> Iterator[Set]:
    """A stage in a folder of its own; its clients still need an address."""
    with tempfile.TemporaryDirectory(prefix="ehc-faults-", dir=scratch_root()) as folder:
        crowd = make_people(people, seed)
        with Stage(Path(folder), crowd, **stage) as standing:
            clients = Clients(standing, "", history := History(), seed)
            try:
                yield Set(standing, crowd, clients, history)
            finally:
                clients.stop()


def repeat_some(clients: Clients, outcome: Outcome, at_most: int = 300) -> None:
    """I7, on purpose: the same key again gives the same bytes, with another body it is refused."""
    keyed = [one for one in clients.history.operations if one.kind != "sign_in" and one.is_acknowledged]
    chosen = clients.rng.sample(keyed, min(at_most, len(keyed)))
    refused = 0

    async def repeat(one: Any) -> None:
        nonlocal refused
        await clients.attempt(one)
        other = {**one.about["body"], **_changed(one)}
        answer = await clients.attempt(one, other)
        refused += answer.error == "idempotency.key_reused"

    clients.run(in_parallel([lambda one=one: repeat(one) for one in chosen]))  # type: ignore[misc]
    problems = (
        [] if refused == len(chosen) else [f"{len(chosen) - refused} keys were taken with another body"]
    )
    outcome.findings["I7 a key with another body"] = Finding(len(chosen), problems)


def _changed(one: Operation) -> dict[str, Any]:
    """What is otherwise in another body."""
    if one.kind == "tell":
        return {"events": one.about["body"]["events"][:1]}
    if one.kind in ("book", "cancel"):
        return {"slot_id": "clinic:D:20260101:s"}
    return {"scene": "0101014"} if one.kind == "verify" else {"phone": "19800000001"}


# -- (b) kill -9 of serve and worker under mixed load
def kill_processes(seed: int, say: Say, *, operations: int, kills: int, waits: bool) -> Outcome:
    outcome = Outcome("kill -9 of serve and worker under load", seed, trials=kills)
    rng = random.Random(seed)
    with new_set(operations, seed) as on:
        serve, on.clients.url = on.stage.serve()
        worker = on.stage.worker()
        port = int(on.clients.url.rsplit(":", 1)[1])
        load = MixedLoad(on.clients, on.people, operations)
        finished = load.start()
        started_at, killed = time.monotonic(), {"serve": 0, "worker": 0}
        for number in range(kills):
            due = rng.uniform(number + 0.1, number + 0.9) * operations / kills
            _await_done(load, finished, due)
            victim = rng.choice((serve, serve, worker))
            victim.kill()
            killed[victim.name] += 1
            victim.start()
            say(f"{load.done}/{operations} operations, killed {victim.name} ({number + 1}/{kills})")
        finished.result(300)
        outcome.figures |= {"kills": killed, "load_s": round(time.monotonic() - started_at, 1)}
        on.settle_and_check(outcome, waits=waits, port=port)
    return outcome


# -- (c) and (d) kill -9 of the database under load
def kill_database(
    seed: int, say: Say, *, acknowledgements: int, kills: int, waits: bool, unsafe: bool = False
) -> Outcome:
    """With `unsafe` writes it must be seen to lose; only the count of losses is looked at then."""
    name = "kill -9 of mongod under load" + (", unsafe writes" if unsafe else "")
    outcome = Outcome(name, seed, trials=kills)
    with new_set(200, seed, mongod_args=RARELY_FLUSHED) as on:
        serve, on.clients.url = on.stage.serve(built_in="unsafe-writes" if unsafe else None)
        worker = None if unsafe else on.stage.worker()
        port = int(on.clients.url.rsplit(":", 1)[1])
        load = MixedLoad(on.clients, on.people, 10**9, scans_only=True)
        load.open_cards(20)
        if unsafe:  # what the run itself needs must outlive the kill also without a journal
            on.clients.run(on.clients.verify("not a code"))
            on.stage.mongod.stop()
            on.stage.mongod.start()
        finished = load.start()
        started_at = time.monotonic()
        lost: list[str] = []
        for number in range(kills):
            _await_acknowledged(on.history, finished, (number + 1) * acknowledgements // (kills + 1))
            on.stage.mongod.kill()
            on.stage.mongod.start()
            lost = losses(on.stage, on.history)
            say(f"{on.history.acknowledgements} acknowledgements, killed mongod ({number + 1}/{kills})")
        _await_acknowledged(on.history, finished, acknowledgements)
        load.stop()
        finished.result(300)
        outcome.figures |= {"kills": {"mongod": kills}, "load_s": round(time.monotonic() - started_at, 1)}
        if unsafe:
            outcome.figures |= {"lost": len(lost), "acknowledgements": on.history.acknowledgements}
            blind = [] if lost else ["unsafe writes lost nothing: a check that cannot fail is no check"]
            outcome.findings["the check can fail"] = Finding(on.history.acknowledgements, blind)
        else:
            assert serve.is_running, "a process outlives its database"
            assert worker is not None
            assert worker.is_running, "a process outlives its database"
            on.settle_and_check(outcome, waits=waits, port=port)
    return outcome


def _await_done(load: MixedLoad, finished: "Future[Any]", number: float) -> None:
    wait_until(lambda: load.done >= number or finished.done(), 300, "the load")


def _await_acknowledged(history: History, finished: "Future[Any]", number: int) -> None:
    wait_until(lambda: history.acknowledgements >= number or finished.done(), 300, "the load")
