"""How large things may grow, and what they may not be called."""

import ast
import re

import pytest

from tests.rules.code import PRODUCTION, Source, docstrings, kept_files, sources

MAX_FILE_LINES = 350
MAX_FUNCTION_LINES = 65
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "shared", "stuff"}
UNFINISHED = re.compile(
    r"(?<![a-zA-Z])(?:mock(?:s|ed)?|stub(?:s|bed)?|dummy|fake[ds]?|todo|fixme|xxx)(?![a-zA-Z])"
    r"|NotImplemented(?:Error)?|(?i:not implemented)",
    re.IGNORECASE,
)


def oversized(source: Source) -> list[str]:
    """Files and functions longer than they may be, with their lengths in lines."""
    lines = source.text.count("\n")
    found = [f"{source.path}: {lines} lines"] if lines > MAX_FILE_LINES else []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            length = node.end_lineno - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                found.append(f"{source.path}:{node.lineno} {node.name}: {length} lines")
    return found


LONG_FOR_A_REASON: dict[str, str] = {}


def test_files_and_functions_stay_small() -> None:
    found = [fault for source in sources(*PRODUCTION) for fault in oversized(source)]
    excused = [f for f in found if LONG_FOR_A_REASON.get(f.split(":")[0], "-") in f.split(" ")[1]]
    assert [fault for fault in found if fault not in excused] == []
    assert len(excused) == len(LONG_FOR_A_REASON), "an excuse nobody needs any more"


def test_an_oversized_function_and_file_are_seen() -> None:
    body = "def long():\n" + "    x = 1\n" * MAX_FUNCTION_LINES
    assert oversized(Source("a.py", body)) == [f"a.py:1 long: {MAX_FUNCTION_LINES + 1} lines"]
    assert oversized(Source("a.py", "x = 1\n" * (MAX_FILE_LINES + 1))) == [
        f"a.py: {MAX_FILE_LINES + 1} lines"
    ]
    assert oversized(Source("a.py", "def short():\n" + "    x = 1\n" * (MAX_FUNCTION_LINES - 1))) == []


def vaguely_named(path: str) -> bool:
    """Whether a file or folder is named for nothing it does."""
    return any(part in VAGUE for part in path.removesuffix(".py").split("/"))


def test_no_package_is_named_for_nothing() -> None:
    assert [source.path for source in sources(*PRODUCTION) if vaguely_named(source.path)] == []
    assert vaguely_named("server/utils/dates.py")
    assert vaguely_named("server/cards/helpers.py")
    assert not vaguely_named("server/cards/claim.py")


def unfinished(source: Source) -> list[str]:
    """Words of things that are not there yet, or only pretend to be."""
    return [
        f"{source.path}:{number} {found.group()}"
        for number, line in enumerate(source.text.splitlines(), 1)
        for found in UNFINISHED.finditer(line)
    ]


def test_production_code_is_finished() -> None:
    assert [fault for source in sources(*PRODUCTION) for fault in unfinished(source)] == []


@pytest.mark.parametrize(
    "line",
    [
        "# TODO: later",
        "mock_sms = 1",
        "fake = 1",
        "raise NotImplementedError",
    ],
)
def test_an_unfinished_line_is_seen(line: str) -> None:
    assert unfinished(Source("a.py", line))


@pytest.mark.parametrize("line", ["from collections import Counter", "autodoc = 1", "a stubborn peer"])
def test_innocent_words_pass(line: str) -> None:
    assert unfinished(Source("a.py", line)) == []


CHINESE = re.compile("[\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uff00-\uffef]")
# Names are data where names are read: the dots between their parts, the forms of their characters.
CHINESE_IS_DATA = {"server/identity/names.py", "server/identity/name_variants.py"}


def chinese(source: Source) -> list[str]:
    """Lines with Chinese in code.  A docstring or a comment may give a domain term so: thus the glossary
    ties the code to the guide.  A value may not, because a value can reach a reader."""
    documented = {
        line
        for text in docstrings(source.tree)
        for line in range(text.lineno, (text.end_lineno or text.lineno) + 1)
    }
    return [
        f"{source.path}:{number} {line.strip()}"
        for number, line in enumerate(source.text.splitlines(), 1)
        if number not in documented and CHINESE.search(line.partition("  # ")[0])
        if not line.lstrip().startswith("#")
    ]


def test_chinese_texts_stand_in_the_templates_only() -> None:
    allowed = {"push/templates.py", *CHINESE_IS_DATA}
    found = [
        fault for source in sources("server", "handlers", "push", "payment") for fault in chinese(source)
    ]
    assert [fault for fault in found if fault.split(":")[0] not in allowed] == []
    assert {fault.split(":")[0] for fault in found} == allowed, "an excuse nobody needs any more"


def test_words_of_the_staff_pages_stand_in_their_texts() -> None:
    pages = [(path, text) for path, text in kept_files() if path.startswith("console/")]
    found = {path for path, text in pages if CHINESE.search(text)}
    assert {path for path in found if not path.startswith("console/src/text/")} == set()
    assert "console/src/text/index.ts" in found, "the rule looks at nothing"


def test_a_chinese_value_is_seen_and_a_term_in_a_comment_is_not() -> None:
    assert chinese(Source("a.py", "title = '挂号'"))
    assert chinese(Source("a.py", "def f():\n    '''Registration 挂号.'''\n    return '挂号'")) == [
        "a.py:3 return '挂号'"
    ]
    assert (
        chinese(Source("a.py", "'''The code tables (scenes 用卡环节).'''\nA = '01'  # 居民身份证\n# 被扫\n"))
        == []
    )


def unexplained_catches(source: Source) -> list[str]:
    """`except Exception` (or wider) without a comment on or above it; one that raises again needs none."""
    lines = ["", *source.text.splitlines()]
    return [
        f"{source.path}:{node.lineno}"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
        and "  # " not in lines[node.lineno]
        and not lines[node.lineno - 1].lstrip().startswith("# ")
        and ast.unparse(node.body[-1]) != "raise"
    ]


def test_whoever_catches_everything_says_why() -> None:
    assert [fault for source in sources(*PRODUCTION) for fault in unexplained_catches(source)] == []
    assert unexplained_catches(Source("a.py", "try: ...\nexcept Exception:\n    ...")) == ["a.py:2"]
    assert (
        unexplained_catches(Source("a.py", "try: ...\nexcept Exception:  # told to all who wait\n    ..."))
        == []
    )
    assert unexplained_catches(Source("a.py", "try: ...\nexcept OSError:\n    ...")) == []
