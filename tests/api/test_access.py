"""Who may call what: every route against every kind of caller, from the table of routes."""

import itertools
import re
from typing import Any

import pytest

from handlers.openapi import operations
from handlers.routes import ROUTES
from handlers.scopes import SCOPES
from server.staff.roles import PERMISSIONS
from tests.api.calls import SignedCall, call
from tests.api.test_operator_injection import BODIES
from tests.harness import Answer, Http, Platform

pytestmark = [pytest.mark.feature("C1", "V4"), pytest.mark.gen_test(timeout=60)]

NOBODY = "0" * 26
ALL = [(path, method.upper(), handler.audience, op) for path, method, handler, op in operations(ROUTES)]
PUBLIC = {
    ("/api/v1/sms-codes", "POST"),
    ("/api/v1/sessions", "POST"),
    ("/staff/v1/sessions", "POST"),
    ("/staff/v1/enrolment", "POST"),
    ("/staff/v1/enrolment/confirmation", "POST"),
    ("/partner/v1/admissions", "POST"),
    ("/partner/v1/admissions/states", "POST"),
    ("/partner/v1/admissions/documents", "POST"),
    ("/health/live", "GET"),
    ("/health/ready", "GET"),
    ("/metrics", "GET"),
}


# What every member of staff may do, whatever the roles.
ANY_STAFF = {
    ("/staff/v1/sessions/current", "GET"),
    ("/staff/v1/sessions/current", "DELETE"),
    ("/staff/v1/password", "PUT"),
}


def target(path: str, card_id: str = NOBODY, message_id: str = NOBODY) -> str:
    path = path.replace("{card_id}", card_id).replace("{message_id}", message_id)
    return re.sub(r"\{\w+\}", NOBODY, path)


async def plain(http: Http, method: str, path: str, **more: Any) -> Answer:
    return await http.send(method, path, raw=b"" if method in ("POST", "PUT", "PATCH") else None, **more)


def signed(platform: Platform, method: str, path: str) -> SignedCall:
    return call(platform, b"{}" if method in ("POST", "PUT", "PATCH") else b"", method=method, path=path)


async def test_what_is_public_is_listed_here_and_nothing_else() -> None:
    assert {(path, method) for path, method, audience, _ in ALL if audience == "public"} == PUBLIC
    assert {audience for _, _, audience, _ in ALL} == {
        *("public", "resident", "partner", "staff", "federation")
    }


async def test_without_credentials_or_with_garbage_it_is_401(platform: Platform) -> None:
    garbage: list[dict[str, str]] = [
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer " + "x" * 43},
        {"Authorization": "Bearer " + "x" * 5000},
        {"Authorization": "Bearer null"},
        {"Authorization": "Basic YWRtaW46YWRtaW4="},
        {"Authorization": "é"},
        {"X-App-Id": "hospital-a-his"},
        {"Cookie": "token=x"},
    ]
    kinds = itertools.cycle(garbage)  # each route meets nothing and one kind, each kind every sort of route
    for path, method, audience, _ in ALL:
        if audience == "public":
            continue
        for headers in ({}, next(kinds)):
            answer = await plain(platform.http, method, target(path), headers=headers)
            signs = audience in ("partner", "federation")
            expected = f"{audience}.unauthenticated" if signs else "session.missing"
            assert (answer.status, answer.error) == (401, expected), (method, path, headers)


async def test_with_the_other_audiences_credentials_it_is_401(platform: Platform) -> None:
    token = await platform.sign_in(platform.residents[0])
    staff = await platform.staff(*PERMISSIONS)
    session = await platform.partner().open_session("T-0001")
    both = (token, staff)
    others = {"partner": both, "federation": both, "resident": (staff,), "staff": (token,), "public": ()}
    for path, method, audience, _ in ALL:
        for foreign in others[audience]:
            answer = await plain(platform.http, method, target(path), token=foreign)
            assert answer.status == 401, (method, path)
        if audience in ("resident", "staff", "federation"):
            for key in (None, session):
                sent = signed(platform, method, target(path))
                answer = await (sent.again(session=key) if key else sent).send(platform.http)
                assert answer.status == 401, (method, path)


