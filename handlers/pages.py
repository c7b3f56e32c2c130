"""What browsers load: the built web pages, /docs and /openapi.json."""

from http import HTTPStatus
from typing import Any

import tornado.web

from handlers.base import ApiHandler, log_failure

PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)


# Nothing inline at all: the staff pages set styles from their script, which this does not forbid.
CONSOLE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class WebPages(tornado.web.StaticFileHandler):
    """The resident's pages.  Built files carry their hash in their names; the page itself is asked anew."""

    policy = PAGE_POLICY

    def set_extra_headers(self, path: str) -> None:
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Content-Security-Policy", self.policy)
        hashed = path.startswith("assets/")
        self.set_header("Cache-Control", "public, max-age=31536000, immutable" if hashed else "no-cache")

    def write_error(self, status_code: int, **_: Any) -> None:
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.finish(f"{status_code}: {HTTPStatus(status_code).phrase.lower()}")

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        log_failure("pages", typ, value, tb)


class ConsolePages(WebPages):
    """The pages of the card centre's staff."""

    policy = CONSOLE_POLICY


class Document(ApiHandler):
    """A page that is the same for everybody."""

    def initialize(self, services: Any, content: str, media_type: str) -> None:  # type: ignore[override]
        super().initialize(services)
        self.content = content
        self.media_type = media_type

    async def get(self) -> None:
        self.route = self.request.path
        self.set_header("Content-Security-Policy", PAGE_POLICY)
        self.set_header("Content-Type", f"{self.media_type}; charset=UTF-8")
        self.finish(self.content)
