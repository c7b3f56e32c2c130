"""Where the world comes in: the environment, the clock, status codes, writes, and nothing at import."""

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rules.code import PLATFORM, ROOT, Source, called, sources


def faults(check: Callable[[Source], list[int]], allowed: dict[str, str], *packages: str) -> list[str]:
    """What the check finds outside the files that have a reason; every reason must still be needed."""
    found = {source.path: check(source) for source in sources(*packages)}
    idle = [path for path in allowed if not found.get(path)]
    assert idle == [], "excuses nobody needs any more"
    return [f"{path}:{line}" for path, lines in found.items() if path not in allowed for line in lines]


# -- the environment
READS_ENVIRONMENT = {
    "server/settings.py": "it is where the environment is read",
    "server/core/failpoints.py": "armed by a test for one child process, before there are settings",
    "server/demo.py": "hands its children a chosen few variables",
    "server/identity/names.py": "tells pypinyin to leave its phrases out, which has no other switch",
}


def environment_reads(source: Source) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv", "putenv"))
        or (isinstance(node, ast.alias) and node.name in ("environ", "getenv"))
    ]


def test_the_environment_is_read_in_settings_alone() -> None:
    assert faults(environment_reads, READS_ENVIRONMENT, *PLATFORM) == []


@pytest.mark.parametrize("line", ["import os\nos.environ['A']", "from os import getenv", "os.getenv('A')"])
def test_a_read_of_the_environment_is_seen(line: str) -> None:
    assert environment_reads(Source("a.py", line))


# -- the clock
READS_TIME = {
    "server/core/clock.py": "it is the clock",
    "handlers/base.py": "Tornado stamps the request's start with time.time, and took_ms is its distance",
}
WAITS_BY_MONOTONIC = {
    "server/core/mongod.py": "waits for a process to start, before there is a clock",
    "server/core/mongod_directory.py": "waits for a process to end, before there is a clock",
    "server/demo.py": "waits for its children to answer",
    "server/core/listener.py": "closes who sends too slowly",
}
WALL = ("time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today", "date.today")
STEADY = ("time.monotonic", "time.monotonic_ns", "time.perf_counter", "loop.time")


def wall_reads(source: Source) -> list[int]:
    return _reads(source, WALL)


def steady_reads(source: Source) -> list[int]:
    return _reads(source, STEADY)


def _reads(source: Source, names: tuple[str, ...]) -> list[int]:
    """Uses of the named functions, called or handed on, by whatever path they are reached."""
    return [
        node.lineno
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.Attribute) and ast.unparse(node).endswith(names))
        or (isinstance(node, ast.ImportFrom) and any(f"{node.module}.{a.name}" in names for a in node.names))
    ]


def test_the_clock_is_the_only_source_of_time() -> None:
    assert faults(wall_reads, READS_TIME, *PLATFORM) == []
    assert faults(steady_reads, WAITS_BY_MONOTONIC, *PLATFORM) == []


@pytest.mark.parametrize(
    "line",
    [
        "import time\nt = time.time()",
        "datetime.datetime.now(UTC)",
        "from time import time",
        "f(now=time.time)",
    ],
)
def test_a_private_source_of_time_is_seen(line: str) -> None:
    assert wall_reads(Source("a.py", line))


def test_the_handed_clock_passes() -> None:
    assert wall_reads(Source("a.py", "self._clock.now()")) == []


# -- status codes
STATUS_CALLS = ("set_status", "send_error", "HTTPError")
READS_STATUS = {
    "handlers/base.py": "the table of them",
    "server/core/http.py": "reads what other systems answered",
    "server/gateways/checks.py": "reads what the outside sources answered",
    "server/gateways/his/http.py": "reads what hospitals answered",
    "server/gateways/his/conformance/directory.py": "reads what hospitals answered",
    "server/gateways/his/conformance/signatures.py": "reads what hospitals answered",
}


def status_numbers(source: Source) -> list[int]:
    """Numbers where a status belongs: compared with, passed as or set as one; and members of HTTPStatus."""
    found = []
    for node in ast.walk(source.tree):
        parts: list[ast.expr | None] = []
        if isinstance(node, ast.Compare) and _speaks_of_status(node):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.Call) and called(node).rpartition(".")[2] in STATUS_CALLS:
            parts = list(node.args)
        elif isinstance(node, ast.keyword | ast.Assign | ast.AnnAssign) and _speaks_of_status(node):
            parts = [node.value]
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith("HTTPStatus"):
            found.append(node.lineno)
        found += [part.lineno for part in parts if _is_status(part)]
    return found


