"""Who may import whom: the contracts of setup.cfg hold, bite, and know every package."""

import configparser
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rules.code import PLATFORM, ROOT, Source, imports, sources

LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint(folder: Path, *only: str) -> subprocess.CompletedProcess[str]:
    """import-linter on the packages in `folder`, under the contracts of this project."""
    arguments = ["--config", str(ROOT / "setup.cfg"), "--no-cache", "--no-logo"]
    for name in only:
        arguments += ["--contract", name]
    return subprocess.run(
        [sys.executable, "-c", LINT, *arguments], cwd=folder, capture_output=True, text=True, timeout=60
    )


def layered() -> set[str]:
    """Every module that has a place in the arrows."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "setup.cfg", "utf-8")
    layers = settings["importlinter:contract:arrows"]["layers"].replace(":", "|").replace("\n", "|")
    return {name.strip() for name in layers.split("|") if name.strip()}


def test_the_contracts_hold() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def grow(folder: Path, extra: dict[str, str]) -> None:
    """A tree with nothing in it but what the contracts name, and the extra files."""
    files = {f"{module.replace('.', '/')}/__init__.py": "" for module in layered()}
    files |= {
        "server/settings.py": "",
        "server/core/mongo.py": "import motor, pymongo",
        "server/core/mongod.py": "import pymongo",
        "server/cards/store.py": "",
        "push/messages/store.py": "",
        "sandbox/city.py": "",
    }
    for path, text in {**files, **extra}.items():
        for parent in [*Path(path).parents][:-1]:
            (folder / parent).mkdir(exist_ok=True, parents=True)
            (folder / parent / "__init__.py").touch()
        (folder / path).write_text(text)


def test_a_bare_tree_keeps_the_contracts(tmp_path: Path) -> None:
    grow(tmp_path, {})
    done = lint(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("path", "line", "contract"),
    [
        ("server/core/clock.py", "import server.cards", "arrows"),
        ("server/identity/service.py", "import server.accounts", "arrows"),
        ("server/services/any.py", "import handlers", "arrows"),
        ("server/cards/service.py", "import server.settings", "settings"),
        ("server/cards/service.py", "import pymongo", "driver"),
        ("handlers/cards.py", "def get():\n    import server.cards.store", "stores"),
        ("server/app/any.py", "import sandbox.city", "sandbox"),
        ("sandbox/app.py", "import server.core", "sandbox-alone"),
        ("server/core/hashes.py", "import gmssl", "second-opinion"),
    ],
)
def test_one_wrong_import_breaks_its_contract(tmp_path: Path, path: str, line: str, contract: str) -> None:
    grow(tmp_path, {path: line})
    done = lint(tmp_path, contract)
    assert done.returncode == 1 and "0 kept, 1 broken" in done.stdout, done.stdout + done.stderr


# What import-linter cannot say.
UNLAYERED = {
    "server.settings": "a contract of its own says who reads it",
}


def unplaced(modules: set[str]) -> set[str]:
    """The children of `server` that stand in no contract."""
    children = {".".join(module.split(".")[:2]) for module in modules if module.startswith("server.")}
    return children - layered() - set(UNLAYERED)


def test_every_package_of_the_server_has_its_place_in_the_arrows() -> None:
    assert unplaced({source.module for source in sources("server")}) == set()
    assert unplaced({"server.cards.store", "server.telehealth.model"}) == {"server.telehealth"}


def foreign_stores(source: Source) -> list[str]:
    """Imports of a store from outside its own noun's package, which may have smaller ones within;
    `server.app` alone puts stores into services."""
    return [
        f"{source.path}:{line} imports {module}"
        for module, line in imports(source)
        if module.endswith(".store")
        and _noun(module) != _noun(source.module)
        and not source.module.startswith("server.app")
    ]


def _noun(module: str) -> list[str]:
    return module.split(".")[:2]


def test_a_store_is_imported_by_its_own_package_and_the_composition_root() -> None:
    assert [fault for source in sources(*PLATFORM) for fault in foreign_stores(source)] == []


@pytest.mark.parametrize(
    "line", ["from server.cards.store import CardStore", "from server.cards import store"]
)
def test_a_foreign_store_is_seen(line: str) -> None:
    assert foreign_stores(Source("server/accounts/service.py", line))
    assert foreign_stores(Source("server/cards/claim.py", line)) == []
    assert foreign_stores(Source("server/cards/family/proofs.py", line)) == []
    assert foreign_stores(Source("server/app/assembly.py", line)) == []
