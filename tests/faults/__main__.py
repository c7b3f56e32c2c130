"""`python -m tests.faults`: every fault run; writes docs/faults.json, exits 1 for any fault.

python -m tests.faults                        the full set: about an hour
python -m tests.faults --quick                what CI does, three minutes
python -m tests.faults --only failpoints --seed 7 --failpoint-kills 5
"""

import argparse
import hashlib
import json
import platform
import secrets
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.faults.sets import FULL, QUICK, Sizes, runs_of

RESULT = Path("docs/faults.json")
LIMITS = (
    "A killed process loses what it had not handed to the kernel; a power cut would also lose the kernel's "
    "cache, which these runs do not imitate: the database's fsync is trusted, not tested."
)


def main() -> int:
    arguments = _arguments()
    seed = arguments.seed if arguments.seed is not None else secrets.randbelow(10**6)
    size = _size(arguments)
    runs = runs_of(size)
    chosen = arguments.only or list(runs)
    result = _read(arguments.result) if arguments.only else {}
    sources = _digest_of_sources()
    print(f"seed {seed}, sources {sources}, runs: {', '.join(chosen)}", flush=True)
    problems = 0
    for name in chosen:
        started_at = time.monotonic()

        def say(text: str, name: str = name, started_at: float = started_at) -> None:
            print(f"{name} {time.monotonic() - started_at:6.1f} s  {text}", flush=True)

        outcome = runs[name](seed, say)
        took_s = round(time.monotonic() - started_at, 1)
        about = {"what": outcome.name, "sources": sources, "took_s": took_s}
        result[name] = {**about, **outcome.as_json()}
        for problem in outcome.problems:
            print(f"PROBLEM {name}: {problem}", flush=True)
        problems += len(outcome.problems)
        say("sound" if not outcome.problems else "NOT SOUND")
        _write(arguments.result, result)
    return 1 if problems else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="the small set CI runs")
    parser.add_argument("--only", action="append", choices=list(runs_of(FULL)), help="this run; repeatable")
    parser.add_argument("--seed", type=int, help="repeat the run of this seed")
    parser.add_argument("--failpoint-kills", type=int, help="kills at each failpoint")
    parser.add_argument("--cuts", type=int, help="cuts on each write path")
    parser.add_argument("--refusals", type=int, help="refusals of each write, for each code")
    parser.add_argument("--result", type=Path, default=RESULT, help="where the figures go")
    return parser.parse_args()


def _size(arguments: argparse.Namespace) -> Sizes:
    size = QUICK if arguments.quick else FULL
    if arguments.failpoint_kills:
        size = replace(size, kills_per_failpoint=arguments.failpoint_kills)
    if arguments.cuts:
        size = replace(size, cuts_per_path=arguments.cuts)
    if arguments.refusals:
        size = replace(size, refusals_per_path=arguments.refusals)
    return size


def _digest_of_sources() -> str:
    """Which code a figure is of: 12 hex digits over every file of the server and its handlers."""
    digest = hashlib.sha256()
    for file in sorted([*Path("server").rglob("*.py"), *Path("handlers").rglob("*.py")]):
        digest.update(f"{file.as_posix()}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def _read(file: Path) -> dict[str, Any]:
    runs: dict[str, Any] = json.loads(file.read_text())["runs"] if file.exists() else {}
    return runs


def _write(file: Path, runs: dict[str, Any]) -> None:
    content = {
        "ended_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "sources": "the first 12 digits of a SHA-256 over server/ and handlers/ as they were",
        "rate_below": "nothing seen in N cases bounds the rate at 3/N, with 95 % confidence",
        "limits": LIMITS,
        "runs": runs,
    }
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
