"""(e) The answer to a write is cut off after the database applied it: on each write path of the trip.

With the driver as it is, its own retry must hide the cut.  Without it the ambiguity reaches our code, which
must answer 503 and do the work once when it is asked again.
"""

import time
from collections.abc import Iterable

from tests.faults.checkers import Finding
from tests.faults.processes import Child, wait_until
from tests.faults.proxy import MongoProxy
from tests.faults.run_failpoints import Failpoints, discover, leave_claims
from tests.faults.runs import Outcome, Say, Set, new_set
from tests.faults.trips import Trips
from tests.faults.wire import is_command

COMMANDS = {"commit": "commitTransaction", "find_and_update": "findAndModify"}
CUT_S = 8.0


def cut_acknowledgements(seed: int, say: Say, *, times: int, waits: bool, driver_retries: bool) -> Outcome:
    """Each write path of claim and verify × `times`."""
    suffix = "the driver's retry" if driver_retries else "no driver retry"
    outcome = Outcome(f"acknowledgement cut, {suffix}", seed)
    built_in = None if driver_retries else "no-driver-retry"
    with new_set(1_000 + 300 * times, seed) as on:
        trips = Trips(on.clients, on.people)
        found = discover(on, trips)
        started_at = time.monotonic()
        with MongoProxy("127.0.0.1", on.stage.mongod.port) as proxy:
            serve, on.clients.url = on.stage.serve("serve-cut", uri=proxy.uri, built_in=built_in)
            worker = on.stage.worker("worker-cut", uri=proxy.uri, built_in=built_in)
            missed = _cut_each(on, trips, proxy, serve, found, times, say)
            assert serve.is_running and worker.is_running, "a cut connection ends no process"
            serve.kill()
            worker.kill()
            assert not proxy.failures, "the proxy could read what it passed on"
        paths = write_paths(found)
        outcome.trials = len(paths) * times - len(missed)
        outcome.figures |= {"paths": len(paths), "cuts_s": round(time.monotonic() - started_at, 1)}
        outcome.findings["every path was cut"] = Finding(len(paths) * times, missed)
        port = int(on.clients.url.rsplit(":", 1)[1])
        on.settle_and_check(outcome, waits=waits, port=port)
    return outcome


def write_paths(found: Failpoints) -> list[tuple[str, str]]:
    """(collection, operation) of every write of the trip; those at a process's end and start are not cut."""
    names: Iterable[str] = {*found.serve, *found.worker}
    pairs = {(collection, operation) for collection, operation, _ in (name.split(".") for name in names)}
    return sorted(pairs - {("audit_directory", "update")})


def _cut_each(
    on: Set, trips: Trips, proxy: MongoProxy, serve: Child, found: Failpoints, times: int, say: Say
) -> list[str]:
    missed = []
    for collection, operation in write_paths(found):
        by_worker = f"{collection}.{operation}.after" not in found.serve
        for number in range(times):
            if collection == "audit_directory":  # a chain is opened by a process that starts
                serve.kill()
                serve.start()
            # The commit of a transaction belongs to no collection.
            target = None if operation == "commit" else collection
            cut = proxy.drop_reply_after(is_command(COMMANDS.get(operation, operation), target))
            if by_worker:
                leave_claims(on, trips, 2)
            else:
                on.clients.run(trips.go())
            deadline = time.monotonic() + CUT_S
            wait_until(lambda: cut.is_done or time.monotonic() > deadline, CUT_S + 1)  # noqa: B023
            if not cut.is_done:
                missed.append(f"{collection}.{operation} was not cut the {number + 1}. time")
        say(f"cut: {collection}.{operation} × {times}")
    return missed
