"""`make bench`: each line is measured against its baseline in turn (A B A B …), on the same database."""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.core.mongod import EmbeddedMongod
from server.core.observability import configure_logging
from server.settings import Settings
from tests.bench.load import Measured, drive
from tests.bench.matching import measure_matching
from tests.bench.world import World, build_world

MASTER_KEY = "00112233445566778899aabbccddeeff"
MAX_SPREAD = 0.15
RESULTS = Path("var/bench.json")


@dataclass(frozen=True)
class Work:
    """Requests to prepare, and which of the two servers answers them."""

    name: str
    prepare: Callable[[int], list[bytes]]
    server: str


@dataclass
class Bench:
    rounds: int
    requests: int
    ports: dict[str, int]
    processes: dict[str, int]

    async def compare(self, work: Work, baseline: Work, counted: Callable[[], Any]) -> dict[str, Any]:
        """The ratio of the two rates, medians of the rounds; void when the baseline will not hold still."""
        print(f"{work.name} against {baseline.name} ", end="", flush=True)
        await self._run(work, self.requests // 4)  # warm
        await self._run(baseline, self.requests // 4)
        before = await counted()
        ours, theirs = [], []
        for _ in range(self.rounds):
            ours.append(await self._run(work, self.requests))
            theirs.append(await self._run(baseline, self.requests))
            print(".", end="", flush=True)
        done = await counted() - before
        rates = [measured.rate for measured in theirs]
        base = statistics.median(rates)
        spread = (max(rates) - min(rates)) / base
        ratio = statistics.median([one.rate / other.rate for one, other in zip(ours, theirs, strict=True)])
        print(f" {ratio:.2f} ×{' (VOID: the baseline varied too much)' if spread > MAX_SPREAD else ''}")
        for name, runs in ((work.name, ours), (baseline.name, theirs)):
            rate = statistics.median([run.rate for run in runs])
            p99 = statistics.median([run.p99_ms for run in runs])
            cpu = {key: statistics.median([run.cpu_us[key] for run in runs]) for key in runs[0].cpu_us}
            shown = ", ".join(f"{key} {value:.0f} µs" for key, value in cpu.items())
            print(f"    {name:24} {rate:7.0f}/s   p99 {p99:5.1f} ms   {shown}")
        return {
            "name": work.name,
            "ratio": round(ratio, 3),
            "baseline": baseline.name,
            "spread": round(spread, 3),
            "n": self.rounds,
            "void": spread > MAX_SPREAD,
            "stored": done,
        }

    async def _run(self, work: Work, requests: int) -> Measured:
        processes = {name: self.processes[name] for name in (work.server, "mongod")}
        return await drive(self.ports[work.server], work.prepare(requests), 200, processes)


def _launch(argv: list[str], environment: dict[str, str], core: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", *argv],
        env={"PATH": os.environ["PATH"], **environment},
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )


async def _listening(port: int) -> None:
    for _ in range(600):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        except OSError:
            await asyncio.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


async def _measure(settings: Settings, bench: Bench, world: World) -> list[dict[str, Any]]:
    usages = world.app.mongo.collection("usages")

    async def scans_stored() -> int:
        return await usages.count({})

    async def nothing() -> int:
        return 0

    scan = Work("scan-verify, HMAC-SM3", world.scans, "platform")
    show = Work("code display", world.codes_shown, "platform")
    one_find = Work("B1, one find", world.one_find, "baseline")
    three = Work("B3, three operations", world.three_operations, "baseline")
    results = [
        await bench.compare(scan, three, scans_stored),
        await bench.compare(scan, one_find, scans_stored),
        await bench.compare(show, one_find, nothing),
    ]
    for result in results[:2]:
        if result.pop("stored") != bench.rounds * bench.requests:
            raise SystemExit("some scans that were answered are not stored")
    results[2].pop("stored")
    return results


async def _main(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    configure_logging("error")
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="ehc-bench-") as folder, EmbeddedMongod(folder) as mongod:
        assert mongod.pid is not None
        os.sched_setaffinity(mongod.pid, {cores[-1]})
        os.sched_setaffinity(0, {cores[-1]})
        environment = {
            "ENVIRONMENT": "test",
            "LOG_LEVEL": "info",
            "MONGODB_URI": mongod.uri,
            "MONGODB_DATABASE": "bench",
            "MASTER_KEY": MASTER_KEY,
            "CODE_REFRESH_SECONDS": "300",
            "HTTP_PORT": str(arguments.port),
            **{f"{name}_{part}": "http://127.0.0.1:9" for name in ("SMS", "REAL_NAME") for part in ("URL",)},
            **{f"{name}_{part}": "bench" for name in ("SMS", "REAL_NAME") for part in ("APP_ID", "SECRET")},
        }
        settings = Settings(**{key.lower(): value for key, value in environment.items()})  # type: ignore[arg-type]
        print(f"making {arguments.cards} cards …", flush=True)
        world = await build_world(settings, arguments.cards)
        ports = {"platform": arguments.port, "baseline": arguments.port + 1}
        children = {
            "platform": _launch(["server", "serve"], environment, cores[0]),
            "baseline": _launch(
                ["tests.bench.baselines", "--port", str(ports["baseline"])], environment, cores[0]
            ),
        }
        try:
            for port in ports.values():
                await _listening(port)
            processes = {name: child.pid for name, child in children.items()} | {"mongod": mongod.pid}
            bench = Bench(arguments.rounds, arguments.requests, ports, processes)
            results = await _measure(settings, bench, world)
        finally:
            for child in children.values():
                child.terminate()
                child.wait()
            await world.app.stop()
    return results


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--cards", type=int, default=10_000)
    parser.add_argument("--port", type=int, default=8380)
    parser.add_argument(
        "--person-rows",
        type=int,
        default=200_000,
        help="rows for the bulk person index; the target says 1000000",
    )
    parser.add_argument("--only-persons", action="store_true", help="the bulk person index and nothing else")
    chosen = parser.parse_args()
    measured = [] if chosen.only_persons else asyncio.run(_main(chosen))
    measured.append(measure_matching(chosen.person_rows, chosen.rounds))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(measured, indent=1) + "\n")
    print(f"written to {RESULTS}")
