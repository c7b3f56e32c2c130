"""No installed or pinned package is older than the table of known faults allows."""

import configparser
import importlib.metadata
import re

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.rules.code import ROOT

TABLE = ROOT / "tests" / "rules" / "advisories.cfg"


def minimums() -> dict[str, Version]:
    table = configparser.ConfigParser(interpolation=None)
    table.read(TABLE, "utf-8")
    for name in table.sections():
        assert set(table[name]) == {"minimum", "why"} and len(table[name]["why"]) > 20, name
    return {name: Version(table[name]["minimum"]) for name in table.sections()}


def too_old(versions: dict[str, str], least: dict[str, Version]) -> list[str]:
    return [
        f"{name} {versions[name]} is older than {minimum}"
        for name, minimum in least.items()
        if name in versions and Version(versions[name]) < minimum
    ]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_installed_packages_are_not_older_than_the_advisories_allow() -> None:
    installed = {normal(d.metadata["Name"]): d.version for d in importlib.metadata.distributions()}
    assert {"tornado", "cryptography", "pillow", "requests", "urllib3"} <= set(installed)
    assert too_old(installed, minimums()) == []


def test_pinned_packages_are_not_older_than_the_advisories_allow() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    assert (
        too_old({normal(name): version.split(";")[0].strip() for name, version in pinned.items()}, minimums())
        == []
    )


def test_what_setup_asks_for_is_not_older_either() -> None:
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "setup.cfg", "utf-8")
    wanted = [Requirement(line) for line in settings["options"]["install_requires"].split("\n") if line]
    least = minimums()
    for requirement in wanted:
        name = normal(requirement.name)
        if name in least:
            below = [s.version for s in requirement.specifier if s.operator in (">=", "==")]
            assert max(map(Version, below)) >= least[name], (
                f"{requirement} allows a version with known faults"
            )


@pytest.mark.parametrize(("version", "is_old"), [("6.6.0", True), ("6.10", False), ("6.6.1", False)])
def test_an_old_package_is_seen(version: str, is_old: bool) -> None:
    assert bool(too_old({"tornado": version}, minimums())) is is_old
    assert too_old({"somebody-elses": "0.1"}, minimums()) == []
