"""Tests hold the clock or wait for a condition; they do not sleep and hope."""

import ast

import pytest

from tests.rules.code import Source, called, sources

# A bounded wait looks again after a moment; a slow network is made by waiting.
SLEEPS = {
    "tests/faults/processes.py": "the bounded wait helper: looks again until a condition holds",
    "tests/faults/proxy.py": "is the slow network",
    "tests/api/test_federation_faults.py": "is the slow peer",
}


def sleeps(source: Source) -> list[int]:
    """Lines that sleep; `asyncio.sleep(0)` only lets others run and is none."""
    return [
        node.lineno
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and called(node) in ("time.sleep", "asyncio.sleep", "sleep", "gen.sleep", "tornado.gen.sleep")
        and not (node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0)
    ]


def test_no_test_sleeps() -> None:
    found = {source.path: sleeps(source) for source in sources("tests")}
    found = {
        path: lines for path, lines in found.items() if not path.startswith("tests/bench/")
    }  # paces load
    assert {path: lines for path, lines in found.items() if lines and path not in SLEEPS} == {}
    assert [path for path in SLEEPS if not found.get(path)] == [], "excuses nobody needs any more"


@pytest.mark.parametrize("line", ["time.sleep(0.1)", "asyncio.sleep(delay_s)", "gen.sleep(1)"])
def test_a_sleep_is_seen(line: str) -> None:
    assert sleeps(Source("tests/a.py", line)) == [1]


def test_letting_others_run_is_no_sleep() -> None:
    assert sleeps(Source("tests/a.py", "asyncio.sleep(0)")) == []
