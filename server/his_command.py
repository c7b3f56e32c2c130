"""`ehc his-conformance`: judges a hospital's adapter by the contract, case by case."""

import argparse
import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from server.commands import CommandError
from server.core.clock import Clock, SystemClock
from server.core.crypto.provider import choose_provider
from server.core.crypto.sm2 import InvalidKey, parse_private_key_hex, parse_public_key_hex
from server.core.http import OutboundHttp
from server.core.observability import configure_logging
from server.gateways.his.conformance.run import CASES, Outcome, run_case, table
from server.gateways.his.conformance.trial import Access, Trial, Wait


async def run(arguments: argparse.Namespace) -> int:
    """0 when no case failed, 1 otherwise; skipped ones are told and fail nothing."""
    configure_logging("error")
    chosen = set(arguments.case)
    unknown = chosen - {case_id for case_id, _, _ in CASES}
    if unknown:
        raise CommandError(f"there is no case {', '.join(sorted(unknown))}")
    outcomes = await judge(read_access(arguments), SystemClock(), asyncio.sleep, chosen)
    if arguments.json:
        content = {"url": arguments.url, "cases": [one.as_json() for one in outcomes]}
        _write(Path(arguments.json), json.dumps(content, indent=1))
    for line in table(outcomes):
        print(line)
    return int(any(one.state == "failed" for one in outcomes))


async def judge(
    access: Access,
    clock: Clock,
    wait: Wait,
    chosen: set[str] | None = None,
    told: Callable[[Outcome], None] = lambda _: None,
) -> list[Outcome]:
    """The outcome of every case, or of the chosen ones, in their order."""
    http, sm2 = OutboundHttp(public_only=False), choose_provider()
    outcomes = []
    with ThreadPoolExecutor(2) as threads:
        for case in CASES:
            if not chosen or case[0] in chosen:
                outcomes.append(await run_case(case, Trial(access, http, sm2, clock, threads, wait)))
                told(outcomes[-1])
    http.close()
    return outcomes


def read_access(arguments: argparse.Namespace) -> Access:
    """CommandError for a key that cannot be read."""
    if not arguments.url.startswith(("http://", "https://")):
        raise CommandError("the address must begin with http:// or https://")
    try:
        kept = json.loads(Path(arguments.key).read_text())
        key = choose_provider().private_key(parse_private_key_hex(kept["private_key_hex"]))
        hospital_key = parse_public_key_hex(arguments.hospital_key)
    except (OSError, ValueError, KeyError, TypeError, InvalidKey) as error:
        raise CommandError(
            f"the keys cannot be read ({type(error).__name__}): --key is a file that "
            "`ehc partners keypair` printed, --hospital-key 130 hex digits"
        ) from None
    return Access(arguments.url, hospital_key, arguments.centre, arguments.key_id, key)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text + "\n", "utf-8")
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}") from None
