"""Every act of the audit record has a Chinese name on the page that shows it."""

import ast
import re

from tests.rules.code import PLATFORM, ROOT, Source, sources

NAMES = ROOT / "console/src/text/actions.ts"


def recorded(source: Source) -> set[str]:
    """The acts a file records, as far as they stand there as texts."""
    return {
        node.args[0].value
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "record"
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def test_every_act_has_a_name() -> None:
    named = set(re.findall(r'^  "([a-z_.]+)":', NAMES.read_text("utf-8"), re.MULTILINE))
    acts = set().union(*(recorded(source) for source in sources(*PLATFORM)))
    assert len(acts) > 50
    assert sorted(acts - named) == []


def test_an_act_is_seen() -> None:
    assert recorded(Source("server/a.py", 'audit.record("cards.move", by)\naudit.record(act, by)')) == {
        "cards.move"
    }
