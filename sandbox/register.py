"""What the registers of the city share: reading an entry, and the serial number of an answer."""

import secrets
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError

from sandbox.service import Answer, json_answer, json_object

M = TypeVar("M", bound=BaseModel)


def read_entry(kind: type[M], raw: object) -> M:
    """The entry in a request; raises 422 naming the first field that is missing or wrong, never its value."""
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise HTTPError(422, reason=f"Wrong or missing: {field}") from None


def read_entries(kind: type[M], request: HTTPServerRequest, plural: str) -> list[M]:
    """One entry, or {plural: [...]}."""
    body = json_object(request)
    return [read_entry(kind, raw) for raw in body.get(plural, [body])]


def with_serial_no(letters: str, answer: dict[str, Any]) -> Answer:
    """The answer with a serial number of its own."""
    return json_answer({**answer, "serial_no": f"{letters}-{secrets.token_hex(12)}"})
