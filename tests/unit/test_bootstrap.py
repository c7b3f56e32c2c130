"""Setting up: quick when nothing changed, one sentence when something is missing, never a traceback."""

import ast
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import bootstrap
from bootstrap import CannotPrepare, OneAtATime, Preparation, fingerprint

ROOT = Path(bootstrap.__file__).parent
RERUN_LIMIT_S = 0.5


class Recorded(Preparation):
    """A preparation whose steps are written down and leave what the real ones would leave."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.titles: list[str] = []

    def step(self, title: str, command: list[str], folder: Path) -> None:
        self.titles.append(" ".join(command))
        if "venv" in command:
            pip = self.venv / "bin" / "pip"
            pip.parent.mkdir(parents=True, exist_ok=True)
            pip.write_text(f"#!{self.venv}/bin/python\n")
            (self.venv / "bin" / "python").symlink_to(sys.executable)
        if command[:2] == ["npm", "ci"]:
            (folder / "node_modules").mkdir(exist_ok=True)
        if command[:2] == ["npm", "run"]:
            self.built(command[2].removeprefix("build:")).mkdir(parents=True, exist_ok=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("setup.cfg", "pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text(name)
    source = tmp_path / "miniprogram" / "src"
    source.mkdir(parents=True)
    (source / "main.ts").write_text("one")
    for name in ("package.json", "package-lock.json"):
        (tmp_path / "miniprogram" / name).write_text("{}")
    return tmp_path


def prepared(checkout: Path, goal: str) -> list[str]:
    """The steps `goal` takes now."""
    preparation = Recorded(checkout)
    preparation.prepare_browser = lambda: None  # type: ignore[method-assign]
    preparation.prepare(goal)
    return [title.replace(str(checkout), "") for title in preparation.titles]


def test_an_old_python_can_read_the_file() -> None:
    source = (ROOT / "bootstrap.py").read_text()
    tree = ast.parse(source, feature_version=(3, 7))
    annotations = [
        node.annotation for node in ast.walk(tree) if isinstance(node, ast.arg) and node.annotation
    ]
    annotations += [n.returns for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.returns]
    too_new = [ast.unparse(a) for a in annotations if isinstance(a, ast.Subscript | ast.BinOp)]
    assert too_new == []
    assert len(annotations) > 20


def test_an_old_python_is_told_which_one_is_needed() -> None:
    with pytest.raises(CannotPrepare, match=r"Python 3\.11 or newer is needed and this is 3\.8\.18: run it"):
        bootstrap.require_python((3, 8, 18))
    bootstrap.require_python((3, 11, 0))


def test_each_goal_does_its_part_once(checkout: Path) -> None:
    first = prepared(checkout, "run")
    assert [step.split()[-1] for step in first] == ["/.venv", ".[demo]", "--loglevel=error", "build:h5"]
    assert prepared(checkout, "run") == []
    assert [step.split()[-1] for step in prepared(checkout, "check")] == [".[demo,dev]"]
    assert [step.split()[-1] for step in prepared(checkout, "test")] == ["build:mp-weixin", "build:mp-alipay"]
    assert [prepared(checkout, goal) for goal in ("run", "check", "test")] == [[], [], []]


@pytest.mark.parametrize(
    ("changed", "steps"),
    [
        ("constraints.txt", ["[demo]"]),
        ("miniprogram/src/main.ts", ["build:h5"]),
        ("miniprogram/package-lock.json", ["--loglevel=error", "build:h5"]),
    ],
)
def test_a_changed_input_repeats_what_depends_on_it(checkout: Path, changed: str, steps: list[str]) -> None:
    prepared(checkout, "run")
    (checkout / changed).write_text("changed")
    assert [step.split()[-1].lstrip(".") for step in prepared(checkout, "run")] == steps


def test_a_moved_checkout_gets_a_new_environment(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    prepared(checkout, "run")
    moved = tmp_path_factory.mktemp("moved") / "here"
    checkout.rename(moved)
    (moved / ".venv" / "bin" / "python").unlink()
    assert "-m venv --clear" in prepared(moved, "run")[0]


def test_without_pages_the_web_is_skipped_and_said(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "miniprogram" / "package.json").unlink()
    assert not any("npm" in step for step in prepared(checkout, "test"))
    assert "Web pages: skipped" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("echo \"error: command 'gcc' failed: No such file\"; exit 1", "install a C compiler"),
        ("echo 'OSError: [Errno 28] No space left on device' >&2; exit 2", "The disk is full"),
        ("echo unheard of; exit 3", "failed with code 3. Mend what the lines above"),
    ],
)
def test_a_failed_step_shows_the_logs_end_and_a_remedy(
    checkout: Path, capsys: pytest.CaptureFixture[str], script: str, sentence: str
) -> None:
    preparation = Preparation(checkout)
    preparation.prepare_folders()
    with pytest.raises(CannotPrepare) as refused:
        preparation.step("Things (long)", ["sh", "-c", f"seq 100; {script}"], checkout)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    shown = capsys.readouterr().err.splitlines()
    assert len(shown) == bootstrap.LOG_TAIL_LINES
    assert "  | 100" in shown
    assert "\n1\n2\n" in preparation.log_path.read_text()


def test_a_program_that_is_not_there_is_named(checkout: Path) -> None:
    preparation = Preparation(checkout)
    preparation.prepare_folders()
    with pytest.raises(CannotPrepare, match=r"^no-such-program cannot be run \(.*\): install it\.$"):
        preparation.step("Things", ["no-such-program"], checkout)


def test_a_failed_step_leaves_no_stamp(checkout: Path) -> None:
    class Failing(Recorded):
        def step(self, title: str, command: list[str], folder: Path) -> None:
            if "pip" in command:
                raise CannotPrepare("no")
            super().step(title, command, folder)

    with pytest.raises(CannotPrepare, match="no"):
        Failing(checkout).prepare("check")
    assert prepared(checkout, "check")[-1].endswith(".[demo,dev]")


def write_program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("programs", "sentence"),
    [
        ({}, "and node is missing: install them"),
        ({"node": "echo v16.20.0", "npm": ""}, r"and node is v16\.20\.0: install them"),
        ({"node": "echo v20.1.0"}, "and npm is missing: install them"),
    ],
)
def test_node_that_is_missing_or_old_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: dict[str, str], sentence: str
) -> None:
    for name, script in programs.items():
        write_program(tmp_path, name, script)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotPrepare, match=sentence):
        bootstrap.require_node()


def test_little_space_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bootstrap.require_space(tmp_path)
    monkeypatch.setattr(bootstrap, "FREE_NEEDED_BYTES", 2**62)
    with pytest.raises(CannotPrepare, match=r"Only \d+ MB are free"):
        bootstrap.require_space(tmp_path)


def test_a_missing_browser_is_installed_by_root_and_asked_for_otherwise(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    write_program(programs, "apt-get", "")
    write_program(programs, "fc-list", "")
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(CannotPrepare, match="need chromium and fonts-noto-cjk: install them"):
        Preparation(checkout).prepare_browser()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    preparation = Recorded(checkout)
    preparation.prepare_browser()
    assert [step.split(" apt-get -q ")[1] for step in preparation.titles] == [
        "update",
        "install -y --no-install-recommends chromium fonts-noto-cjk",
    ]
    write_program(programs, "chromium", "")
    write_program(programs, "fc-list", "echo Noto Sans CJK SC")
    preparation = Recorded(checkout)
    preparation.prepare_browser()
    assert preparation.titles == []


def test_two_preparations_wait_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    order: list[str] = []

    def second() -> None:
        with OneAtATime(path):
            order.append("second")

    waiting = threading.Thread(target=second)
    with OneAtATime(path):
        waiting.start()
        waiting.join(0.1)
        order.append("first")
    waiting.join(10)
    assert order == ["first", "second"]


def test_a_fingerprint_tells_contents_names_and_absence_apart(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    seen = {fingerprint(tmp_path, ["src", "x"])}
    changes: list[Callable[[], object]] = [
        lambda: (tmp_path / "x").write_text(""),
        lambda: (tmp_path / "x").write_text("a"),
        lambda: (tmp_path / "src" / "a").write_text("a"),
        lambda: (tmp_path / "src" / "a").rename(tmp_path / "src" / "b"),
    ]
    for change in changes:
        change()
        seen.add(fingerprint(tmp_path, ["src", "x"]))
    assert len(seen) == 1 + len(changes)


def test_a_wrong_word_shows_the_usage() -> None:
    command = [sys.executable, str(ROOT / "bootstrap.py"), "everything"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: ")


def test_a_second_run_is_quick(checkout: Path) -> None:
    prepared(checkout, "run")
    (checkout / "bootstrap.py").write_bytes((ROOT / "bootstrap.py").read_bytes())
    started_at = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(checkout / "bootstrap.py"), "run"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert time.monotonic() - started_at < RERUN_LIMIT_S


def test_make_without_a_target_lists_the_targets() -> None:
    done = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = [line.split()[1] for line in done.stdout.splitlines()]
    assert listed == ["help", "run", "test", "pages", "check", "bench", "faults", "screens", "clean"]


def test_the_continuous_check_runs_what_the_readme_says() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    commands = [line for line in script.read_text().splitlines() if line.startswith("make ")]
    assert commands == ["make test"]
    assert "make test " in (ROOT / "README.md").read_text()
