"""The sandbox's own web pages: templates, and the assets they load from /assets/."""

from pathlib import Path
from typing import Any

from tornado.template import Loader

from sandbox.service import HTML, Answer

FOLDER = Path(__file__).parent
ASSETS = FOLDER / "assets"

_loader = Loader(str(FOLDER))


def page(name: str, **values: Any) -> Answer:
    """The template `name`, filled in; every value is escaped."""
    return Answer(_loader.load(name).generate(**values), content_type=HTML)
