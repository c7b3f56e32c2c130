"""`make bench`: each line is measured against its baseline in turn (A B A B …), on the same database.

scans     scan-verify and showing a code, against B1, B3 and P; ten times the clients; two processes
booking   taking places of one slot and of ten thousand, against find-and-modify
growth    scan-verify with a million cards against ten thousand
persons   bulk matching against Splink's own
"""

import argparse
import json
from pathlib import Path

import uvloop

from server.core.observability import configure_logging
from tests.bench.booking import measure_booking
from tests.bench.matching import measure_matching
from tests.bench.scans import measure_growth, measure_scans

RESULTS = Path("var/bench.json")
PARTS = ("scans", "booking", "growth", "persons")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("parts", nargs="*", default=PARTS, help="what to measure: " + ", ".join(PARTS))
    parser.add_argument(
        "--rounds", type=int, default=24, help="many and short ones: a machine does not hold still"
    )
    parser.add_argument("--requests", type=int, default=600)
    parser.add_argument("--cards", type=int, default=10_000)
    parser.add_argument("--many-cards", type=int, default=1_000_000, help="of the growth line")
    parser.add_argument("--port", type=int, default=8380)
    parser.add_argument(
        "--person-rows",
        type=int,
        default=200_000,
        help="rows for the bulk person index; the target says 1000000",
    )
    chosen = parser.parse_args()
    if unknown := set(chosen.parts) - set(PARTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    configure_logging("error")
    measured = []
    if "scans" in chosen.parts:
        measured += uvloop.run(measure_scans(chosen))
    if "booking" in chosen.parts:
        measured += uvloop.run(measure_booking(chosen))
    if "growth" in chosen.parts:
        measured += uvloop.run(measure_growth(chosen))
    if "persons" in chosen.parts:
        measured.append(measure_matching(chosen.person_rows, chosen.rounds))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(measured, indent=1) + "\n")
    print(f"written to {RESULTS}")


if __name__ == "__main__":
    main()
