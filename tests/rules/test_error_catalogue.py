"""docs/partner-api.md lists every code the platform can answer with, with its status, and no other."""

import ast
import re
from collections.abc import Iterator

from handlers.base import STATUS, status_of
from server.cards.model import Status
from server.core.errors import EhcError
from server.gateways.his.interface import HospitalUnavailable
from tests.rules.code import PLATFORM, ROOT, Source, called, sources

KINDS = {kind.__name__: kind for kind in STATUS}
ROW = re.compile(r"^\| `([a-z0-9_]+\.[a-z0-9_]+)` \| ([0-9]{3}) \|", re.MULTILINE)
# Tornado's own refusals, translated in `ApiHandler.write_error`.
TORNADO = {
    ("resource.not_found", 404),
    ("request.method_not_allowed", 405),
    ("request.malformed", 400),
    ("server.failed", 500),
}


def raised(source: Source) -> Iterator[tuple[ast.expr, type[EhcError]]]:
    """The code and the kind of every refusal the file makes."""
    for node in ast.walk(source.tree):
        kind = KINDS.get(called(node).rpartition(".")[2]) if isinstance(node, ast.Call) else None
        if kind is not None and isinstance(node, ast.Call) and node.args:
            yield node.args[0], kind
        if isinstance(node, ast.ClassDef):
            yield from _named_once(node)


def _named_once(node: ast.ClassDef) -> Iterator[tuple[ast.expr, type[EhcError]]]:
    """The code that a kind of its own gives to all its refusals: `super().__init__("noun.reason", …)`."""
    kinds = [KINDS[ast.unparse(base)] for base in node.bases if ast.unparse(base) in KINDS]
    for call in ast.walk(node):
        if kinds and isinstance(call, ast.Call) and ast.unparse(call.func) == "super().__init__":
            yield call.args[0], kinds[0]


def made_of(name: str) -> set[str]:
    """The first text given to every `name(...)`: budgets and peers name the codes they lead to."""
    return {
        node.args[position].value
        for position in (0, 1)
        for source in sources(*PLATFORM)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and called(node) == name and len(node.args) > position
        if isinstance(node.args[position], ast.Constant) and isinstance(node.args[position].value, str)
    }


def families() -> dict[str, set[str]]:
    """The codes that are put together: the f-string as it stands → what it can become."""
    return {
        "f'card.{card.status}'": {f"card.{status}" for status in Status if status is not Status.ACTIVE},
        "f'{budget.name}.too_many'": {f"{name}.too_many" for name in made_of("Budget")},
        "f'{peer}.unavailable'": {f"{name}.unavailable" for name in made_of("SharedSecretCaller")},
    }


def codes(source: Source) -> set[tuple[str, int]]:
    """(code, status) of every refusal; KeyError for a code put together in a way `families` does not know."""
    found = set()
    for code, kind in raised(source):
        names = {code.value} if isinstance(code, ast.Constant) else families()[ast.unparse(code)]
        found |= {(str(name), STATUS[kind]) for name in names}
    return found


def catalogue(text: str) -> set[tuple[str, int]]:
    return {(code, int(status)) for code, status in ROW.findall(text)}


def test_the_catalogue_has_every_code_with_its_status_and_no_other() -> None:
    real = TORNADO.union(*(codes(source) for source in sources(*PLATFORM)))
    written = catalogue((ROOT / "docs" / "partner-api.md").read_text("utf-8"))
    assert real - written == set(), "not in the catalogue, or with another status"
    assert written - real == set(), "in the catalogue, and nothing answers it"


def test_a_missing_code_and_a_wrong_status_are_seen() -> None:
    made = codes(Source("a.py", "raise Conflict('card.eaten', 'by the dog')"))
    assert made == {("card.eaten", 409)}
    assert made - catalogue("| `card.eaten` | 409 | eaten | claim another |") == set()
    assert made - catalogue("| `card.eaten` | 422 | eaten | claim another |") == made


def test_the_code_of_a_kind_of_its_own_is_seen() -> None:
    own = "class Away(Unavailable):\n    def __init__(self):\n        super().__init__('cat.away', 'hunting')"
    assert codes(Source("a.py", own)) == {("cat.away", 503)}
    assert status_of(HospitalUnavailable) == 503


def test_codes_that_are_put_together_are_known() -> None:
    assert families()["f'{budget.name}.too_many'"] >= {"sms.too_many", "login.too_many"}
    assert families()["f'{peer}.unavailable'"] >= {"sms.unavailable", "real_name.unavailable"}
