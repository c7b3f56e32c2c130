"""What every handler does: read the request as its declared type, call one service, answer.

Status codes stand here and nowhere else.
"""

import secrets
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import structlog
import tornado.web
from tornado.netutil import is_valid_ip

from handlers.requests import (
    Accepted,
    Created,
    Model,
    NoContent,
    Ok,
    Operation,
    Picture,
    Reply,
    read_body,
    read_path,
    read_query,
)
from server.core.errors import (
    Conflict,
    EhcError,
    Forbidden,
    InvalidInput,
    Malformed,
    NotFound,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from server.core.observability import request_id
from server.services import Services

STATUS: dict[type[EhcError], int] = {
    Malformed: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    InvalidInput: 422,
    TooMany: 429,
    Unavailable: 503,
}
REPLY_STATUS: dict[type[Reply], int] = {Ok: 200, Picture: 200, Created: 201, Accepted: 202, NoContent: 204}
MAX_KEY_LENGTH = 128
JSON = "application/json; charset=UTF-8"

log = structlog.get_logger()


def status_of(kind: type[EhcError]) -> int:
    """By the nearest kind in STATUS: a gateway may name a kind of its own."""
    return next(STATUS[known] for known in kind.__mro__ if known in STATUS)


def error_body(error: EhcError, request: str) -> bytes:
    return tornado.escape.json_encode(
        {
            "error": {"code": error.code, "message": error.message, "detail": error.detail},
            "request_id": request,
        }
    ).encode()


class ApiHandler(tornado.web.RequestHandler):
    """A route of the JSON API.  Subclasses say who may ask (`authenticate`) and may sign (`respond`)."""

    services: Services
    request_id = ""
    refusal: type[Model] | None = None  # the shape of a refusal, where it is not the API's own
    route_name = "unknown"

    def initialize(self, services: Services) -> None:
        self.services = services
        self.request_id = secrets.token_hex(8)
        request_id.set(self.request_id)
        self.set_header("X-Request-Id", self.request_id)
        self.route = self.route_name

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")

    def compute_etag(self) -> None:
        """None: nothing here may be kept by a cache, so nobody would ask whether it changed."""

    @property
    def source(self) -> str:
        """The address the request came from; of a proxy of ours, the address it says it served."""
        address = self.request.remote_ip or "?"
        if address in self.settings.get("trusted_proxies", ()):
            forwarded = self.request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
            return forwarded if is_valid_ip(forwarded) else address
        return address

    async def authenticate(self, described: Operation) -> str:
        """Who is asking, as a string that is never shared by two callers; raises Unauthenticated."""
        return f"public:{self.source}"

    async def answer(
        self, described: Operation, method: Callable[..., Awaitable[Reply]], parts: dict[str, str]
    ) -> None:
        """One request, start to end; `described` is what `@operation` said of the method."""
        with self.services.health.at_work():
            await self._answer(described, method, parts)

    async def _answer(
        self, described: Operation, method: Callable[..., Awaitable[Reply]], parts: dict[str, str]
    ) -> None:
        try:
            if len(self.request.body) > described.max_body_bytes:
                raise TooLarge(
                    "request.too_large",
                    "the body is larger than this route takes",
                    max_bytes=described.max_body_bytes,
                )
            caller = await self.authenticate(described)
            arguments = read_path(described, parts)
            if described.query is not None:
                arguments["query"] = read_query(described.query, self.request.query_arguments)
            elif self.request.query_arguments:
                raise Malformed("request.invalid", "this route takes no query")
            if described.body is not None:
                arguments["body"] = read_body(described.body, self.request.body)

            async def act() -> tuple[int, bytes, str]:
                return _rendered(await method(self, **arguments))

            key = self.request.headers.get("Idempotency-Key") if described.idempotent else None
            if key is None:
                await self.respond(*await act())
            else:
                await self._answer_once(caller, key, act)
        except EhcError as error:
            await self.refuse(error)

    async def _answer_once(
        self, caller: str, key: str, act: Callable[[], Awaitable[tuple[int, bytes, str]]]
    ) -> None:
        if not key.isascii() or not key.isprintable() or not 1 <= len(key) <= MAX_KEY_LENGTH:
            raise Malformed(
                "idempotency.key_invalid", f"Idempotency-Key: 1 to {MAX_KEY_LENGTH} visible characters"
            )
        kept = self.services.idempotency
        row_id = kept.row_id(caller, f"{self.request.method} {self.request.path}", key)
        self.idempotency_row = row_id
        before = await kept.begin(row_id, self.request.body)
        if before is not None:
            await self.respond(before.status, before.body, JSON)
            return
        try:
            status, body, media_type = await act()
        except (Unavailable, TooMany, Unauthenticated):
            await kept.abandon(row_id)
            raise
        except EhcError as error:
            status, body, media_type = status_of(type(error)), error_body(error, self.request_id), JSON
        answer = await kept.keep(row_id, status, body)
        await self.respond(answer.status, answer.body, media_type)

    idempotency_row: str | None = None

    async def respond(self, status: int, body: bytes, media_type: str = JSON) -> None:
        self.set_status(status)
        if status == HTTPStatus.NO_CONTENT:
            self.finish()
            return
        self.set_header("Content-Type", media_type)
        self.finish(body)

    async def refuse(self, error: EhcError) -> None:
        if isinstance(error, TooMany | Unavailable):
            self.set_header("Retry-After", str(error.retry_after_s))
        if isinstance(error, Unauthenticated):
            self.set_header("WWW-Authenticate", "Bearer")
        await self.respond(status_of(type(error)), error_body(error, self.request_id))

    def write_error(self, status_code: int, **_: Any) -> None:
        """Tornado's own refusals (no such route, wrong method, a bug), in our form and without detail."""
        codes = {404: "resource.not_found", 405: "request.method_not_allowed"}
        code = codes.get(status_code, "request.malformed" if status_code < 500 else "server.failed")
        if status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            self.set_header("Allow", ", ".join(self.allowed_methods()))
        self.set_header("Content-Type", JSON)
        error = EhcError(code, HTTPStatus(status_code).phrase)
        self.finish(error_body(error, self.request_id))

    @classmethod
    def allowed_methods(cls) -> list[str]:
        unanswered = tornado.web.RequestHandler
        return [
            name.upper()
            for name in ("get", "post", "put", "patch", "delete")
            if getattr(cls, name) is not getattr(unanswered, name)
        ]

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        log_failure(self.route, typ, value, tb)

    def on_finish(self) -> None:
        status = self.get_status()
        seconds = time.time() - self.request._start_time
        # A caller may send any word as method: counted by name, each would be a counter for ever.
        method = self.request.method if self.request.method in self.SUPPORTED_METHODS else "other"
        self.services.metrics.count_request(self.route, method, status, seconds)
        log.info(
            "request",
            route=self.route,
            method=method,
            status=status,
            took_ms=round(seconds * 1000, 1),
        )


def log_failure(route: str, typ: Any, value: Any, tb: Any) -> None:
    """Tornado's own way prints the whole request, with identifiers; an error's text may hold some too."""
    if isinstance(value, tornado.web.HTTPError):
        return
    places = []
    while tb is not None:
        code = tb.tb_frame.f_code
        places.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{tb.tb_lineno} {code.co_name}")
        tb = tb.tb_next
    log.error("request.failed", route=route, error=getattr(typ, "__name__", "?"), at=places[-8:])


class NotFoundHandler(ApiHandler):
    """Whatever is in no table of routes."""

    def prepare(self) -> None:
        raise tornado.web.HTTPError(404)


def _rendered(reply: Reply) -> tuple[int, bytes, str]:
    if isinstance(reply, Picture):
        return REPLY_STATUS[Picture], reply.picture, reply.media_type
    body = b"" if reply.content is None else reply.content.model_dump_json().encode()
    return REPLY_STATUS[type(reply)], body, JSON