async def test_with_their_own_credentials_they_get_further(platform: Platform) -> None:
    """The other side of the matrix: the refusals above are not refusals of everything."""
    await platform.admit(scopes=tuple(SCOPES))
    token = await platform.sign_in(platform.residents[0])
    staff = await platform.staff(*PERMISSIONS)
    for path, method, audience, _ in sorted(ALL, key=lambda row: row[0].endswith("/sessions/current")):
        if audience == "federation":
            continue  # this platform has no router: test_federation.py has
        if audience in ("resident", "staff"):
            own = token if audience == "resident" else staff
            answer = await plain(platform.http, method, target(path), token=own)
        elif audience == "partner":
            answer = await signed(platform, method, target(path)).send(platform.http)
        else:
            answer = await plain(platform.http, method, path)
        assert answer.status in (200, 204, 400, 404, 422), (method, path)


async def test_staff_may_what_their_roles_allow_and_nothing_else(platform: Platform) -> None:
    """Every cell of permission × route: with all permissions but the route's own, and with that one alone."""
    nothing = await platform.staff()
    met = set()
    for path, method, audience, described in ALL:
        if audience != "staff":
            continue
        if (path, method) in ANY_STAFF:
            assert described.permission is None
            continue
        assert described.permission is not None
        rest = await platform.staff(*(PERMISSIONS.keys() - {described.permission}))
        for lacking in (nothing, rest):
            answer = await plain(platform.http, method, target(path), token=lacking)
            assert (answer.status, answer.error) == (403, "permission.missing"), (method, path)
            assert answer.json["error"]["detail"] == {"permission": described.permission}
        enough = await platform.staff(described.permission)
        answer = await plain(platform.http, method, target(path), token=enough)
        assert answer.status in (200, 400, 404), (method, path)
        met.add(described.permission)
    assert met >= {"staff.read", "staff.manage", "staff.grant"}


async def test_a_token_works_in_one_place_only(platform: Platform) -> None:
    token = await platform.sign_in(platform.residents[0])
    for headers in ({"Cookie": f"token={token}"}, {"X-Token": token}, {"Authorization": token}):
        assert (await platform.http.get("/api/v1/cards", headers=headers)).status == 401
    assert (await platform.http.get(f"/api/v1/cards?token={token}")).status == 401
    assert (
        await platform.http.get("/api/v1/cards", headers={"Authorization": f"bearer {token}"})
    ).status == 200


async def test_the_ids_of_another_resident_are_404(platform: Platform) -> None:
    owner, stranger = platform.residents[:2]
    token, card_id = await platform.holder(owner)
    await platform.scan(platform.partner(), await platform.code(token, card_id))
    await platform.work()
    [message] = await platform.messages(token)
    other = await platform.sign_in(stranger)
    met = 0
    for path, method, audience, described in ALL:
        if audience != "resident" or not described.path:
            continue
        body = BODIES[path][0] if described.body is not None else {} if method != "GET" else None
        paths = target(path, card_id, message["message_id"]), target(path)
        theirs, nobodys = [await platform.http.send(method, at, body, token=other) for at in paths]
        assert theirs.status == nobodys.status == 404, (method, path)
        assert theirs.json["error"] == nobodys.json["error"]
        met += 1
    assert met >= 5
    assert (await platform.http.get("/api/v1/cards", token=other)).json == {"cards": []}
    assert await platform.messages(other) == []
    assert (await platform.messages(token))[0]["read_at"] is None


async def test_pages_of_messages_stay_in_their_account(platform: Platform) -> None:
    owner, other = platform.residents[:2]
    token, card_id = await platform.holder(owner)
    other_token, other_card = await platform.holder(other)
    for _ in range(5):
        await platform.scan(platform.partner(), await platform.code(token, card_id))
        await platform.scan(platform.partner(), await platform.code(other_token, other_card))
        platform.clock.advance(1)
    await platform.work()
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await platform.http.get(f"/api/v1/messages?limit=2{cursor}", token=token)).json
        seen += [message["message_id"] for message in page["messages"]]
        assert all(message["data"]["card_id"] == card_id for message in page["messages"])
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)
