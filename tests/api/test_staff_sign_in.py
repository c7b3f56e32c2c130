"""Staff prove themselves with a password and a second factor; nothing tells whose name exists (S3)."""

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pymongo.database import Database

from server.core.errors import Unavailable
from server.staff.roles import ADMINISTRATORS
from tests.api.calls import another_process
from tests.api.staff import BY, PASSWORD, Person, employ
from tests.api.test_personal_data import raw_rows
from tests.harness import Answer, Platform

pytestmark = [pytest.mark.feature("S3"), pytest.mark.gen_test(timeout=60)]

SELF = "/staff/v1/sessions/current"


async def status_of(platform: Platform, token: str) -> int:
    return (await platform.http.get(SELF, token=token)).status


async def test_an_invitation_becomes_a_session_and_is_used_up(platform: Platform) -> None:
    staff, invitation = await platform.app.services.staff.open("li.mei", "李梅", BY, ("claim_reviewer",))
    begun = await platform.http.post("/staff/v1/enrolment", {"token": invitation.token, "password": PASSWORD})
    uri = urlsplit(begun.json["otpauth_uri"])
    assert (uri.scheme, uri.netloc, uri.path) == ("otpauth", "totp", "/EHC:li.mei")
    assert parse_qs(uri.query)["secret"] == [begun.json["totp_secret"]]
    early = Person(platform, staff.staff_id, "li.mei", begun.json["totp_secret"])
    assert (await early.try_to_sign_in()).error == "staff_login.refused"
    again = await platform.http.post("/staff/v1/enrolment", {"token": invitation.token, "password": PASSWORD})
    body = {"token": invitation.token, "totp": early.code()}
    old = await platform.http.post("/staff/v1/enrolment/confirmation", body)
    assert (old.status, old.error) == (422, "enrolment.code_wrong")
    person = Person(platform, staff.staff_id, "li.mei", again.json["totp_secret"])
    body = {"token": invitation.token, "totp": person.code()}
    assert (await platform.http.post("/staff/v1/enrolment/confirmation", body)).status == 204
    for path, more in (("enrolment", {"password": PASSWORD}), ("enrolment/confirmation", {"totp": "000000"})):
        used = await platform.http.post(f"/staff/v1/{path}", {"token": invitation.token, **more})
        assert (used.status, used.error) == (422, "enrolment.invalid")
    token = await person.sign_in()
    view = (await platform.http.get(SELF, token=token)).json["staff"]
    assert (view["display_name"], view["permissions"]) == ("李梅", ["claims.review"])


async def test_an_invitation_lives_three_days(platform: Platform) -> None:
    _, invitation = await platform.app.services.staff.open("li.mei", "李梅", BY)
    platform.clock.advance(72 * 3600)
    answer = await platform.http.post(
        "/staff/v1/enrolment", {"token": invitation.token, "password": PASSWORD}
    )
    assert (answer.status, answer.error) == (422, "enrolment.invalid")


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "length"),
        ("x" * 129, "length"),
        ("password1234", "common"),
        ("P@ssw0rd!2026", "common"),
        ("adminadmin2026", "common"),
        ("qwertyuiop123", "common"),
        ("123456789012", "simple"),
        ("987654321098", "simple"),
        ("199003071234", "simple"),
        ("aaaaaaaaaaaaaaaa", "simple"),
        ("my-li.mei-is-here", "own_name"),
    ],
)
async def test_weak_passwords_are_refused(platform: Platform, password: str, reason: str) -> None:
    _, invitation = await platform.app.services.staff.open("li.mei", "李梅", BY)
    answer = await platform.http.post(
        "/staff/v1/enrolment", {"token": invitation.token, "password": password}
    )
    assert (answer.status, answer.error) == (422, "staff.password_weak")
    assert answer.json["error"]["detail"]["reason"] == reason
    assert password not in answer.body.decode()


async def test_each_code_works_once_and_one_step_around_now(platform: Platform) -> None:
    person = await employ(platform, "li.mei", "claim_reviewer")
    assert (await person.try_to_sign_in()).status == 401, "the code of the enrolment is used"
    assert (await person.try_to_sign_in(totp=person.code(2))).status == 401
    assert (await person.try_to_sign_in(totp=person.code(1))).status == 201
    assert (await person.try_to_sign_in(totp=person.code(1))).status == 401
    platform.clock.advance(60)
    assert (await person.try_to_sign_in(totp=person.code(-1))).status == 401, "of a step that was used"
    platform.clock.advance(60)
    used = person.code(-1)
    tries = await asyncio.gather(*(person.try_to_sign_in(totp=used) for _ in range(3)))
    assert sorted(answer.status for answer in tries) == [201, 401, 401]


