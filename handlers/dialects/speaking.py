"""What both dialects share: a call is read, proven, done, and answered in the dialect's own form.

Existing software reads the code in the body and nothing else, so every answer of a rule is an HTTP success.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated, Any, TypeVar

import tornado.web
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from handlers.base import JSON, REPLY_STATUS, ApiHandler
from handlers.requests import Ok
from server.core.clock import CITY_AHEAD_S, Clock
from server.core.errors import EhcError, Forbidden, Malformed, TooMany, Unavailable
from server.partners.dialects.envelopes import as_json
from server.partners.dialects.service import Proven
from server.partners.model import Terminal
from server.services import Services

GENDERS = {"1": "male", "2": "female"}
"GB/T 2261.1, as `ehc.*` writes it."
MAX_TEXT = 400
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT)]
CardNo = Annotated[str, StringConstraints(pattern=r"^[0-9A-F]{64}$")]


class Said(BaseModel):
    """What a call says.  Existing software sends more than it means: names we do not know are passed over,
    empty and null fields are left out, a number may stand for a text."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, coerce_numbers_to_str=True, hide_input_in_errors=True
    )

    @model_validator(mode="before")
    @classmethod
    def _without_nothing(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if value not in (None, "")}


S = TypeVar("S", bound=Said)


def read_said(model: type[S], given: Mapping[str, Any]) -> S:
    """Malformed `request.invalid` with the names of the fields, never what is in them."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        known = {field.alias or name for name, field in model.model_fields.items()}
        named = {str(fault["loc"][0]) for fault in error.errors(include_input=False) if fault["loc"]}
        raise Malformed(
            "request.invalid", f"wrong: {', '.join(sorted(named & known)) or 'the call'}"
        ) from None


@dataclass(frozen=True)
class Speaking:
    """A proven call on its way: what can be done, as whom, at which terminal, and what was said."""

    services: Services
    proven: Proven
    term_id: str

    @property
    def clock(self) -> Clock:
        return self.services.dialects.clock

    async def terminal(self, named: str | None = None) -> Terminal:
        return await self.services.dialects.get_terminal(self.proven, named or self.term_id)

    def may(self, scope: str) -> bool:
        return scope in self.proven.caller.app.scopes

    def require_scope(self, scope: str) -> None:
        if not self.may(scope):
            raise Forbidden("scope.missing", f"the app lacks the scope {scope}", scope=scope)


Act = Callable[[Speaking, Any], Awaitable[Any]]


@dataclass(frozen=True)
class Call:
    """One call of a dialect: the scope it needs, what it says, and what is done."""

    scope: str
    says: type[Said]
    act: Act

    async def __call__(self, speaking: Speaking, given: Mapping[str, Any]) -> Any:
        speaking.require_scope(self.scope)
        return await self.act(speaking, read_said(self.says, given))


class DialectHandler(ApiHandler):
    """One address of a dialect."""

    audience = "dialect"

    @property
    def is_secure(self) -> bool:
        """Whether the call came over TLS, by the word of the connection or of a proxy of ours."""
        if self.request.remote_ip in self.settings.get("trusted_proxies", ()):
            return self.request.headers.get("X-Forwarded-Proto", "").strip().lower() == "https"
        return self.request.protocol == "https"

    async def tell(self, content: Any) -> None:
        await self.respond(REPLY_STATUS[Ok], as_json(content).encode(), JSON)

    async def tell_refusal(self, error: EhcError, content: Any) -> None:
        if isinstance(error, TooMany | Unavailable):
            self.set_header("Retry-After", str(error.retry_after_s))
        await self.tell(content)

    def in_words(self, error: EhcError) -> Any:
        """An error as the dialect says it when nothing is proven."""
        raise AssertionError("each dialect has its own words")

    def write_error(self, status_code: int, **known: Any) -> None:
        """A bug, or another method than POST: in the dialect's form too."""
        cause = known.get("exc_info", (None, None))[1]
        error = EhcError("server.failed", "something is broken here; ask again later")
        if isinstance(cause, tornado.web.HTTPError):
            error = Malformed("request.malformed", "this is no call of the dialect")
        self.set_header("Content-Type", JSON)
        self.finish(as_json(self.in_words(error)))


def read_day(text: str | None) -> date | None:
    """`2020-01-31` or `20200131`; Malformed `request.invalid`."""
    try:
        return None if text is None else _read(text, ("%Y-%m-%d", "%Y%m%d")).date()
    except ValueError:
        raise Malformed("request.invalid", "a day is written 2020-01-31") from None


def read_moment(given: Any) -> datetime:
    """`20200131235959` or `2020-01-31 23:59:59`, by the clock on the hospital's wall; ValueError."""
    at = _read(str(given), ("%Y%m%d%H%M%S", "%Y-%m-%d %H:%M:%S"))
    return at.replace(tzinfo=timezone(timedelta(seconds=CITY_AHEAD_S))).astimezone(UTC)


def _read(text: str, forms: tuple[str, ...]) -> datetime:
    for form in forms:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    raise ValueError("of no form")
