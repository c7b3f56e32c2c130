"""Scans and codes shown, against their baselines: one core for the server, one for the database."""

import argparse
import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from pymongo import MongoClient

from server.core.mongod import EmbeddedMongod
from server.settings import Settings
from tests.bench.load import CLIENTS, Measured, drive
from tests.bench.world import TOKENS, World, build_world

MASTER_KEY = "00112233445566778899aabbccddeeff"
MAX_SPREAD = 0.15
OVERLOAD = 10
TWIN = "twin"  # a second process on the platform's database
Row = dict[str, Any]


@dataclass(frozen=True)
class Work:
    """Requests to prepare, which of the servers answers them, how many clients ask at once, and the server
    that half of them ask instead."""

    name: str
    prepare: Callable[[int], list[bytes]]
    server: str
    clients: int = CLIENTS
    twin: str | None = None
    status: int = 200


@dataclass
class Bench:
    rounds: int
    requests: int
    ports: dict[str, int]
    processes: dict[str, int]
    database: Any

    async def compare(self, work: Work, baseline: Work) -> Row:
        """The ratio of the two rates, median of the rounds; void when they do not agree: the middle half of
        the ratios is wider than MAX_SPREAD of the median."""
        print(f"{work.name} against {baseline.name} ", end="", flush=True)
        await self.run(work, self.requests // 4)  # warm
        await self.run(baseline, self.requests // 4)
        ours, theirs = [], []
        for _ in range(self.rounds):
            ours.append(await self.run(work, self.requests))
            theirs.append(await self.run(baseline, self.requests))
            print(".", end="", flush=True)
        ratios = sorted(one.rate / other.rate for one, other in zip(ours, theirs, strict=True))
        ratio, spread = statistics.median(ratios), spread_of(ratios)
        told = f"{ratio:.2f} × ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        print(f" {told}{' (VOID: the rounds do not agree)' if spread > MAX_SPREAD else ''}")
        return {
            "name": work.name,
            "ratio": round(ratio, 3),
            "baseline": baseline.name,
            "spread": round(spread, 3),
            "n": self.rounds,
            "void": spread > MAX_SPREAD,
            "ours": shown(work.name, ours),
            "theirs": shown(baseline.name, theirs),
        }

    async def run(self, work: Work, requests: int) -> Measured:
        names = [name for name in (work.server, work.twin, "mongod") if name is not None]
        processes = {name: self.processes[name] for name in names}
        port, twin_port = self.ports[work.server], None if work.twin is None else self.ports[work.twin]
        return await drive(port, work.prepare(requests), work.status, processes, work.clients, twin_port)


def spread_of(ratios: Sequence[float]) -> float:
    """How wide the middle half is, against the median."""
    first, middle, third = statistics.quantiles(ratios, n=4)
    return (third - first) / middle


def shown(name: str, runs: Sequence[Measured]) -> Row:
    """Prints and returns the medians: rate, p99, and processor time a request of server and database."""
    rate = statistics.median([run.rate for run in runs])
    p99 = statistics.median([run.p99_ms for run in runs])
    processes = runs[0].cpu_us
    cpu = {key: round(statistics.median([run.cpu_us[key] for run in runs])) for key in processes}
    told = ", ".join(f"{key} {value} µs" for key, value in cpu.items())
    print(f"    {name:28} {rate:7.0f}/s   p99 {p99:6.1f} ms   {told}")
    return {"rate": round(rate), "p99_ms": round(p99, 1), "cpu_us": list(cpu.values())}


@asynccontextmanager
async def stage(
    arguments: argparse.Namespace, servers: Sequence[str], cards: Row, *, tokens: int = TOKENS
) -> AsyncIterator[Any]:
    """(bench, worlds): a database on the last core, the servers on the first, each by its kind's command.

    `cards` names a database and the number of its cards for each platform; baselines use the first one.
    `tokens`: how many of its residents have a session."""
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="ehc-bench-") as folder, EmbeddedMongod(folder) as mongod:
        assert mongod.pid is not None
        os.sched_setaffinity(mongod.pid, {cores[-1]})
        os.sched_setaffinity(0, {cores[-1]})
        worlds: dict[str, World] = {}
        children: dict[str, subprocess.Popen[bytes]] = {}
        ports = {name: arguments.port + place for place, name in enumerate(servers)}
        try:
            for name, count in cards.items():
                environment = _environment(mongod.uri, name, ports[name])
                print(f"making {count} cards …", flush=True)
                settings = Settings(**{key.lower(): value for key, value in environment.items()})  # type: ignore[arg-type]
                worlds[name] = await build_world(settings, count, tokens)
                children[name] = _launch(["server", "serve"], environment, cores[0])
            first = _environment(mongod.uri, next(iter(cards)), 0)
            if TWIN in servers:
                twin = {**first, "HTTP_PORT": str(ports[TWIN])}
                children[TWIN] = _launch(["server", "serve"], twin, cores[0])
            for name in set(servers) - set(cards) - {TWIN}:
                command = [f"tests.bench.{name}", "--port", str(ports[name])]
                children[name] = _launch(command, first, cores[0])
            for port in ports.values():
                await _listening(port)
            processes = {name: child.pid for name, child in children.items()} | {"mongod": mongod.pid}
            with MongoClient[Row](mongod.uri) as client:
                database = client[next(iter(cards))]
                yield Bench(arguments.rounds, arguments.requests, ports, processes, database), worlds
        finally:
            for child in children.values():
                child.terminate()
                child.wait()
            for world in worlds.values():
                await world.app.stop()


def _environment(mongodb_uri: str, database: str, port: int) -> dict[str, str]:
    return {
        "ENVIRONMENT": "test",
        "LOG_LEVEL": "info",
        "MONGODB_URI": mongodb_uri,
        "MONGODB_DATABASE": database,
        "MASTER_KEY": MASTER_KEY,
        "CODE_REFRESH_SECONDS": "300",
        "HTTP_PORT": str(port or 8080),
        **{f"{name}_URL": "http://127.0.0.1:9" for name in ("SMS", "REAL_NAME")},
        **{f"{name}_{part}": "bench" for name in ("SMS", "REAL_NAME") for part in ("APP_ID", "SECRET")},
    }


def _launch(argv: list[str], environment: dict[str, str], core: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", *argv],
        env={"PATH": os.environ["PATH"], **environment},
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )


async def _listening(port: int) -> None:
    for _ in range(2400):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        except OSError:
            await asyncio.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


async def measure_scans(arguments: argparse.Namespace) -> list[Row]:
    cards = {"platform": arguments.cards}
    async with stage(arguments, ("platform", TWIN, "baselines", "ordinary"), cards) as (bench, worlds):
        world: World = worlds["platform"]
        usages = world.app.mongo.collection("usages")
        before = await usages.count({})
        scan = Work("scan-verify, HMAC-SM3", world.scans, "platform")
        crowded = Work(f"{OVERLOAD * CLIENTS} clients", world.scans, "platform", OVERLOAD * CLIENTS)
        pair = Work("two processes", world.scans, "platform", 2 * CLIENTS, TWIN)
        signed = Work("scan-verify, SM2", world.scans_sm2, "platform")
        show = Work("code display", world.codes_shown, "platform")
        one_find = Work("B1, one find", world.one_find, "baselines")
        three = Work("B3, three operations", world.three_operations, "baselines")
        ordinary = Work("P, the ordinary way", world.scans, "ordinary")
        results = [
            await bench.compare(scan, three),
            await bench.compare(scan, one_find),
            await bench.compare(scan, ordinary),
            await bench.compare(signed, three),
            await bench.compare(crowded, scan),
            _each_on_a_core(await bench.compare(pair, scan)),
        ]
        done, asked = await usages.count({}) - before, bench.requests
        if done != 8 * (bench.rounds * asked + asked // 4):
            raise SystemExit("some scans that were answered are not stored")
        results.append(await bench.compare(show, one_find))
        results[3] |= _with_openssl(results[3])
        return results


def _each_on_a_core(row: Row) -> Row:
    """Two processes that share a core against one that has it: what they lose to each other (smaller batches,
    two audit chains, two times the polling, waiting for the same collections) they lose on two cores too, so
    with a core each they do twice that, as long as the database is not the limit."""
    ratio = round(2 * row["ratio"], 3)
    print(f"    with a core each: {ratio:.2f} ×")
    return {**row, "name": "two processes, each on a core", "ratio": ratio}


def _with_openssl(row: Row) -> Row:
    """The rate of a scan with SM2 against that of a server that does B3 and one verification, no more."""
    told = subprocess.run(["openssl", "speed", "-seconds", "2", "sm2"], capture_output=True, text=True)
    verified = float(re.findall(r"([0-9.]+)\s*$", told.stdout.strip())[0])
    bare = 1 / (1 / row["theirs"]["rate"] + 1 / verified)
    ratio = round(row["ours"]["rate"] / bare, 3)
    print(f"    against B3 and one `openssl speed` verification ({verified:.0f}/s): {ratio:.2f} ×")
    return {"baseline": "B3 and one SM2 verification", "ratio": ratio}


async def measure_growth(arguments: argparse.Namespace) -> list[Row]:
    """Many cards against few: two platforms on two databases of one server."""
    cards = {"many": arguments.many_cards, "few": arguments.cards}
    async with stage(arguments, ("many", "few"), cards) as (bench, worlds):
        many = Work(f"scan-verify, {arguments.many_cards} cards", worlds["many"].scans, "many")
        few = Work(f"scan-verify, {arguments.cards} cards", worlds["few"].scans, "few")
        return [await bench.compare(many, few)]