async def refusals(platform: Platform, login_name: str, count: int) -> list[tuple[int, str]]:
    body = {"login_name": login_name, "password": "wrong wrong wrong", "totp": "000000"}
    answers = [await platform.http.post("/staff/v1/sessions", body) for _ in range(count)]
    return [(answer.status, answer.error) for answer in answers]


async def test_five_wrong_tries_lock_a_name_whether_anybody_has_it_or_not(platform: Platform) -> None:
    person = await employ(platform, "li.mei", "claim_reviewer")
    platform.clock.advance(30)
    expected = [(401, "staff_login.refused")] * 5 + [(429, "staff_login.locked")] * 2
    assert await refusals(platform, "li.mei", 7) == expected
    assert await refusals(platform, "nobody.here", 7) == expected
    locked = await person.try_to_sign_in()
    assert (locked.status, locked.headers["Retry-After"]) == (429, "901")
    platform.clock.advance(15 * 60)
    assert (await person.try_to_sign_in()).status == 201
    assert await refusals(platform, "li.mei", 4) == expected[:4], "a success forgets the wrong tries"
    platform.clock.advance(30)
    assert (await person.try_to_sign_in()).status == 201


async def test_guesses_at_the_same_moment_are_counted(platform: Platform) -> None:
    await employ(platform, "li.mei", "claim_reviewer")
    body = {"login_name": "li.mei", "password": "wrong wrong wrong", "totp": "000000"}
    async with another_process(platform) as other:
        doors = [platform.http, other.http] * 10
        answers = await asyncio.gather(*(http.post("/staff/v1/sessions", body) for http in doors))
    assert sorted(answer.status for answer in answers) == [401] * 5 + [429] * 15


async def test_the_security_administrator_unlocks(platform: Platform) -> None:
    person = await employ(platform, "li.mei", "claim_reviewer")
    security = await platform.staff("staff.grant", "staff.read")
    await refusals(platform, "li.mei", 5)
    path = f"/staff/v1/accounts/{person.staff_id}"
    assert (await platform.http.get(path, token=security)).json["locked_until"] is not None
    unlocked = await platform.http.post(f"{path}/unlocking", token=security)
    assert unlocked.json["locked_until"] is None
    assert await person.sign_in()


async def test_wrong_name_password_and_code_look_and_cost_the_same(
    platform: Platform, db: Database[Any]
) -> None:
    person = await employ(platform, "li.mei", "claim_reviewer")
    platform.clock.advance(30)
    bodies: list[dict[str, str]] = [
        {"login_name": "nobody.here"},
        {"password": "wrong wrong wrong"},
        {"totp": "000000" if person.code() != "000000" else "111111"},
    ]
    seen: list[Answer] = [await person.try_to_sign_in(**body) for body in bodies]
    assert {answer.status for answer in seen} == {401}
    assert len({str(answer.json["error"]) for answer in seen}) == 1
    hashed: list[str | None] = []
    passwords = platform.app.services.staff_sessions._passwords
    verify = passwords._verify
    passwords._verify = lambda kept, password: hashed.append(kept) or verify(kept, password)  # type: ignore[method-assign,func-returns-value]
    for body in bodies:
        await person.try_to_sign_in(**body)
    assert len(hashed) == 3, "each costs one argon2 computation"
    assert len({str(kept).rpartition("$")[0].rpartition("$")[0] for kept in hashed}) == 1, "of one cost"
    rows = list(db.audit.find({"action": "staff_sessions.open"}))
    assert [row["outcome"] for row in rows] == ["refused"] * 6
    assert sorted(row["object"]["kind"] for row in rows) == ["login"] * 2 + ["staff"] * 4
    assert all("nobody.here" not in str(row) and "li.mei" not in str(row) for row in rows)


