"""The typed shape of one method of one route.

`@operation(...)` on a handler's method says what it takes and gives.  From that come the checking of every
request, the answer, and the OpenAPI document; nothing is said twice.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeVar, get_type_hints

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
    TypeAdapter,
)
from pydantic import ValidationError as ShapeError

from server.core.clock import iso
from server.core.errors import EhcError, Malformed, NotFound
from server.core.ids import ID_PATTERN

MAX_BODY_BYTES = 64 * 1024
MAX_FAULTS_SHOWN = 20
MAX_PARTS = 10_000

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]


_MOMENT = TypeAdapter(AwareDatetime)


def _read_moment(given: Any) -> Any:
    """A number is no time here: the library would take it for seconds since 1970."""
    if not isinstance(given, str):
        return given
    if "T" not in given.upper():
        raise ValueError("a time is written as 2026-11-22T08:00:00Z")
    return _MOMENT.validate_strings(given)


Time = Annotated[AwareDatetime, BeforeValidator(_read_moment), PlainSerializer(iso, when_used="json")]


class Model(BaseModel):
    """A request or a reply: no unknown field, no silent conversion."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    REPEATED: ClassVar[frozenset[str]] = (
        frozenset()
    )  # query parameters that may come several times: joined by commas


class Reply:
    """How a method ends; `base.STATUS` has the number of each."""

    def __init__(self, content: Model | None = None) -> None:
        self.content = content


class Ok(Reply):
    pass


class Created(Reply):
    pass


class Accepted(Reply):
    pass


class NoContent(Reply):
    pass


class Picture(Reply):
    """Bytes of a picture instead of an object."""

    def __init__(self, content: bytes, media_type: str) -> None:
        super().__init__()
        self.picture = content
        self.media_type = media_type


@dataclass(frozen=True)
class Operation:
    summary: str
    body: type[BaseModel] | None
    query: type[Model] | None
    reply: type[Model] | None
    replies: tuple[type[Reply], ...]
    refuses: tuple[type[EhcError], ...]
    scope: str | None
    permission: str | None
    idempotent: bool
    max_body_bytes: int
    media_type: str
    takes: tuple[str, ...]
    path: dict[str, TypeAdapter[Any]]

    NAME: ClassVar[str] = "__operation__"


Method = TypeVar("Method", bound=Callable[..., Awaitable[Reply]])


def operation(
    summary: str,
    *,
    body: type[BaseModel] | None = None,
    query: type[Model] | None = None,
    reply: type[Model] | None = None,
    replies: tuple[type[Reply], ...] = (Ok,),
    refuses: tuple[type[EhcError], ...] = (),
    scope: str | None = None,
    permission: str | None = None,
    idempotent: bool = False,
    max_body_bytes: int = MAX_BODY_BYTES,
    media_type: str = "application/json",
    takes: tuple[str, ...] = (),
) -> Callable[[Method], Callable[..., Awaitable[None]]]:
    """Turns `async def post(self, body=..., card_id=...) -> Reply` into a Tornado method.

    `refuses` names the kinds of error this route can give beyond those that follow from its shape;
    `idempotent` lets the caller send an Idempotency-Key; `takes` names the media types of a body that is
    bytes and no object, which the method reads itself.
    """

    def decorate(method: Method) -> Callable[..., Awaitable[None]]:
        hints = get_type_hints(method, include_extras=True)
        path = {k: TypeAdapter(v) for k, v in hints.items() if k not in ("body", "query", "return")}
        described = Operation(
            summary,
            body,
            query,
            reply,
            replies,
            refuses,
            scope,
            permission,
            idempotent,
            max_body_bytes,
            media_type,
            takes,
            path,
        )

        async def answer(self: Any, **parts: str) -> None:
            await self.answer(described, method, parts)

        answer.__name__, answer.__doc__ = method.__name__, method.__doc__
        setattr(answer, Operation.NAME, described)
        return answer

    return decorate


def read_path(described: Operation, parts: dict[str, str]) -> dict[str, Any]:
    try:
        return {name: described.path[name].validate_python(value) for name, value in parts.items()}
    except ShapeError:
        raise NotFound("resource.not_found", "there is no such resource") from None


def read_query(model: type[Model], arguments: dict[str, list[bytes]]) -> Model:
    values = {}
    for name, given in arguments.items():
        may_repeat = name in model.REPEATED
        if len(given) != 1 and not may_repeat:
            raise Malformed("request.invalid", "a query parameter came twice", fields=[_shown(name)])
        try:
            texts = [one.decode() for one in given]
            values[name] = ",".join(texts)
        except UnicodeDecodeError:
            raise Malformed("request.invalid", "a query parameter is not UTF-8") from None
    try:
        return model.model_validate_strings(values)
    except ShapeError as error:
        raise Malformed(
            "request.invalid", "the query is not what this route takes", faults=_faults(error)
        ) from None


def read_body(model: type[BaseModel], body: bytes) -> BaseModel:
    if body.count(b",") > MAX_PARTS:  # reading is quick by the byte and slow by the part
        raise Malformed("request.invalid", "the body has too many parts")
    try:
        json.loads(body, object_pairs_hook=_refuse_duplicates, parse_constant=_refuse_constant)
        return model.model_validate_json(body)
    except ShapeError as error:
        raise Malformed(
            "request.invalid", "the body is not what this route takes", faults=_faults(error)
        ) from None
    except (ValueError, RecursionError):
        raise Malformed("request.not_json", "the body is not JSON, or has a name twice") from None


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name came twice")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _faults(error: ShapeError) -> list[dict[str, str]]:
    """Where and what kind; never the value, which may be personal."""
    return [
        {"field": ".".join(_shown(part) for part in fault["loc"]), "problem": fault["type"]}
        for fault in error.errors(include_url=False, include_input=False, include_context=False)[
            :MAX_FAULTS_SHOWN
        ]
    ]


def _shown(name: object) -> str:
    """Names that a caller made up are cut: an ID number could stand where a field name should."""
    text = str(name)
    return text if text.isascii() and text.replace("_", "").isalpha() and len(text) <= 40 else "?"
