"""(F4) The primary cannot take a write: on each write path of the trip, with each of the codes that say so.

The server itself answers so, by a fail point of its own.  Without the driver's retry the refusal reaches our
code, which must answer 503, have done nothing, and do it once when it is asked again.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Self

from pymongo import MongoClient

from tests.faults.checkers import Finding
from tests.faults.processes import Child, wait_until
from tests.faults.run_acknowledgements import AT_START, Path, by_worker, target_of, write_paths
from tests.faults.run_failpoints import Failpoints, discover, leave_claims
from tests.faults.runs import Outcome, Say, Set, new_set
from tests.faults.stage import DATABASE
from tests.faults.trips import Trips

TESTING = ("--setParameter", "enableTestCommands=1")
CODES = {
    10107: "not the primary",
    189: "stepped down",
    11600: "interrupted, shutting down",
    91: "shutting down",
}
FAIL_POINT, OFF = "failpoint.failCommand", 0
MANY_PEOPLE = 2_000
REFUSED_S = 8.0


def refuse_writes(seed: int, say: Say, *, times: int, waits: bool) -> Outcome:
    """Each write path × each code × `times`."""
    outcome = Outcome("the primary is not writable", seed)
    with new_set(MANY_PEOPLE + 1_200 * times, seed, mongod_args=TESTING) as on:
        trips = Trips(on.clients, on.people)
        found = discover(on, trips)
        paths = write_paths(found)
        started_at = time.monotonic()
        serve, on.clients.url = on.stage.serve("serve-refused", built_in="no-driver-retry")
        worker = on.stage.worker("worker-refused", built_in="no-driver-retry")
        asked = [(path, code) for path in paths for code in CODES]
        missed: list[str] = []
        with RefusedWrites(on.stage.mongod.direct_uri) as refused:
            for path, code in asked:
                missed += refuse_each(on, trips, serve, found, path, times, partial(refused.arm, code))
                say(f"{code} {CODES[code]}: {'.'.join(path)} × {times}")
        assert serve.is_running and worker.is_running, "a refused write ends no process"
        serve.kill()
        worker.kill()
        outcome.trials = len(asked) * times - len(missed)
        outcome.figures |= {
            "paths": len(paths),
            "codes": sorted(CODES),
            "refused_s": round(time.monotonic() - started_at, 1),
        }
        outcome.findings["every path was refused"] = Finding(len(asked) * times, missed)
        port = int(on.clients.url.rsplit(":", 1)[1])
        on.settle_and_check(outcome, waits=waits, port=port)
    return outcome


Arm = Callable[[str, str | None], Callable[[], bool]]


def refuse_each(
    on: Set, trips: Trips, serve: Child, found: Failpoints, path: Path, times: int, arm: Arm
) -> list[str]:
    """Has this write refused, `times` times; says which could not be brought to."""
    missed = []
    for number in range(times):
        if path[0] == AT_START:
            serve.kill()
            serve.start()
        is_refused = arm(*target_of(*path))
        if by_worker(path, found):
            leave_claims(on, trips, 2)
        else:
            on.clients.run(trips.go())
        deadline = time.monotonic() + REFUSED_S
        wait_until(lambda: is_refused() or time.monotonic() > deadline, REFUSED_S + 1)  # noqa: B023
        if not is_refused():
            missed.append(f"{'.'.join(path)} was not refused the {number + 1}. time")
    return missed


class RefusedWrites:
    """The server's own fail point of commands, set for one command of the platform's processes at a time."""

    def __init__(self, uri: str) -> None:
        self._client: MongoClient[dict[str, Any]] = MongoClient(uri)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._set("off", {})
        self._client.close()

    def arm(self, code: int, command: str, collection: str | None) -> Callable[[], bool]:
        """Whether the command has come and was refused."""
        data: dict[str, Any] = {"failCommands": [command], "errorCode": code, "appName": "ehc"}
        if collection is not None:
            data["namespace"] = f"{DATABASE}.{collection}"
        self._set({"times": 1}, data)
        return self._is_over

    def _set(self, mode: Any, data: dict[str, Any]) -> None:
        self._client.admin.command("configureFailPoint", "failCommand", mode=mode, data=data)

    def _is_over(self) -> bool:
        shown = self._client.admin.command("getParameter", 1, **{FAIL_POINT: 1})[FAIL_POINT]
        return bool(shown["mode"] == OFF)