async def test_a_session_ends_after_eight_hours_and_after_half_an_hour_of_silence(platform: Platform) -> None:
    person = await employ(platform, "li.mei", "claim_reviewer")
    token = await person.sign_in()
    platform.clock.advance(30 * 60 - 1)
    assert await status_of(platform, token) == 200
    platform.clock.advance(30 * 60)
    assert await status_of(platform, token) == 401
    token = await person.sign_in()
    for _ in range(8 * 3):
        platform.clock.advance(20 * 60 - 1)
        assert await status_of(platform, token) == 200
    platform.clock.advance(24)
    assert await status_of(platform, token) == 401


async def test_signing_out_ends_the_session_and_no_other(platform: Platform) -> None:
    person = await employ(platform, "li.mei", "claim_reviewer")
    token, other = await person.sign_in(), await person.sign_in()
    assert (await platform.http.send("DELETE", SELF, token=token)).status == 204
    assert (await status_of(platform, token), await status_of(platform, other)) == (401, 200)


async def test_a_suspension_ends_sessions_on_every_process_at_once(platform: Platform) -> None:
    person = await employ(platform, "li.mei", "claim_reviewer")
    admin = await platform.staff("staff.manage")
    token = await person.sign_in()
    path = f"/staff/v1/accounts/{person.staff_id}/transitions"
    async with another_process(platform) as other:
        assert await status_of(other, token) == 200
        body = {"action": "suspend", "reason": "lost the phone"}
        assert (await platform.http.post(path, body, token=admin)).json["status"] == "suspended"
        assert (await status_of(other, token), await status_of(platform, token)) == (401, 401)
    platform.clock.advance(30)
    assert (await person.try_to_sign_in()).error == "staff_login.refused"
    again = await platform.http.post(path, {"action": "reinstate", "reason": "found it"}, token=admin)
    assert again.json["status"] == "active"
    assert await status_of(platform, token) == 401, "an old session does not come back"
    assert await person.sign_in()
    closed = await platform.http.post(path, {"action": "close", "reason": "left us"}, token=admin)
    assert (closed.json["status"], closed.json["roles"]) == ("closed", [])
    for action in ("suspend", "reinstate", "close"):
        late = await platform.http.post(path, {"action": action, "reason": "again"}, token=admin)
        assert (late.status, late.error) == (409, "staff.transition_illegal")


async def test_ones_own_password_is_changed_with_the_old_one_and_a_code(platform: Platform) -> None:
    person = await employ(platform, "li.mei", "claim_reviewer")
    token = await person.sign_in()
    new = "quiet 88 Harbour window"
    platform.clock.advance(30)
    body = {"password": "wrong wrong wrong", "totp": person.code(), "new_password": new}
    refused = await platform.http.send("PUT", "/staff/v1/password", body, token=token)
    assert (refused.status, refused.error) == (401, "staff_login.refused")
    done = await platform.http.send("PUT", "/staff/v1/password", {**body, "password": PASSWORD}, token=token)
    assert done.status == 204
    assert await status_of(platform, token) == 401
    platform.clock.advance(30)
    assert (await person.try_to_sign_in()).status == 401
    person.password = new
    assert await person.sign_in()


async def test_a_password_change_that_breaks_off_leaves_no_session_behind(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await employ(platform, "li.mei", "claim_reviewer")
    token = await person.sign_in()

    async def die(*_: Any) -> None:
        raise Unavailable("database.unavailable", "gone")

    monkeypatch.setattr(platform.app.services.staff_sessions._store, "put_password", die)
    platform.clock.advance(30)
    body = {"password": PASSWORD, "totp": person.code(), "new_password": "quiet 88 Harbour window"}
    broken = await platform.http.send("PUT", "/staff/v1/password", body, token=token)
    assert broken.status == 503
    assert await status_of(platform, token) == 401


async def test_nothing_of_a_member_of_staff_lies_open(platform: Platform, db: Database[Any]) -> None:
    person = await employ(platform, "li.mei", "claim_reviewer")
    token = await person.sign_in()
    raw = b"".join(raw_rows(db).values())
    for secret in ("li.mei", "云溪员工", person.secret, PASSWORD, "argon2", token):
        assert secret.encode() not in raw, secret
    assert ADMINISTRATORS == ("audit_admin", "security_admin", "system_admin")
    assert db.staff.count_documents({}) == 1


async def test_a_new_platform_has_no_account_at_all(platform: Platform, db: Database[Any]) -> None:
    assert db.staff.count_documents({}) == 0
    assert await refusals(platform, "admin", 1) == [(401, "staff_login.refused")]
