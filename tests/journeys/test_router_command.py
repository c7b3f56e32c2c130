"""`ehc router` as a command: keys, admission, suspension, and what is said when something is wrong."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from server.core.crypto.provider import choose_provider
from tests.conftest_mongod import RunningMongod
from tests.harness import MASTER_KEY

pytestmark = pytest.mark.feature("V5")

KEY = choose_provider().generate_key_pair().public.hex()


@pytest.fixture
def router(mongod: RunningMongod, database_name: str, tmp_path: Path) -> Any:
    """Runs `ehc router …`; what it printed, or with `fails` what it complained of."""
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "ENVIRONMENT": "test",
        "LOG_LEVEL": "error",
        "MONGODB_URI": mongod.uri,
        "MONGODB_DATABASE": database_name,
        "MASTER_KEY": MASTER_KEY,
    }

    def run(*arguments: str, fails: bool = False, **changes: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "server", "router", *arguments],
            env={**environment, **changes},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stderr if fails else done.stdout

    return run


def test_a_centre_is_admitted_suspended_and_its_keys_changed(router: Any, tmp_path: Path) -> None:
    anchor = str(tmp_path / "anchor.key")
    said = router("anchor", "--anchor", anchor)
    assert "ROUTER_ANCHOR=04" in said and (tmp_path / "anchor.key").stat().st_mode & 0o777 == 0o600
    assert "cannot be made" in router("anchor", "--anchor", anchor, fails=True)
    admit = (
        "admit",
        "--anchor",
        anchor,
        "--centre",
        "0000B0001",
        "--name",
        "B",
        "--url",
        "http://127.0.0.1:1",
    )
    admitted = router(*admit, "--key", KEY)
    assert "0000B0001 is admitted with key k1" in admitted and "ROUTER_KEYS=k1:04" in admitted
    assert said.split("ROUTER_ANCHOR=")[1].strip() in admitted
    other = choose_provider().generate_key_pair().public.hex()
    assert "another key of this id" in router(*admit, "--key", other, fails=True)
    router(*admit, "--key", other, "--key-id", "k2")
    router("suspend", "--centre", "0000B0001")
    listed = router("list")
    assert (
        "0000B0001 suspended http://127.0.0.1:1 B" in listed and "k1 until" in listed and "k2 until" in listed
    )
    router("revoke", "--centre", "0000B0001", "--key-id", "k1")
    router("resume", "--centre", "0000B0001")
    listed = router("list")
    assert "0000B0001 active" in listed and "k1 until" not in listed
    assert router("statistics", "--since", "2026-01-01") == ""
    rotated = router("rotate", "--after-days", "3")
    assert len(re.findall(r"k\d:04[0-9a-f]{128}", rotated)) == 2 and "k2 takes over" in rotated
    assert router("key").startswith("ROUTER_KEYS=k1:04"), "the new key has not taken over yet"
    assert "sound" in router("audit")


def test_what_is_wrong_is_said_in_one_sentence(router: Any, tmp_path: Path) -> None:
    anchor = str(tmp_path / "anchor.key")
    router("anchor", "--anchor", anchor)
    admit = ("admit", "--centre", "0000B0001", "--key", KEY)
    complaints = {
        "--url is missing": (*admit, "--anchor", anchor),
        "--centre is missing": ("suspend",),
        "there is no such centre": ("suspend", "--centre", "0000Z0001"),
        "holds no anchor key": (*admit, "--url", "http://127.0.0.1:1", "--anchor", str(tmp_path / "none")),
        "expected 130 hex digits": ("admit", "--centre", "0000B0001", "--key", "04", "--url", "http://a"),
        "the id of a centre": (
            *("admit", "--centre", "b", "--key", KEY, "--url", "http://a", "--anchor", anchor),
        ),
        "YYYY-MM-DD": ("statistics", "--since", "today"),
    }
    for complaint, arguments in complaints.items():
        said = router(*arguments, fails=True)
        assert complaint in said and said.count("\n") == 1, said
    assert "LOG_LEVEL is wrong" in router("list", fails=True, LOG_LEVEL="loud")
    refused = router(
        *(*admit, "--url", "http://127.0.0.1:1", "--anchor", anchor), fails=True, ENVIRONMENT="production"
    )
    assert "refused in production" in refused
