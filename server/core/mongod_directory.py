"""The directory of an embedded mongod: whose it is, what a crash left in it, and which port it keeps.

db/          MongoDB's own files
mongod.log   its log; one older file is kept
port         so that a restart keeps its address
owner.lock   held by the process that uses the directory
"""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import time
from pathlib import Path

FRESH_DATA_BYTES = 350 * 2**20  # an empty database takes about 300 MB, nearly all of it journal
GROWN_DATA_BYTES = 50 * 2**20
LOG_KEPT_BYTES = 20 * 2**20
ORPHAN_TIMEOUT_S = 20.0
POLL_S = 0.02

PORT_TAKEN = "Port {port} is in use: end the process that listens there, or give another port."
_EXIT_CODES: dict[int | None, str] = {
    -signal.SIGILL: "This processor lacks AVX, which MongoDB needs: set MONGODB_URI to a set elsewhere.",
    62: "{root} was written by another MongoDB version: use that one, or delete the directory.",
}
_LOG_SIGNS = {
    " cannot be run: ": "mongod cannot be run on this machine: install MongoDB 6 or newer.",
    "while loading shared libraries": "mongod lacks a system library: install what {log_path} names last.",
    "Address already in use": PORT_TAKEN,
    "No space left on device": "No space is left for the database in {root}: free some.",
    "Permission denied": "The database directory {root} holds files of another user: name your own.",
}
_UNKNOWN_END = "MongoDB ended while starting (exit code {code}): the reason is at the end of {log_path}."


class MongodError(RuntimeError):
    """The embedded database cannot run; the message is one sentence: what, and how to mend it."""


class DataDirectory:
    """A data directory that one process at a time owns, from `acquire()` to `release()`."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.db_dir = self.root / "db"
        self.log_path = self.root / "mongod.log"
        self._owner_fd: int | None = None

    def acquire(self) -> None:
        """Makes the directory ours, with no mongod in it; MongodError if another's, unwritable or full."""
        self.release()
        try:
            is_fresh = not (self.db_dir / "WiredTiger").exists()
            self.db_dir.mkdir(parents=True, exist_ok=True)
            self._owner_fd = os.open(self.root / "owner.lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._owner_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free_bytes = shutil.disk_usage(self.db_dir).free
            if self.log_path.exists() and self.log_path.stat().st_size > LOG_KEPT_BYTES:
                self.log_path.replace(self.log_path.with_suffix(".log.1"))
        except BlockingIOError as error:
            raise MongodError(
                f"Another running process uses the database in {self.root}: end it, or name another one."
            ) from error
        except OSError as error:
            raise MongodError(
                f"The database directory {self.root} cannot be written ({error.strerror}): "
                "name one that belongs to you."
            ) from error
        if free_bytes < (FRESH_DATA_BYTES if is_fresh else GROWN_DATA_BYTES):
            raise MongodError(
                f"Only {free_bytes >> 20} MB are free for the database in {self.root}: free some space."
            )
        self._end_orphan()

    def release(self) -> None:
        if self._owner_fd is not None:
            os.close(self._owner_fd)
            self._owner_fd = None

    def choose_port(self) -> int:
        """The remembered port if nobody took it meanwhile, else a free one, which is then remembered."""
        remembered = self.root / "port"
        text = remembered.read_text().strip() if remembered.exists() else ""
        port = int(text) if text.isdigit() and is_free(int(text)) else free_port()
        remembered.write_text(f"{port}\n")
        return port

    def why_it_ended(self, log_start: int, code: int | None, port: int) -> str:
        """One sentence on a mongod that ended with `code` and logged from byte `log_start` on."""
        with self.log_path.open("rb") as log:
            log.seek(log_start)
            text = log.read().decode("utf-8", "replace")
        by_log = next((sentence for sign, sentence in _LOG_SIGNS.items() if sign in text), _UNKNOWN_END)
        sentence = _EXIT_CODES.get(code, by_log)
        return sentence.format(port=port, root=self.root, log_path=self.log_path, code=code)

    def _end_orphan(self) -> None:
        # mongod keeps its lock file locked while it lives, so a held lock names a living process and a stale
        # file does not; and we own the directory, so that process has lost the one that started it.
        lock_path = self.db_dir / "mongod.lock"
        if not lock_path.exists():
            return
        with lock_path.open("r+b") as lock_file:
            for signal_number in (signal.SIGTERM, signal.SIGKILL):
                if _can_lock(lock_file.fileno()):
                    return
                _signal_mongod(lock_path, signal_number)
                deadline = time.monotonic() + ORPHAN_TIMEOUT_S
                while time.monotonic() < deadline:
                    if _can_lock(lock_file.fileno()):
                        return
                    time.sleep(POLL_S)
        raise MongodError(f"A mongod that cannot be ended holds {lock_path}: end it by hand.")


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _can_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    fcntl.flock(fd, fcntl.LOCK_UN)
    return True


def _signal_mongod(lock_path: Path, signal_number: signal.Signals) -> None:
    """Signals the process the lock file names, unless the system shows that this is not a mongod of ours."""
    text = lock_path.read_text().strip()
    if not text.isdigit():
        return
    with contextlib.suppress(ProcessLookupError, FileNotFoundError):
        if Path("/proc/self").exists():
            command_line = Path("/proc", text, "cmdline").read_bytes()
            if os.fsencode(lock_path.parent) not in command_line:
                raise MongodError(f"Process {text} holds {lock_path} and is not known here: end it by hand.")
        os.kill(int(text), signal_number)
