"""(e) The answer to a write is cut off after the database applied it: on each write path of the trip.

With the driver as it is, its own retry must hide the cut.  Without it the ambiguity reaches our code, which
must answer 503 and do the work once when it is asked again.
"""

import time
from collections.abc import Callable, Iterable, Sequence

from tests.faults.checkers import Finding
from tests.faults.processes import Child, wait_until
from tests.faults.proxy import Cut, MongoProxy
from tests.faults.run_failpoints import Failpoints, discover, leave_claims
from tests.faults.runs import Outcome, Say, Set, new_set
from tests.faults.trips import Trips
from tests.faults.wire import Predicate, is_command

Path = tuple[str, str]
COMMANDS = {"commit": "commitTransaction", "find_and_update": "findAndModify"}
AT_START = "audit_directory"  # a chain is opened by a process that starts
CUT_S = 8.0
MAX_TRIPS = 3


def cut_acknowledgements(
    seed: int, say: Say, *, times: int, waits: bool, driver_retries: bool, at_once: int = 1
) -> Outcome:
    """Each write path of claim and verify × `times`; so many different ones wait for the same trip."""
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
            spoil = proxy.drop_reply_after
            missed = spoil_each(on, trips, serve, found, spoil, say, times=times, at_once=at_once)
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


def write_paths(found: Failpoints) -> list[Path]:
    """(collection, operation) of every write of the trip; those at a process's end and start are not cut."""
    names: Iterable[str] = {*found.serve, *found.worker}
    pairs = {(collection, operation) for collection, operation, _ in (name.split(".") for name in names)}
    return sorted(pairs - {(AT_START, "update")})


def together(paths: Sequence[Path], found: Failpoints, at_once: int) -> list[list[Path]]:
    """The paths in groups of `at_once` at most.  One trip can meet all of a group: they are written by the
    same kind of process, and no two of them are the commit, which belongs to no collection."""
    groups: list[list[Path]] = []
    for path in paths:
        fits = (group for group in groups if len(group) < at_once and _fits(path, group, found))
        group = next(fits, None)
        if group is None:
            groups.append([path])
        else:
            group.append(path)
    return groups


def _fits(path: Path, group: Sequence[Path], found: Failpoints) -> bool:
    both = (path, group[0])
    if any(collection == AT_START for collection, _ in both):
        return False
    if path[1] == "commit" and any(operation == "commit" for _, operation in group):
        return False
    return _by_worker(path, found) == _by_worker(group[0], found)


def _by_worker(path: Path, found: Failpoints) -> bool:
    return ".".join((*path, "after")) not in found.serve


def spoil_each(
    on: Set,
    trips: Trips,
    serve: Child,
    found: Failpoints,
    spoil: Callable[[Predicate], Cut],
    say: Say,
    *,
    times: int,
    at_once: int,
    within_s: float = CUT_S,
) -> list[str]:
    """Spoils each write of the trip once, `times` times over; says which could not be met.  `within_s`: how
    long the last of a group is waited for after its trip."""
    missed = []
    for group in together(write_paths(found), found, at_once):
        for number in range(times):
            if group[0][0] == AT_START:
                serve.kill()
                serve.start()
            cuts = {path: spoil(is_command(*_target(*path))) for path in group}
            for _ in range(MAX_TRIPS):
                if _by_worker(group[0], found):
                    leave_claims(on, trips, 2)
                else:
                    on.clients.run(trips.go())
                deadline = time.monotonic() + within_s
                wait_until(
                    lambda: all(cut.is_done for cut in cuts.values()) or time.monotonic() > deadline,  # noqa: B023
                    within_s + 1,
                )
                if all(cut.is_done for cut in cuts.values()):
                    break
            missed += [
                f"{'.'.join(path)} was not met the {number + 1}. time"
                for path, cut in cuts.items()
                if not cut.is_done
            ]
        say(f"spoilt: {', '.join('.'.join(path) for path in group)} × {times}")
    return missed


def _target(collection: str, operation: str) -> tuple[str, str | None]:
    """The command's name and its collection; a commit has none."""
    return COMMANDS.get(operation, operation), None if operation == "commit" else collection
