"""No write without a failpoint: what was asked on the wire is what the failpoints were passed for."""

from collections import Counter
from pathlib import Path

import pytest

from tests.faults.processes import wait_until
from tests.faults.proxy import MongoProxy
from tests.faults.run_failpoints import leave_claims
from tests.faults.runs import new_set
from tests.faults.trips import Trips
from tests.faults.wire import Command

pytestmark = pytest.mark.faults

READS = {
    *("find", "getMore", "aggregate", "count", "killCursors"),
    *("hello", "isMaster", "ismaster", "ping", "serverStatus", "endSessions"),
}
OPERATIONS = {"findAndModify": "find_and_update", "createIndexes": "create_indexes"}
# Ends a transaction that changed nothing, and leaves nothing behind.
READS.add("abortTransaction")


def unmarked(commands: list[Command], passages: "Counter[str]") -> "Counter[str]":
    """The writes among `commands` for which no failpoint was passed before and after."""
    asked: Counter[str] = Counter()
    for command in commands:
        stages = command.body.get("pipeline", [])
        writes_out = command.name == "aggregate" and any({"$out", "$merge"} & set(s) for s in stages)
        if command.name not in READS or writes_out:
            operation = OPERATIONS.get(command.name, command.name)
            is_commit = command.name == "commitTransaction"
            asked["transaction.commit" if is_commit else f"{command.collection}.{operation}"] += 1
    marked = Counter({name: min(passages[f"{name}.before"], passages[f"{name}.after"]) for name in asked})
    return asked - marked


def test_every_write_on_the_wire_passed_its_failpoints() -> None:
    with new_set(60, 1) as on, MongoProxy("127.0.0.1", on.stage.mongod.port) as proxy:
        files = {name: on.stage.folder / f"{name}.passages" for name in ("serve", "worker")}
        trips = Trips(on.clients, on.people)
        serve, on.clients.url = on.stage.serve(uri=proxy.uri, EHC_FAILPOINT_RECORD=str(files["serve"]))
        on.clients.run(trips.go())
        leave_claims(on, trips, 2)
        worker = on.stage.worker(uri=proxy.uri, EHC_FAILPOINT_RECORD=str(files["worker"]))
        wait_until(on.stage.is_drained, 30, "the outbox, drained,")
        on.clients.run(trips.go())
        assert serve.terminate() == 0
        assert worker.terminate() == 0
        passages = sum((_counts(file) for file in files.values()), Counter())
        assert len(passages) > 60
        assert passages["transaction.commit.after"] >= 6, "persons were merged and un-merged"
        assert unmarked(proxy.commands, passages) == Counter()


def test_a_write_around_the_door_is_found() -> None:
    passages = Counter({"cards.insert.before": 1, "cards.insert.after": 1})
    insert = Command("insert", "cards", "ehc", {})
    assert unmarked([insert], passages) == Counter()
    assert unmarked([insert, insert], passages) == Counter({"cards.insert": 1})
    out = Command("aggregate", "cards", "ehc", {"pipeline": [{"$match": {}}, {"$out": "copies"}]})
    assert unmarked([out], passages) == Counter({"cards.aggregate": 1})
    assert unmarked([Command("bulkWrite", "", "admin", {})], passages) == Counter({".bulkWrite": 1})


def _counts(file: Path) -> "Counter[str]":
    return Counter(file.read_text().split())
