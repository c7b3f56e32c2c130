"""docs/examples/his_adapter.py and the command, as a hospital's programmer runs them: two processes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.his import HOSPITAL, PLATFORM
from tests.rules.code import ROOT

pytestmark = pytest.mark.feature("M1", "M2")


@contextmanager
def running_adapter(folder: Path) -> Iterator[str]:
    """Where it answers.  `folder` holds its keys and its database."""
    (folder / "platform.json").write_text(json.dumps({"public_key_hex": PLATFORM.public.hex()}))
    ours = {"private_key_hex": HOSPITAL.private.hex(), "public_key_hex": HOSPITAL.public.hex()}
    (folder / "ours.json").write_text(json.dumps(ours))
    argv = [sys.executable, str(ROOT / "docs" / "examples" / "his_adapter.py"), "--port", "0"]
    argv += ["--platform", "platform.json", "--key", "ours.json", "--database", "his.sqlite"]
    process = subprocess.Popen(argv, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        assert said.startswith("ready on "), said
        yield said.split()[-1]
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def test_the_example_adapter_passes_every_case_that_its_day_allows(tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    key.write_text(json.dumps({"private_key_hex": PLATFORM.private.hex()}))
    with running_adapter(tmp_path) as url:
        argv = [sys.executable, "-m", "server", "his-conformance", url, "--key", str(key)]
        argv += ["--hospital-key", HOSPITAL.public.hex(), "--json", str(tmp_path / "told.json")]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    states = {
        one["case_id"]: one["state"] for one in json.loads((tmp_path / "told.json").read_text())["cases"]
    }
    assert states.pop("HIS-052") in ("passed", "skipped"), "a slot later today is there until the evening"
    assert set(states.values()) == {"passed"}
