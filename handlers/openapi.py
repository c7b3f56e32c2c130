"""The route table as an OpenAPI 3.1 document: docs/openapi.json, /openapi.json."""

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from handlers.authentication import PartnerHandler, ResidentHandler, StaffHandler
from handlers.base import REPLY_STATUS, STATUS, ApiHandler
from handlers.federation.peers import PeerHandler
from handlers.requests import NoContent, Operation
from handlers.scopes import SCOPES
from server import __version__
from server.core.errors import (
    Conflict,
    EhcError,
    Forbidden,
    InvalidInput,
    Malformed,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from server.staff.roles import PERMISSIONS

Route = tuple[str, type[ApiHandler]]
METHODS = ("get", "post", "put", "patch", "delete")
SIGNED_HEADERS = {
    "X-Key-Id": "id of the key, or of the terminal session",
    "X-Timestamp": "milliseconds since the epoch, at most ±300 s off",
    "X-Nonce": "32 lower-case hex digits, never used before",
    "X-Sign-Type": "SM2 or HMAC-SM3",
    "X-Signature": "base64 of the signature",
}


class ErrorContent(BaseModel):
    code: str
    message: str
    detail: dict[str, Any]


class ErrorReply(BaseModel):
    error: ErrorContent
    request_id: str


def operations(routes: Iterable[Route]) -> list[tuple[str, str, type[ApiHandler], Operation]]:
    """(path, method, handler, operation) of every method of every route; ValueError for a scope or a
    permission that is in no table."""
    found = []
    for path, handler in routes:
        for method in METHODS:
            described = getattr(getattr(handler, method), Operation.NAME, None)
            if described is None:
                continue
            if described.scope is not None and described.scope not in SCOPES:
                raise ValueError(f"{method} {path} needs a scope that is in no table: {described.scope}")
            if described.permission is not None and described.permission not in PERMISSIONS:
                raise ValueError(
                    f"{method} {path} needs a permission that is in no table: {described.permission}"
                )
            found.append((path, method, handler, described))
    return found


def document(routes: Iterable[Route]) -> dict[str, Any]:
    found = operations(routes)
    models: set[tuple[type[BaseModel], str]] = {(ErrorReply, "serialization")}
    for _, _, _, described in found:
        if described.body:
            models.add((described.body, "validation"))
        if described.reply:
            models.add((described.reply, "serialization"))
    ordered: Any = sorted(models, key=lambda pair: (pair[0].__name__, pair[1]))
    references, definitions = models_json_schema(ordered, ref_template="#/components/schemas/{model}")
    paths: dict[str, dict[str, Any]] = {}
    for path, method, handler, described in found:
        paths.setdefault(path, {})[method] = _operation(path, method, handler, described, references)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Electronic health card platform",
            "version": __version__,
            "description": "Residents: /api/v1, with a session. Hospitals: /partner/v1, signed; "
            "see docs/partner-api.md. Staff of the card centre: /staff/v1, with a session of their own. "
            "Other card centres: /federation/v1, signed, by the national router; see docs/federation.md.",
        },
        "paths": paths,
        "components": {
            "schemas": definitions.get("$defs", {}),
            "securitySchemes": {
                "resident": {"type": "http", "scheme": "bearer"},
                "staff": {"type": "http", "scheme": "bearer"},
                **{
                    signed: {
                        "type": "apiKey",
                        "in": "header",
                        "name": "X-App-Id",
                        "description": "with "
                        + "; ".join(f"{name}: {meaning}" for name, meaning in SIGNED_HEADERS.items()),
                    }
                    for signed in ("partner", "federation")
                },
            },
        },
    }


def _operation(
    path: str, method: str, handler: type[ApiHandler], described: Operation, references: Any
) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "operationId": f"{method}_{path.strip('/').replace('/', '_').replace('.', '_').translate(_BRACES)}",
        "summary": described.summary,
        "tags": [_audience(handler)],
        "parameters": _parameters(described),
        "responses": {},
    }
    if _audience(handler) != "public":
        entry["security"] = [{_audience(handler): []}]
    if described.scope:
        entry["x-scope"] = described.scope
    if described.permission:
        entry["x-permission"] = described.permission
    if described.body:
        schema = references[(described.body, "validation")]
        entry["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if described.takes:
        picture = {"schema": {"type": "string", "format": "binary"}}
        entry["requestBody"] = {"required": True, "content": dict.fromkeys(described.takes, picture)}
    for reply in described.replies:
        entry["responses"][str(REPLY_STATUS[reply])] = _success(reply, described, references)
    schema = references[(ErrorReply, "serialization")]
    media_type = "application/json"
    if handler.refusal is not None:
        schema, media_type = handler.refusal.model_json_schema(), described.media_type
    for kind in _refusals(handler, described):
        code = STATUS[kind]
        entry["responses"][str(code)] = {
            "description": HTTPStatus(code).phrase,
            "content": {media_type: {"schema": schema}},
        }
    return entry


_BRACES = str.maketrans({"{": None, "}": None, "-": "_"})


def _success(reply: type[Any], described: Operation, references: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {"description": HTTPStatus(REPLY_STATUS[reply]).phrase}
    if described.reply is not None and reply is not NoContent:
        schema = references[(described.reply, "serialization")]
        entry["content"] = {described.media_type: {"schema": schema}}
    elif described.media_type != "application/json":
        entry["content"] = {described.media_type: {"schema": {"type": "string"}}}
    return entry


def _parameters(described: Operation) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": adapter.json_schema()}
        for name, adapter in described.path.items()
    ]
    if described.query is not None:
        schema = described.query.model_json_schema()
        for name, shape in schema["properties"].items():
            required = name in schema.get("required", [])
            parameters.append({"name": name, "in": "query", "required": required, "schema": shape})
    if described.idempotent:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "the same key and body get the same answer for 24 hours",
                "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
            }
        )
    return parameters


def _refusals(handler: type[ApiHandler], described: Operation) -> list[type[EhcError]]:
    """What can be answered besides success: what follows from the shape, and what the method declared."""
    kinds: set[type[EhcError]] = {Malformed, TooLarge, Unavailable, *described.refuses}
    if issubclass(handler, ResidentHandler | PartnerHandler | StaffHandler | PeerHandler):
        kinds.add(Unauthenticated)
    if issubclass(handler, PartnerHandler) or described.permission is not None:
        kinds.add(Forbidden)
    if described.path:
        kinds.add(NotFound)
    if described.idempotent:
        kinds |= {Conflict, InvalidInput}
    return sorted(kinds, key=lambda kind: STATUS[kind])


def _audience(handler: type[ApiHandler]) -> str:
    return str(getattr(handler, "audience", "public"))


def as_json(routes: Iterable[Route]) -> str:
    return json.dumps(document(routes), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
