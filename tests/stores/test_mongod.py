"""The embedded database: starts, keeps what it was given, ends, and says in one sentence why it cannot."""

import contextlib
import importlib.metadata
import os
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from server.core.mongod import EmbeddedMongod, MongodMissing, find_mongod
from server.core.mongod_directory import MongodError
from tests.conftest_mongod import scratch_root
from tests.faults.processes import wait_until

RESTART_LIMIT_S = 3.0
PARENT = """
import sys, threading
from server.core.mongod import EmbeddedMongod
database = EmbeddedMongod(sys.argv[1])
starter = threading.Thread(target=database.start)
starter.start()
starter.join()
print(database.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ehc-test-", dir=scratch_root()) as directory:
        yield Path(directory)


def is_alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return Path("/proc", str(pid), "stat").read_text().split()[2] != "Z"
    return False


def insert(database: EmbeddedMongod, key: int) -> int:
    """How many documents there are after the insert."""
    with MongoClient[Any](database.uri) as client:
        client.kept.items.insert_one({"_id": key})
        return int(client.kept.items.count_documents({}))


def test_a_restart_keeps_data_and_address_and_is_quick(data_dir: Path) -> None:
    with EmbeddedMongod(data_dir) as database:
        first_uri = database.uri
        assert insert(database, 1) == 1
    assert not database.is_running
    started_at = time.monotonic()
    with EmbeddedMongod(data_dir) as database:
        assert time.monotonic() - started_at < RESTART_LIMIT_S
        assert database.uri == first_uri
        assert insert(database, 2) == 2


def test_a_killed_member_comes_back_with_what_it_acknowledged(data_dir: Path) -> None:
    with EmbeddedMongod(data_dir) as database:
        insert(database, 1)
        assert database.pid is not None
        os.kill(database.pid, signal.SIGKILL)
        wait_until(lambda: not database.is_running, 5)
        database.start()
        assert insert(database, 2) == 2


def test_settings_promised_to_the_ledger_are_in_force(data_dir: Path) -> None:
    with EmbeddedMongod(data_dir) as database, MongoClient[Any](database.direct_uri) as client:
        parameters = client.admin.command("getParameter", "*")
        options = client.admin.command("getCmdLineOpts")["parsed"]
    assert parameters["transactionLifetimeLimitSeconds"] == 5
    assert options["net"]["bindIp"] == "127.0.0.1"
    assert options["storage"]["wiredTiger"]["engineConfig"]["cacheSizeGB"] == 0.25


def test_when_its_port_was_taken_it_moves_and_still_accepts_writes(data_dir: Path) -> None:
    with EmbeddedMongod(data_dir) as database:
        first_port = database.port
        insert(database, 1)
    occupant = socketserver.TCPServer(("127.0.0.1", first_port), socketserver.BaseRequestHandler)
    answering = threading.Thread(target=occupant.serve_forever)
    answering.start()
    try:
        with EmbeddedMongod(data_dir) as database:
            assert database.port != first_port
            assert insert(database, 2) == 2
    finally:
        occupant.shutdown()
        occupant.server_close()
        answering.join()


def test_a_member_that_is_not_initiated_waits_for_its_set(data_dir: Path) -> None:
    member = EmbeddedMongod(data_dir, replica_set="three", initiate=False, extra_args=["--quiet"])
    with member, MongoClient[Any](member.direct_uri) as client:
        assert not client.admin.command("hello").get("isWritablePrimary")
        assert client.admin.command("getCmdLineOpts")["parsed"]["replication"]["replSet"] == "three"


@pytest.mark.faults
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not tie children")
def test_it_ends_with_its_parent_and_not_with_the_thread_that_started_it(data_dir: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()
    wait_until(lambda: not is_alive(pid), 20, "the end of the orphan")
    with EmbeddedMongod(data_dir) as database:
        assert insert(database, 1) == 1


def test_ctrl_c_in_the_parents_terminal_does_not_reach_it(data_dir: Path) -> None:
    with EmbeddedMongod(data_dir) as database:
        assert database.pid is not None
        assert os.getpgid(database.pid) != os.getpgid(0)
        assert os.getsid(database.pid) != os.getsid(0)


def test_a_mongod_left_by_a_crash_is_replaced(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = EmbeddedMongod(data_dir)
    lost.start()
    insert(lost, 1)
    lost._directory.release()  # as if the process that owned the directory had died
    with EmbeddedMongod(data_dir) as database:
        assert not lost.is_running
        assert insert(database, 2) == 2


def test_a_directory_in_use_is_refused(data_dir: Path) -> None:
    with EmbeddedMongod(data_dir) as database:
        with pytest.raises(MongodError, match="Another running process uses the database"):
            EmbeddedMongod(data_dir).start()
        assert insert(database, 1) == 1


def test_a_given_port_in_use_is_named(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(MongodError, match=rf"^Port {port} is in use: .*\.$"):
            EmbeddedMongod(data_dir, port).start()


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MongodError, match=r"cannot be written \(.*\): name one"):
        EmbeddedMongod(tmp_path / "file" / "data").start()


def test_too_little_space_is_refused_before_it_hurts(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.core.mongod_directory.FRESH_DATA_BYTES", 2**62)
    with pytest.raises(MongodError, match=r"Only \d+ MB are free .*: free some space\."):
        EmbeddedMongod(data_dir).start()


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("kill -ILL $$", "lacks AVX"),
        ("exit 62", "written by another MongoDB version"),
        ("echo 'libcurl.so.4: error while loading shared libraries' >&2; exit 127", "lacks a system library"),
        ("echo 'write: No space left on device'; exit 100", "No space is left"),
        ("exit 3", r"exit code 3\): the reason is at the end of .*mongod\.log"),
    ],
)
def test_the_reason_of_an_early_end_is_said_in_one_sentence(
    data_dir: Path, tmp_path: Path, script: str, sentence: str
) -> None:
    binary = tmp_path / "mongod"
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(0o755)
    with pytest.raises(MongodError, match=sentence) as refused:
        EmbeddedMongod(data_dir, binary=binary).start()
    assert "\n" not in str(refused.value)


def test_a_binary_for_another_machine_is_named(data_dir: Path, tmp_path: Path) -> None:
    binary = tmp_path / "mongod"
    binary.write_bytes(b"\x7fELF not for this machine")
    binary.chmod(0o755)
    with pytest.raises(MongodError, match="cannot be run on this machine"):
        EmbeddedMongod(data_dir, binary=binary).start()


def test_a_mongod_on_the_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = tmp_path / "mongod"
    binary.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_mongod() == binary


def test_without_any_mongod_the_way_to_one_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_wheel(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(importlib.metadata, "distribution", no_wheel)
    with pytest.raises(MongodMissing, match="install MongoDB 6 or newer"):
        find_mongod()
