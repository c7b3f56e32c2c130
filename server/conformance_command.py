"""`ehc conformance`: points the cases at a platform and tells what came of them."""

import argparse
import json
from pathlib import Path

from server.conformance.credentials import CredentialsUnusable, read_credentials
from server.conformance.report import as_plain, as_table, catalogue, examine
from server.core.clock import SystemClock


async def run(arguments: argparse.Namespace) -> int:
    """0 when no case failed, else 1; CredentialsUnusable when nothing can be tried."""
    if arguments.list:
        print(catalogue(), end="")
        return 0
    if not arguments.url:
        raise CredentialsUnusable("name the platform: ehc conformance http://…")
    clock = SystemClock()
    known = read_credentials(Path(arguments.credentials))
    results = await examine(arguments.url, known, clock, is_slow=arguments.slow, only=arguments.only)
    print(as_table(results))
    told = as_plain(arguments.url, results, clock)
    if arguments.json:
        _write(Path(arguments.json), json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    return 0 if told["conforms"] else 1


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise CredentialsUnusable(f"{path} cannot be written: {error.strerror}") from None
