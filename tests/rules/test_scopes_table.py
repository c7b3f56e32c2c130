"""The guide of partners names every scope there is, and no other."""

import re

from handlers.scopes import SCOPES
from tests.rules.code import ROOT


def test_the_guide_has_every_scope() -> None:
    guide = (ROOT / "docs" / "partner-api.md").read_text("utf-8")
    table = guide.partition("| scope | allows |")[2].partition("\n\n")[0]
    assert sorted(re.findall(r"^\| `([a-z.]+)` \|", table, re.MULTILINE)) == sorted(SCOPES)
