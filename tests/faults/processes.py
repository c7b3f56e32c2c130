"""Real processes for tests that kill them: started, awaited, killed, restarted, and never left behind.

with Processes(tmp_path) as processes:
    serve = processes.start("serve", [sys.executable, "-m", "server", "serve"], env, ready=http_ready(url))
    serve.kill()
    serve.restart()
"""

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from server.core.children import tied_argv

POLL_S = 0.01
READY_TIMEOUT_S = 90.0  # a start on a busy machine
STOP_TIMEOUT_S = 15.0


def wait_until(condition: Callable[[], object], timeout_s: float, what: str = "the condition") -> None:
    """Returns once `condition()` is true; AssertionError when that takes longer than `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come within {timeout_s} s"
        time.sleep(POLL_S)


def http_ready(url: str) -> Callable[[], bool]:
    """A probe that is true once `url` answers 2xx."""

    def answers() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=1) as reply:
                return bool(200 <= reply.status < 300)
        except urllib.error.HTTPError as error:
            error.close()
            return False
        except OSError:
            return False

    return answers


class Child:
    """One process, which may have several lives; all of them write to `log_path`."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str],
        log_path: Path,
        ready: Callable[[], object],
        ready_timeout_s: float,
    ) -> None:
        self.name = name
        self.argv = list(argv)
        self.env = dict(env)
        self.log_path = log_path
        self._ready = ready
        self._ready_timeout_s = ready_timeout_s
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; minus the signal's number when a signal ended it."""
        return self._process.poll() if self._process else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def log_text(self) -> str:
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    def start(self) -> None:
        """Returns when the process is ready; AssertionError with the end of its log if not."""
        assert not self.is_running, f"{self.name} runs already"
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                tied_argv(self.argv),
                env={**os.environ, **self.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_until(lambda: not self.is_running or self._ready(), self._ready_timeout_s, self.name)
            assert self.is_running, f"it ended with {self.returncode}"
        except AssertionError as error:
            self.kill()
            raise AssertionError(f"{self.name} is not ready: {error}\n{self.log_text()[-3000:]}") from error

    def kill(self) -> None:
        """SIGKILL: the crash."""
        self._end(signal.SIGKILL, STOP_TIMEOUT_S)

    def terminate(self, timeout_s: float = STOP_TIMEOUT_S) -> int | None:
        """SIGTERM; the exit code, or None (and then a SIGKILL) when it did not end in time."""
        return self._end(signal.SIGTERM, timeout_s)

    def restart(self) -> None:
        if self.is_running:
            self.terminate()
        self.start()

    def pause(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def _end(self, signal_number: signal.Signals, timeout_s: float) -> int | None:
        if self._process is None:
            return None
        self._process.send_signal(signal_number)
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_TIMEOUT_S)
            return None


class Processes:
    """The children of one test; leaving the context kills those still running, newest first."""

    def __init__(self, log_dir: Path) -> None:
        self._log_dir = log_dir
        self.children: list[Child] = []

    def start(
        self,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        *,
        ready: Callable[[], object] = lambda: True,
        ready_timeout_s: float = READY_TIMEOUT_S,
    ) -> Child:
        """The child, ready.  `env` is added to this process's environment."""
        child = Child(name, argv, env or {}, self._log_dir / f"{name}.log", ready, ready_timeout_s)
        self.children.append(child)
        child.start()
        return child

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in reversed(self.children):
            child.kill()
