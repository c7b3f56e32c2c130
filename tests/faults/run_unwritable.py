"""(F4) The primary cannot take a write: on each write path of the trip, with each of the codes that say so.

Without the driver's retry the refusal reaches our code, which must answer 503, have done nothing, and do it
once when it is asked again.
"""

import time
from functools import partial

from tests.faults.checkers import Finding
from tests.faults.proxy import MongoProxy
from tests.faults.run_acknowledgements import spoil_each, write_paths
from tests.faults.run_failpoints import discover
from tests.faults.runs import Outcome, Say, new_set
from tests.faults.trips import Trips

# A worker's turn ends at the first refusal, and the driver looks for its primary anew before the next.
WITHIN_S = 60.0
CODES = {
    10107: "not the primary",
    189: "stepped down",
    11600: "interrupted, shutting down",
    91: "shutting down",
}


def refuse_writes(seed: int, say: Say, *, times: int, waits: bool, at_once: int) -> Outcome:
    """Each write path × each code × `times`; so many different ones wait for the same trip."""
    outcome = Outcome("the primary is not writable", seed)
    with new_set(1_000 + 1_200 * times, seed) as on:
        trips = Trips(on.clients, on.people)
        found = discover(on, trips)
        started_at, missed = time.monotonic(), []
        with MongoProxy("127.0.0.1", on.stage.mongod.port) as proxy:
            serve, on.clients.url = on.stage.serve("serve-refused", uri=proxy.uri, built_in="no-driver-retry")
            worker = on.stage.worker("worker-refused", uri=proxy.uri, built_in="no-driver-retry")
            for code, name in CODES.items():
                say(f"{code}: {name}")
                refuse = partial(proxy.refuse, code=code)
                some = spoil_each(
                    *(on, trips, serve, found, refuse, say), times=times, at_once=at_once, within_s=WITHIN_S
                )
                missed += [f"{code}: {one}" for one in some]
            assert serve.is_running and worker.is_running, "a refused write ends no process"
            serve.kill()
            worker.kill()
            assert not proxy.failures, "the proxy could read what it passed on"
        paths = write_paths(found)
        asked = len(paths) * len(CODES) * times
        outcome.trials = asked - len(missed)
        refused_s = round(time.monotonic() - started_at, 1)
        outcome.figures |= {"paths": len(paths), "codes": sorted(CODES), "refused_s": refused_s}
        outcome.findings["every path was refused"] = Finding(asked, missed)
        port = int(on.clients.url.rsplit(":", 1)[1])
        on.settle_and_check(outcome, waits=waits, port=port)
    return outcome
