"""Every route says what it is: its document and its checks come from that."""

from typing import Any

import pytest

from handlers.authentication import PartnerHandler, PublicHandler, StaffHandler
from handlers.base import ApiHandler
from handlers.openapi import METHODS, Route, document, operations
from handlers.requests import Model, NoContent, Ok, Operation, Picture, operation
from handlers.routes import ROUTER_ROUTES, ROUTES
from handlers.staff.accounts import StaffAccounts
from tests.api.test_access import ANY_STAFF


def undescribed(route: Route) -> list[str]:
    """What a route leaves unsaid."""
    path, handler = route
    own = {name: getattr(handler, name) for name in METHODS if getattr(handler, name) is not _inherited(name)}
    found = [] if own else [f"{path}: no method"]
    for name, method in own.items():
        described: Operation | None = getattr(method, Operation.NAME, None)
        where = f"{name.upper()} {path}"
        if described is None:
            found.append(f"{where}: no @operation")
            continue
        if not described.summary or described.summary.endswith(".") or not described.summary[0].isupper():
            found.append(f"{where}: the summary is not one phrase")
        if not described.replies:
            found.append(f"{where}: no reply")
        is_bare = (
            not set(described.replies) & {NoContent, Picture} and described.media_type == "application/json"
        )
        if described.reply is None and is_bare:
            found.append(f"{where}: the reply has no shape")
        if issubclass(handler, PartnerHandler) and described.scope is None:
            found.append(f"{where}: a partner's call without a scope")
        if issubclass(handler, StaffHandler) and described.permission is None:
            if (path, name.upper()) not in ANY_STAFF:
                found.append(f"{where}: a call of staff without a permission")
        elif described.permission is not None and not issubclass(handler, StaffHandler):
            found.append(f"{where}: a permission that nobody asks for")
    return found


def _inherited(name: str) -> Any:
    return getattr(ApiHandler, name)


def test_every_route_is_described() -> None:
    assert [fault for route in [*ROUTES, *ROUTER_ROUTES] for fault in undescribed(route)] == []


def test_no_route_is_listed_twice_and_every_audience_has_its_prefix() -> None:
    for paths in ([path for path, _ in ROUTES], [path for path, _ in ROUTER_ROUTES]):
        assert len(paths) == len(set(paths))
    prefixes = {
        "partner": "/partner/v1/",
        "resident": "/api/v1/",
        "staff": "/staff/v1/",
        "federation": "/federation/v1/",
    }
    for path, handler in [*ROUTES, *ROUTER_ROUTES]:
        audience = str(getattr(handler, "audience", ""))
        own_words = ("/fhir/",) if audience == "partner" else ()  # where a standard says the path
        assert path.startswith((prefixes.get(audience, "/"), *own_words)), (path, audience)


class _Shape(Model):
    answer: int


class _Undescribed(PublicHandler):
    async def get(self) -> None: ...  # type: ignore[override]


class _Empty(PublicHandler):
    pass


class _Careless(PartnerHandler):
    @operation("verify a code.", replies=())
    async def post(self) -> Ok:
        return Ok()


class _Open(StaffHandler):
    @operation("See everything", reply=_Shape)
    async def get(self) -> Ok:
        return Ok()


class _Idle(PublicHandler):
    @operation("See everything", reply=_Shape, permission="audit.read")
    async def get(self) -> Ok:
        return Ok()


class _Careful(PartnerHandler):
    @operation("Verify a code", reply=_Shape, scope="verification")
    async def post(self) -> Ok:
        return Ok(_Shape(answer=1))


def test_a_route_that_says_too_little_is_seen() -> None:
    assert undescribed(("/a", _Undescribed)) == ["GET /a: no @operation"]
    assert undescribed(("/a", _Empty)) == ["/a: no method"]
    assert undescribed(("/a", _Careless)) == [
        "POST /a: the summary is not one phrase",
        "POST /a: no reply",
        "POST /a: the reply has no shape",
        "POST /a: a partner's call without a scope",
    ]
    assert undescribed(("/a", _Open)) == ["GET /a: a call of staff without a permission"]
    assert undescribed(("/a", _Idle)) == ["GET /a: a permission that nobody asks for"]
    assert undescribed(("/a", _Careful)) == []


class _Misspelt(StaffHandler):
    @operation("See everything", reply=_Shape, permission="audit.raed")
    async def get(self) -> Ok:
        return Ok()


def test_a_permission_in_no_table_is_refused_when_the_process_starts() -> None:
    with pytest.raises(ValueError, match=r"audit\.raed"):
        operations([("/staff/v1/a", _Misspelt)])
    described = document([("/staff/v1/audit", StaffAccounts)])["paths"]["/staff/v1/audit"]
    assert described["post"]["x-permission"] == "staff.manage"
    assert described["post"]["security"] == [{"staff": []}]
