"""The files of the project, as the rules look at them."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLATFORM = ("server", "handlers", "push", "payment")
PRODUCTION = (*PLATFORM, "sandbox")


@dataclass(frozen=True)
class Source:
    """One Python file; `path` is relative to the project."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return _parsed(self.text)

    @property
    def module(self) -> str:
        """Its dotted name: `server/cards/__init__.py` is `server.cards`."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


@cache
def sources(*packages: str) -> tuple[Source, ...]:
    """Every Python file under the packages, in order."""
    found = [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]
    assert found, f"no Python file under {packages}"
    return tuple(Source(str(path.relative_to(ROOT)), path.read_text("utf-8")) for path in found)


@cache
def kept_files() -> tuple[tuple[str, str], ...]:
    """(path, text) of every text file that is, or would be, in version control."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    found = []
    for name in filter(None, listed.stdout.split("\0")):
        try:
            found.append((name, (ROOT / name).read_text("utf-8")))
        except (UnicodeDecodeError, FileNotFoundError):
            continue  # a picture, or a file somebody has just removed
    return tuple(found)


def imports(source: Source) -> Iterator[tuple[str, int]]:
    """(module, line) of everything the file imports, in functions too; `from a import b` gives a and a.b."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((name.name, node.lineno) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source.path}:{node.lineno}: imports are absolute here"
            yield node.module or "", node.lineno
            yield from ((f"{node.module}.{name.name}", node.lineno) for name in node.names)


def called(node: ast.Call) -> str:
    """The dotted name of what is called: `asyncio.sleep`, `self._clock.now`; empty when it is no name."""
    parts = []
    target: ast.expr = node.func
    while isinstance(target, ast.Attribute):
        parts.append(target.attr)
        target = target.value
    if not isinstance(target, ast.Name):
        return ""
    return ".".join([target.id, *reversed(parts)])


def docstrings(tree: ast.Module) -> set[ast.Constant]:
    """The string constants that are documentation: of modules, classes, functions and of names below them."""
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
