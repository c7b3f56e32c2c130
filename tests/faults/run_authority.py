"""(f) The real-name authority answers after half a minute, or not at all: claims wait, scans do not."""

import time
from statistics import quantiles
from typing import Any

from tests.faults.checkers import Finding
from tests.faults.clients import Clients, Resident, in_parallel
from tests.faults.processes import wait_until
from tests.faults.runs import Outcome, Say, new_set
from tests.faults.trips import Trips

DELAY_S = 30.0
SLOWER_AT_MOST = 2.0


def slow_authority(seed: int, say: Say, *, scans: int, claims: int, waits: bool, floor_s: float) -> Outcome:
    """`scans` before and `scans` during each of the two outages, with `claims` claims waiting.  `floor_s`: a
    99th percentile below it says more about the machine; a scan that waits with the claims takes 5 s."""
    outcome = Outcome("the real-name authority is slow, then down", seed, trials=2 * scans)
    with new_set(6 * claims + 50, seed) as on:
        serve, on.clients.url = on.stage.serve()
        port = int(on.clients.url.rsplit(":", 1)[1])
        trips = Trips(on.clients, on.people)
        on.clients.run(trips.go())
        figures: dict[str, float] = {}
        problems: list[str] = []
        faults: dict[str, dict[str, Any]] = {
            "normal": {},
            "slow": {"delay_s": DELAY_S},
            "down": {"refuse": True},
        }
        for fault_name, fault in faults.items():
            on.stage.fault("real_name", **fault)
            before = len(on.history.of("claim"))
            waiting = [on.clients.spawn(trips.claim_for_later(1)) for _ in range(claims)]
            wait_until(lambda: len(on.history.of("claim")) - before >= claims, 20, "the claims")  # noqa: B023
            took = figures[fault_name] = scans_p99(on.clients, trips.holders[0], scans)
            for future in waiting:
                future.result(60)  # type: ignore[call-arg]
            statuses = {str(one.attempts[-1].status) for one in on.history.of("claim")[before:]}
            if statuses != {"202" if fault else "201"}:
                problems.append(f"{fault_name}: claims were answered {sorted(statuses)}")
            if took > max(SLOWER_AT_MOST * figures["normal"], floor_s):
                problems.append(f"{fault_name}: scans took {took:.3f} s, normal {figures['normal']:.3f} s")
            on.stage.fault("real_name")
            say(f"authority {fault_name}: {claims} claims, scans' p99 {took * 1000:.0f} ms")
        assert serve.is_running
        outcome.figures["scan_p99_ms"] = {name: round(value * 1000, 1) for name, value in figures.items()}
        outcome.findings["F21 claims wait, scans do not"] = Finding(2 * scans, problems)
        on.settle_and_check(outcome, waits=waits, port=port)
    return outcome


def scans_p99(clients: Clients, holder: Resident, scans: int) -> float:
    """The 99th percentile of a scan, in seconds, four at a time."""
    took: list[float] = []

    code = clients.run(clients.show_code(holder, "static")) or ""

    async def scan() -> None:
        started_at = time.monotonic()
        await clients.verify(code)
        took.append(time.monotonic() - started_at)

    clients.run(in_parallel([scan] * scans, 4))
    return quantiles(took, n=100)[98]
