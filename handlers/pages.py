"""What browsers load: the built web pages, /docs and /openapi.json."""

from http import HTTPStatus
from typing import Any

import tornado.web

from handlers import docs, openapi
from handlers.base import ApiHandler

PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)


class WebPages(tornado.web.StaticFileHandler):
    """The resident's pages.  Built files carry their hash in their names; the page itself is asked anew."""

    def set_extra_headers(self, path: str) -> None:
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Content-Security-Policy", PAGE_POLICY)
        hashed = path.startswith("assets/")
        self.set_header("Cache-Control", "public, max-age=31536000, immutable" if hashed else "no-cache")

    def write_error(self, status_code: int, **_: Any) -> None:
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.finish(f"{status_code}: {HTTPStatus(status_code).phrase.lower()}")


class _Document(ApiHandler):
    media_type = "application/json"

    def initialize(self, services: Any, routes: list[openapi.Route]) -> None:  # type: ignore[override]
        super().initialize(services)
        self.routes = routes

    def content(self) -> str:
        return openapi.as_json(self.routes)

    async def get(self) -> None:
        self.route = self.request.path
        self.set_header("Content-Security-Policy", PAGE_POLICY)
        self.set_header("Content-Type", f"{self.media_type}; charset=UTF-8")
        self.finish(self.content())


class OpenApiDocument(_Document):
    pass


class DocsPage(_Document):
    media_type = "text/html"

    def content(self) -> str:
        return docs.as_page(self.routes)


class DocsStyle(_Document):
    media_type = "text/css"

    def content(self) -> str:
        return docs.STYLE
