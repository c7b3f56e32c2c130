"""F7: the contention test as a whole (I3, I4): CI runs three small rounds, this the thirty large ones."""

import os
import subprocess
import sys

from tests.faults.checkers import Finding
from tests.faults.runs import Outcome, Say

TEST = "tests/api/test_booking_contention.py::test_capacity_c_and_ten_times_as_many_attempts_make_exactly_c"
CLIENTS = 64


def contend(seed: int, say: Say, *, capacity: int, rounds: int) -> Outcome:
    """`capacity` places of one slot, ten times as many attempts by 64 clients on two processes, so many
    rounds.  Who comes first is chance: the seed means nothing here."""
    outcome = Outcome("ten times as many attempts as a slot has places", seed, trials=rounds)
    told = {"EHC_CAPACITY": str(capacity), "EHC_RUNS": str(rounds)}
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "", TEST]
    done = subprocess.run(argv, env={**os.environ, **told}, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("E  ")]
    problems = [] if done.returncode == 0 else lines[:3] or done.stdout.splitlines()[-3:]
    outcome.findings["I3, I4 exactly as many bookings as places"] = Finding(rounds, problems)
    outcome.figures |= {"capacity": capacity, "attempts": 10 * capacity * rounds, "clients": CLIENTS}
    say(done.stdout.strip().rpartition("\n")[2])
    return outcome
