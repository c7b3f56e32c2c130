"""`ehc his-conformance`: the sandbox hospital passes every case; each way of being wrong fails its own."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox import his as wire
from sandbox import his_signing
from sandbox.his_desk import Desk, Lock, Refused
from sandbox.his_signing import HisSigning
from sandbox.service import Answer
from server.gateways.his.conformance.run import CASES, Outcome, table
from server.gateways.his.conformance.trial import Access
from server.his_command import judge
from tests.his import CENTRE, HOSPITAL, PLATFORM, PROVIDER, His
from tests.rules.code import ROOT

pytestmark = [pytest.mark.feature("M1", "M2"), pytest.mark.gen_test(timeout=120)]

CONTRACT = (ROOT / "docs" / "his-contract.md").read_text("utf-8")


def access(his: His) -> Access:
    return Access(his.url, HOSPITAL.public, CENTRE, "k1", PROVIDER.private_key(PLATFORM.private))


async def judged(his: His, *chosen: str) -> dict[str, Outcome]:
    outcomes = await judge(access(his), his.clock, his.move_clock, set(chosen))
    return {one.case_id: one for one in outcomes}


async def test_the_sandbox_hospital_passes_every_case(his: His) -> None:
    outcomes = await judged(his)
    assert list(outcomes) == [case_id for case_id, _, _ in CASES]
    assert {one.case_id: one.reason for one in outcomes.values() if one.state != "passed"} == {}
    (schedule,) = await his.client.schedules("clinic", "D-PE", his.today, his.today)
    assert sum(slot.capacity - slot.free for slot in schedule.slots) <= 1, "not given back"


async def test_in_the_evening_the_check_in_is_skipped_and_not_passed(his: His) -> None:
    his.clock.advance(14 * 3600)
    outcomes = await judged(his, "HIS-051", "HIS-052")
    assert [one.state for one in outcomes.values()] == ["passed", "skipped"]
    assert "later today" in outcomes["HIS-052"].reason


Wrong = Callable[[pytest.MonkeyPatch], None]


def believes_anybody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(HisSigning, "_is_signed", lambda self, request: True)


def signs_something_else(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(his_signing, "reply_string", lambda *parts: b"something else")


def takes_a_call_twice(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(HisSigning, "_is_new", lambda self, nonce, now_ms: True)


def never_lets_go(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Desk, "_expire", lambda self, lock: None)


def forgets_tombstones(patch: pytest.MonkeyPatch) -> None:
    release = Desk.release

    def careless(self: Desk, lock_id: str) -> Lock:
        return release(self, lock_id) if lock_id in self._locks else Lock(lock_id, "released")

    patch.setattr(Desk, "release", careless)


def oversells(patch: pytest.MonkeyPatch) -> None:
    require = Desk._require_free

    def lax(self: Desk, *asked: Any) -> None:
        try:
            require(self, *asked)
        except Refused as refused:
            if refused.code != "slot.full":
                raise

    patch.setattr(Desk, "_require_free", lax)


def registers_anew_each_time(patch: pytest.MonkeyPatch) -> None:
    confirm = Desk.confirm

    def again(self: Desk, lock_id: str) -> Lock:
        lock = self._current(lock_id)
        if lock is not None and lock.state == "confirmed":
            lock.state = "locked"
        return confirm(self, lock_id)

    patch.setattr(Desk, "confirm", again)


def says_yes_to_every_day(patch: pytest.MonkeyPatch) -> None:
    arrive = Desk.arrive

    def lax(self: Desk, registration_no: str) -> Lock:
        try:
            return arrive(self, registration_no)
        except Refused as refused:
            if refused.code != "registration.not_now":
                raise
            return self.registration(registration_no)

    patch.setattr(Desk, "arrive", lax)


def says_200_and_an_error(patch: pytest.MonkeyPatch) -> None:
    def error_answer(status: int, code: str, message: str) -> Answer:
        return wire.json_answer({"error": {"code": code, "message": message}}, 200)

    patch.setattr(wire, "error_answer", error_answer)


WRONG: dict[Wrong, set[str]] = {
    believes_anybody: {"HIS-002", "HIS-003", "HIS-004", "HIS-007", "HIS-008"},
    signs_something_else: {"HIS-001", "HIS-009"},
    takes_a_call_twice: {"HIS-006"},
    never_lets_go: {"HIS-031"},
    forgets_tombstones: {"HIS-028"},
    oversells: {"HIS-032", "HIS-033"},
    registers_anew_each_time: {"HIS-041", "HIS-042"},
    says_yes_to_every_day: {"HIS-051"},
    says_200_and_an_error: {"HIS-012", "HIS-009", "HIS-029"},
}


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.__name__)
async def test_a_wrong_hospital_fails_its_case(
    his: His, monkeypatch: pytest.MonkeyPatch, wrong: Wrong
) -> None:
    wrong(monkeypatch)
    outcomes = await judged(his, *WRONG[wrong])
    assert {one.case_id for one in outcomes.values() if one.state == "failed"} >= WRONG[wrong]
    assert all(one.reason for one in outcomes.values() if one.state == "failed")


async def test_the_command_prints_a_table_writes_json_and_ends_with_its_verdict(
    his: His, tmp_path: Path
) -> None:
    """Another process, on the real clock: the sandbox refuses all that it signs, which is a verdict too."""
    key = tmp_path / "key.json"
    key.write_text(json.dumps({"private_key_hex": PLATFORM.private.hex()}))
    done = await run_command(
        his.url,
        "--key",
        str(key),
        "--hospital-key",
        HOSPITAL.public.hex(),
        "--json",
        str(tmp_path / "told.json"),
        "--case",
        "HIS-001",
        "--case",
        "HIS-002",
    )
    assert done.returncode == 1, done.stderr
    assert re.search(r"^HIS-001  failed .* answered 401$", done.stdout, re.MULTILINE), done.stdout
    assert done.stdout.endswith("1 passed, 1 failed, 0 skipped\n")
    told = json.loads((tmp_path / "told.json").read_text())
    assert [(one["case_id"], one["state"]) for one in told["cases"]] == [
        ("HIS-001", "failed"),
        ("HIS-002", "passed"),
    ]
    done = await run_command(his.url, "--key", str(tmp_path / "none"), "--hospital-key", "04")
    assert done.returncode == 1 and "the keys cannot be read" in done.stderr


async def run_command(*arguments: str) -> "subprocess.CompletedProcess[str]":

    argv = [sys.executable, "-m", "server", "his-conformance", *arguments]
    return await asyncio.to_thread(
        subprocess.run, argv, capture_output=True, text=True, timeout=60, cwd=ROOT, check=False
    )


def test_the_contract_lists_every_case_and_no_other() -> None:
    rows = re.findall(r"^\| (HIS-[0-9]{3}) \| (.+?) \|", CONTRACT, re.MULTILINE)
    assert rows == [(case_id, title) for case_id, title, _ in CASES]


def test_the_table_has_a_line_for_each_case_and_a_sum() -> None:
    outcomes = [Outcome("HIS-001", "one", "passed"), Outcome("HIS-002", "another", "failed", "why")]
    assert list(table(outcomes)) == [
        "HIS-001  passed   one",
        "HIS-002  failed   another  why",
        "1 passed, 1 failed, 0 skipped",
    ]
