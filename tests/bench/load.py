"""Clients on keep-alive connections that send prepared requests as fast as they are answered."""

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CLIENTS = 64
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Measured:
    """`rate` in requests a second; processor time in microseconds a request, by process."""

    rate: float
    cpu_us: dict[str, float]
    p99_ms: float


async def drive(
    port: int,
    requests: Sequence[bytes],
    status: int,
    processes: dict[str, int],
    clients: int = CLIENTS,
    twin_port: int | None = None,
) -> Measured:
    """Sends every request once; RuntimeError when one is not answered with `status`.  Every second client
    asks at `twin_port`, when there is one."""
    ports = (port, twin_port or port)
    waiting = iter(requests)
    took: list[float] = []
    before = {name: _cpu_s(pid) for name, pid in processes.items()}
    started = time.perf_counter()
    await asyncio.gather(*(_client(ports[number % 2], waiting, status, took) for number in range(clients)))
    elapsed = time.perf_counter() - started
    if len(took) != len(requests):
        raise RuntimeError(f"{len(took)} of {len(requests)} requests were answered")
    cpu = {name: (_cpu_s(pid) - before[name]) / len(took) * 1e6 for name, pid in processes.items()}
    took.sort()
    return Measured(len(took) / elapsed, cpu, took[int(len(took) * 0.99)] * 1000)


async def _client(port: int, waiting: Iterator[bytes], status: int, took: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for request in waiting:
            started = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            took.append(time.perf_counter() - started)
            if int(head[9:12]) != status:
                raise RuntimeError(f"answered {head[9:12]!r}: {body[:200]!r}")
    finally:
        writer.close()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S
