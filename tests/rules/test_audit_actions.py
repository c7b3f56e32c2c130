"""Every act of the audit record, and what it is done to, has a Chinese name on the page that shows it."""

import ast
import re

from tests.rules.code import PLATFORM, ROOT, Source, sources

NAMES = ROOT / "console/src/text/actions.ts"


def recorded(source: Source, position: int = 0) -> set[str]:
    """The acts a file records, or (`position` 2) what they are done to, where that is a text."""
    calls = [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "record"
    ]
    given = [call.args[position] for call in calls if len(call.args) > position]
    return {one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def test_every_act_has_a_name() -> None:
    named = set(re.findall(r'^  "([a-z_.]+)":', NAMES.read_text("utf-8"), re.MULTILINE))
    acts = set().union(*(recorded(source) for source in sources(*PLATFORM)))
    assert len(acts) > 50
    assert sorted(acts - named) == []


def test_everything_acts_are_done_to_has_a_name() -> None:
    table = NAMES.read_text("utf-8").partition("export const OBJECTS")[2]
    named = set(re.findall(r'\b([a-z_]+): "', table))
    kinds = set().union(*(recorded(source, 2) for source in sources(*PLATFORM)))
    assert len(kinds) > 15
    assert sorted(kinds - named) == []


def test_an_act_is_seen() -> None:
    assert recorded(Source("server/a.py", 'audit.record("cards.move", by)\naudit.record(act, by)')) == {
        "cards.move"
    }
