"""The whole product, started as a person would start it: `ehc demo` on free ports, ended by its own pid."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

READY_S = 180


@dataclass(frozen=True)
class RunningDemo:
    """`told` is what var/demo.json says."""

    told: dict[str, Any]

    @property
    def web(self) -> str:
        return str(self.told["web"])

    @property
    def hospital(self) -> str:
        return str(self.told["sandbox"]["hospital"])

    def resident(self, number: int) -> dict[str, str]:
        found: dict[str, str] = self.told["residents"][number]
        return found

    def adult(self, number: int) -> dict[str, str]:
        """The resident of that place among those old enough to claim a card of their own."""
        found: dict[str, str] = [r for r in self.told["residents"] if int(r["id_no"][6:10]) < 2000][number]
        return found

    def last_sms_code(self, phone: str) -> str:
        """The code on the resident's phone."""
        with urllib.request.urlopen(f"{self.told['sandbox']['sms']}/messages?phone={phone}") as answer:
            messages = json.load(answer)["messages"]
        return re.findall(r"\b[0-9]{6}\b", messages[-1]["text"])[0]


def ask(url: str, body: Any = None, token: str = "", method: str | None = None) -> dict[str, Any]:
    """The object a 2xx answer holds; anything else fails the test with what was said."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, content, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{url}: {error.code} {error.read()!r}") from error


@contextmanager
def running_demo(
    code_refresh_s: int = 60, *, federated: bool = False, is_below: bool = True
) -> Iterator[RunningDemo]:
    """`federated`: with a second centre and the router, on the two ports after the first centre's;
    `is_below`: with a centre above the first one, which the sandbox plays."""
    with tempfile.TemporaryDirectory(prefix="ehc-browser-") as folder:
        argv = [sys.executable, "-m", "server", "demo", "--var", folder]
        argv += ["--port", str(_free_port(3)), "--sandbox-port", str(_free_port())]
        argv += ["--federation"] if federated else []
        argv += [] if is_below else ["--no-upper-centre"]
        environment = {**os.environ, "CODE_REFRESH_SECONDS": str(code_refresh_s)}
        with (Path(folder) / "demo.out").open("wb") as output:
            process = subprocess.Popen(argv, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield RunningDemo(_told(Path(folder), process))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _told(folder: Path, process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """What the demo wrote, once it says that it is open."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        said = (folder / "demo.out").read_text()
        if process.poll() is not None:
            raise RuntimeError(f"the demo ended: {said[-2000:]}")
        if "Ctrl-C stops it" in said:
            told: dict[str, Any] = json.loads((folder / "demo.json").read_text())
            return told
        process_waits(process)
    raise RuntimeError("the demo did not open in time")


def process_waits(process: "subprocess.Popen[bytes]") -> None:
    """Gives the process a moment, and returns at once when it ends."""
    try:
        process.wait(0.1)
    except subprocess.TimeoutExpired:
        return


def _free_port(in_a_row: int = 1) -> int:
    """The first of so many free ports in a row."""
    while True:
        with ExitStack() as stack:
            probes = [stack.enter_context(socket.socket()) for _ in range(in_a_row)]
            probes[0].bind(("127.0.0.1", 0))
            port: int = probes[0].getsockname()[1]
            try:
                for offset, probe in enumerate(probes[1:], 1):
                    probe.bind(("127.0.0.1", port + offset))
            except OSError:
                continue  # a neighbour is taken: look elsewhere
            return port
