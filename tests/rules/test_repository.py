"""What must not lie in the repository: people, places of one machine, and where packages come from."""

import re

import pytest

from tests.rules.code import kept_files

# An ID number as GB 11643 writes it: region, birthday, order, check character.  Region 99 belongs to nobody.
ID_NUMBER = re.compile(
    r"(?<![0-9A-Za-z])[1-8][0-9]{5}(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
    r"[0-9]{3}[0-9Xx](?![0-9A-Za-z])"
)
# Where packages come from is each installation's affair: its own settings name its mirror.
REGISTRY = re.compile(
    r"(?:pypi|pythonhosted|npmjs|npmmirror|yarnpkg|rubygems)\.(?:org|com|io)|(?<![\w.])(?:registry|mirrors?)\.[a-z]"
    r"|index[-]url|\"resolved[\"]:",
    re.IGNORECASE,
)
MACHINE_PATH = re.compile(r"(?<![\w.:*}\])/-])/(?:work|root|home/\w+|Users/\w+|tmp/\w+)(?=[/\s'\"`)])")
PRIVATE_KEY = re.compile("-----BEGIN " + r"[A-Z0-9 ]*PRIVATE KEY-----\n[A-Za-z0-9+/]")


def lines_with(pattern: re.Pattern[str], text: str) -> list[int]:
    return [text.count("\n", 0, found.start()) + 1 for found in pattern.finditer(text)]


def everywhere(pattern: re.Pattern[str]) -> list[str]:
    return [f"{path}:{line}" for path, text in kept_files() for line in lines_with(pattern, text)]


def test_no_id_number_could_be_somebodys() -> None:
    assert everywhere(ID_NUMBER) == []


def test_no_file_says_where_packages_come_from() -> None:
    assert everywhere(REGISTRY) == []


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    assert everywhere(MACHINE_PATH) == []


def test_no_private_key_lies_in_the_open() -> None:
    assert everywhere(PRIVATE_KEY) == []


# The bad snippets are put together here, or the rules above would find them in this very file.
@pytest.mark.parametrize(
    ("pattern", "pieces"),
    [
        (ID_NUMBER, ("110101", "19900307", "7758")),
        (ID_NUMBER, ("id_no: '440106", "20010228", "003x'")),
        (REGISTRY, ("https://py", "pi.org/simple")),
        (REGISTRY, ("https://regi", "stry.example.com/x")),
        (REGISTRY, ("--index", "-url=https://packages.example.com")),
        (MACHINE_PATH, ("open('/wo", "rk/main')")),
        (MACHINE_PATH, ("`/ho", "me/somebody/ehc`")),
        (PRIVATE_KEY, ("-----BEGIN PRI", "VATE KEY-----\nMIIE")),
    ],
)
def test_a_bad_line_is_seen(pattern: re.Pattern[str], pieces: tuple[str, ...]) -> None:
    assert lines_with(pattern, "first\n" + "".join(pieces)) == [2]


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (ID_NUMBER, "990101199003070028"),
        (ID_NUMBER, "1790000000000"),
        (MACHINE_PATH, "/api/v1/root/home"),
        (MACHINE_PATH, "from the root/work of it"),
        (REGISTRY, "the register of apps"),
    ],
)
def test_an_innocent_line_passes(pattern: re.Pattern[str], line: str) -> None:
    assert lines_with(pattern, line) == []