def _is_status(part: ast.expr | None) -> bool:
    return isinstance(part, ast.Constant) and type(part.value) is int and 100 <= part.value < 600


def _speaks_of_status(node: ast.AST) -> bool:
    if isinstance(node, ast.keyword):
        return "status" in (node.arg or "")
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    members = {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}
    return "code" in members or any("status" in name.lower() for name in names | members)


def test_status_codes_stand_in_one_table() -> None:
    assert faults(status_numbers, READS_STATUS, *PLATFORM) == []


@pytest.mark.parametrize(
    "line",
    [
        "self.set_status(404)",
        "if status == 409: ...",
        "raise HTTPError(400)",
        "reply(status=201)",
        "HTTPStatus.OK",
    ],
)
def test_a_status_code_is_seen(line: str) -> None:
    assert status_numbers(Source("handlers/a.py", line))


def test_other_numbers_pass() -> None:
    assert status_numbers(Source("handlers/a.py", "limit = 200\nif size > 404: ...")) == []


# -- writes
OPERATORS = frozenset(
    f"${name}"
    for name in (
        *("set", "unset", "setOnInsert", "inc", "mul", "min", "max", "rename", "currentDate", "bit"),
        *("push", "addToSet", "pull", "pullAll", "pop", "merge", "out"),
    )
)
WRITES = {"server/migrations.py": "changes what is stored, whatever it is"}


def write_operators(source: Source) -> list[int]:
    """MongoDB's operators of change, as a string or the key of a document."""
    if source.path.startswith("server/core/") or source.path.endswith("/store.py"):
        return []
    return [
        node.lineno
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in OPERATORS
    ]


def test_only_stores_write() -> None:
    assert faults(write_operators, WRITES, *PLATFORM) == []
    bad = "await cards.update({'_id': i}, {'$set': {'status': 'frozen'}})"
    assert write_operators(Source("server/cards/service.py", bad)) == [1]
    assert write_operators(Source("server/cards/store.py", bad)) == []


# -- importing
WATCHED_IMPORT = """
import importlib, logging, sys, threading
seen = []
ACTS = {"socket.bind", "socket.connect", "subprocess.Popen", "os.system", "os.remove", "os.mkdir"}
def watch(event, details):
    writes = event == "open" and details[1] and set(str(details[1])) & set("wax+")
    if (event in ACTS or writes) and not a_library_is_loading():
        seen.append(f"{module}: {event}")
def a_library_is_loading():
    # What a library does when it is first imported (look for a shared object, say) is its own affair.
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_name == "<module>" and "site-packages" in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False
sys.addaudithook(watch)
def logging_set_up():
    root = logging.getLogger()
    return [*root.handlers, root.level, *logging.getLogger("tornado").handlers]
before = logging_set_up()
for module in sys.argv[1:]:
    importlib.import_module(module)
    seen += [f"{module}: thread {t.name}" for t in threading.enumerate() if t is not threading.main_thread()]
    if logging_set_up() != before:
        seen.append(f"{module}: log handler or level")
        before = logging_set_up()
print("\\n".join(seen))
"""


def effects_of_importing(modules: list[str], folder: Path = ROOT) -> list[str]:
    """What importing the modules does besides: threads, sockets, children, files written, log handlers."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", WATCHED_IMPORT, *modules],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1] if done.stdout.strip() else []


def test_importing_the_platform_does_nothing_else() -> None:
    modules = [source.module for source in sources(*PLATFORM) if not source.path.endswith("__main__.py")]
    assert effects_of_importing([*modules, "server.__main__"]) == []


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()", "thread"),
        ("import socket; s = socket.socket(); s.bind(('127.0.0.1', 0))", "socket.bind"),
        ("import logging; logging.getLogger().addHandler(logging.StreamHandler())", "log handler"),
        ("open('left-behind', 'w').close()", "open"),
    ],
)
def test_an_effect_of_importing_is_seen(tmp_path: Path, line: str, seen: str) -> None:
    (tmp_path / "busy.py").write_text(line)
    assert any(seen in fault for fault in effects_of_importing(["busy"], tmp_path))
