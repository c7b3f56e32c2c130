"""docs/operations.md has the settings as server/settings.py has them."""

from server.settings import as_markdown
from tests.rules.code import ROOT


def test_the_table_of_settings_is_the_one_of_the_code() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    _, mark, table = text.partition("<!-- settings: made by `ehc settings`, checked by a test -->\n")
    assert mark and table == as_markdown(), "run `ehc settings` and put its output at the end of the page"
