"""Three administrators hold each other in check; nobody acts on an account of his own (S3, A6.3(3))."""

import asyncio
import re
from argparse import Namespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymongo.database import Database

from server import staff_commands
from server.core.errors import Conflict
from server.staff.roles import ADMINISTRATORS, PERMISSIONS, ROLES, may_hold_together, permissions_of
from tests.api.staff import BY, Person, employ, enrol
from tests.harness import Answer, Platform

pytestmark = [pytest.mark.feature("S3"), pytest.mark.gen_test(timeout=60)]

ACCOUNTS = "/staff/v1/accounts"


async def three(platform: Platform) -> tuple[Person, Person, Person]:
    """The system, the security and the audit administrator, as the command line makes them."""
    return (
        await employ(platform, "sys.admin", "system_admin"),
        await employ(platform, "sec.admin", "security_admin"),
        await employ(platform, "aud.admin", "audit_admin"),
    )


async def grant(platform: Platform, token: str, staff_id: str, role: str) -> Answer:
    return await platform.http.post(f"{ACCOUNTS}/{staff_id}/roles", {"role": role}, token=token)


def test_the_three_administrators_share_no_power() -> None:
    powers = [ROLES[name].permissions - {"staff.read"} for name in ADMINISTRATORS]
    assert len(powers) == 3
    for one in powers:
        assert sum(bool(one & other) for other in powers) == 1
    assert {"staff.manage", "staff.grant", "audit.read"} <= frozenset().union(*powers)
    assert frozenset().union(*(role.permissions for role in ROLES.values())) == PERMISSIONS.keys()


@given(st.sets(st.sampled_from(sorted(ROLES))))
def test_no_set_of_roles_that_is_allowed_joins_two_of_the_three(roles: set[str]) -> None:
    three_powers = {"staff.manage", "staff.grant", "audit.read"}
    if may_hold_together(roles):
        assert len(permissions_of(roles) & three_powers) <= 1
    else:
        assert roles & set(ADMINISTRATORS) and len(roles) > 1


async def test_two_administrators_make_a_reviewer(platform: Platform, db: Database[Any]) -> None:
    system, security, _ = await three(platform)
    opener, granter = await system.sign_in(), await security.sign_in()
    body = {"login_name": "li.mei", "display_name": "李梅"}
    headers = {"Idempotency-Key": "open-li"}
    opened = await platform.http.post(ACCOUNTS, body, token=opener, headers=headers)
    assert (opened.status, opened.json["account"]["status"]) == (201, "invited")
    again = await platform.http.post(ACCOUNTS, body, token=opener, headers=headers)
    assert again.body == opened.body
    taken = await platform.http.post(ACCOUNTS, body, token=opener)
    assert (taken.status, taken.error) == (409, "staff.login_taken")
    staff_id = opened.json["account"]["staff_id"]
    secret = await enrol(platform, opened.json["invitation"]["token"])
    token = await Person(platform, staff_id, "li.mei", secret).sign_in()
    assert (await platform.http.get("/staff/v1/sessions/current", token=token)).json["staff"]["roles"] == []
    assert (await grant(platform, opener, staff_id, "claim_reviewer")).error == "permission.missing"
    assert (await grant(platform, granter, staff_id, "claim_reviewer")).json["roles"] == ["claim_reviewer"]
    mine = (await platform.http.get("/staff/v1/sessions/current", token=token)).json["staff"]
    assert mine["permissions"] == ["claims.review"], "in force from the next request on"
    gone = await platform.http.send("DELETE", f"{ACCOUNTS}/{staff_id}/roles/claim_reviewer", token=granter)
    assert gone.json["roles"] == []
    assert (await platform.http.get("/staff/v1/sessions/current", token=token)).json["staff"]["roles"] == []
    twice = await platform.http.send("DELETE", f"{ACCOUNTS}/{staff_id}/roles/claim_reviewer", token=granter)
    assert (twice.status, twice.error) == (409, "role.not_held")
    done = {row["action"] for row in db.audit.find({"object.id": staff_id})}
    assert done == {"staff.open", "staff.enrol", "staff_sessions.open", "roles.grant", "roles.take"}


async def test_an_administrator_is_made_by_two(platform: Platform) -> None:
    system, security, audit = await three(platform)
    opener, granter, reader = [await person.sign_in() for person in (system, security, audit)]
    staff, _ = await platform.app.services.staff.open("new.admin", "新", BY)
    approval = f"{ACCOUNTS}/{staff.staff_id}/roles/audit_admin/approval"
    early = await platform.http.post(approval, token=opener)
    assert (early.status, early.error) == (409, "role.not_proposed")
    proposed = (await grant(platform, granter, staff.staff_id, "audit_admin")).json
    assert (proposed["roles"], proposed["proposed_roles"]) == ([], ["audit_admin"])
    for token in (granter, reader):
        assert (await platform.http.post(approval, token=token)).error == "permission.missing"
    approved = (await platform.http.post(approval, token=opener)).json
    assert (approved["roles"], approved["proposed_roles"]) == (["audit_admin"], [])
    for role in ROLES:
        if role != "audit_admin":
            more = await grant(platform, granter, staff.staff_id, role)
            assert (more.status, more.error) == (409, "role.exclusive"), role


async def test_who_has_a_role_becomes_no_administrator(platform: Platform) -> None:
    granter = await platform.staff("staff.grant")
    staff, _ = await platform.app.services.staff.open("li.mei", "李梅", BY, ("claim_reviewer",))
    for role in ADMINISTRATORS:
        assert (await grant(platform, granter, staff.staff_id, role)).error == "role.exclusive"
    assert (await grant(platform, granter, staff.staff_id, "emperor")).error == "role.unknown"


async def test_a_race_of_grants_never_joins_two_administrators(platform: Platform) -> None:
    granter = await platform.staff("staff.grant")
    for number in range(5):
        staff, _ = await platform.app.services.staff.open(f"racer-{number}", "赛", BY)
        wanted = [*ADMINISTRATORS, "claim_reviewer", "registrar"]
        await asyncio.gather(*(grant(platform, granter, staff.staff_id, role) for role in wanted))
        after = await platform.app.services.staff.get(staff.staff_id)
        assert may_hold_together({*after.roles, *after.proposed}) and (after.roles or after.proposed)


async def test_nobody_acts_on_an_account_of_his_own(platform: Platform) -> None:
    system, security, _ = await three(platform)
    opener, granter = await system.sign_in(), await security.sign_in()
    mine, hers = f"{ACCOUNTS}/{system.staff_id}", f"{ACCOUNTS}/{security.staff_id}"
    tries = [
        await platform.http.post(f"{mine}/transitions", {"action": "close", "reason": "bye"}, token=opener),
        await platform.http.post(f"{mine}/invitation", token=opener),
        await platform.http.post(f"{mine}/roles/audit_admin/approval", token=opener),
        await grant(platform, granter, security.staff_id, "claim_reviewer"),
        await platform.http.send("DELETE", f"{hers}/roles/security_admin", token=granter),
        await platform.http.post(f"{hers}/unlocking", token=granter),
        await platform.http.post(f"{hers}/invitation/approval", token=granter),
    ]
    assert {(answer.status, answer.error) for answer in tries} == {(403, "staff.own_account")}


async def test_a_lost_second_factor_takes_two_administrators(platform: Platform) -> None:
    system, security, audit = await three(platform)
    opener, granter, reading = [await person.sign_in() for person in (system, security, audit)]
    path = f"{ACCOUNTS}/{audit.staff_id}/invitation"
    alone = await platform.http.post(f"{path}/approval", token=granter)
    assert (alone.status, alone.error) == (409, "staff.renewal_not_proposed")
    asked = (await platform.http.post(path, token=opener)).json
    assert asked["invitation"] is None and asked["account"]["is_renewal_proposed"]
    assert (await platform.http.get("/staff/v1/sessions/current", token=reading)).status == 200
    sessions = platform.app.mongo.collection("staff_sessions")
    open_before = await sessions.find_one({"staff_id": audit.staff_id})
    assert open_before is not None
    renewed = (await platform.http.post(f"{path}/approval", token=granter)).json
    await sessions.insert(open_before)  # as if the process had died before it closed them
    assert (await platform.http.get("/staff/v1/sessions/current", token=reading)).status == 401
    platform.clock.advance(30)
    assert (await audit.try_to_sign_in()).status == 401
    # Nor does one of them get another invitation alone, while nobody has used this one.
    assert (await platform.http.post(path, token=opener)).json["invitation"] is None
    renewed = (await platform.http.post(f"{path}/approval", token=granter)).json
    audit.secret = await enrol(platform, renewed["invitation"]["token"])
    token = await audit.sign_in()
    assert (await platform.http.get("/staff/v1/audit", token=token)).status == 200
    assert (await platform.http.get("/staff/v1/sessions/current", token=reading)).status == 401


async def test_an_invitation_that_ran_out_is_made_anew(platform: Platform) -> None:
    opener = await platform.staff("staff.manage")
    staff, old = await platform.app.services.staff.open("li.mei", "李梅", BY)
    answer = await platform.http.post(f"{ACCOUNTS}/{staff.staff_id}/invitation", token=opener)
    new = answer.json["invitation"]["token"]
    used = await platform.http.post("/staff/v1/enrolment", {"token": old.token, "password": "x" * 12})
    assert used.error == "enrolment.invalid"
    assert await enrol(platform, new)


@pytest.mark.parametrize("name", ["li", "Li.Mei", "1li", "li mei", "李梅", "l" * 33, ".li"])
async def test_login_names_are_plain(platform: Platform, name: str) -> None:
    opener = await platform.staff("staff.manage")
    answer = await platform.http.post(ACCOUNTS, {"login_name": name, "display_name": "李"}, token=opener)
    assert (answer.status, answer.error) == (422, "staff.login_invalid")


async def test_the_list_has_pages_and_shows_what_administrators_need(platform: Platform) -> None:
    reader = await platform.staff("staff.read")
    for number in range(5):
        platform.clock.advance(1)
        await platform.app.services.staff.open(f"clerk-{number}", f"职员{number}", BY, ("claim_reviewer",))
    first = (await platform.http.get(f"{ACCOUNTS}?limit=4", token=reader)).json
    second = (await platform.http.get(f"{ACCOUNTS}?limit=4&cursor={first['next_cursor']}", token=reader)).json
    names = [account["login_name"] for account in first["accounts"] + second["accounts"]]
    assert names[1:] == [f"clerk-{number}" for number in range(5)]
    assert second["next_cursor"] is None
    roles = (await platform.http.get("/staff/v1/roles", token=reader)).json
    assert roles["permissions"] == PERMISSIONS
    shown = {role["role"]: role["is_administrator"] for role in roles["roles"]}
    assert {name for name, is_admin in shown.items() if is_admin} == set(ADMINISTRATORS)


async def test_the_first_administrators_come_by_command(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    def asked(action: str, *roles: str) -> Namespace:
        console = "https://centre.example/console"
        return Namespace(action=action, login="sys.admin", name="陈", role=list(roles), console=console)

    with pytest.raises(Conflict, match="exclusive"):
        await staff_commands.run(platform.app, asked("add", "system_admin", "security_admin"))
    for action in ("add", "invite"):
        assert await staff_commands.run(platform.app, asked(action, "system_admin")) == 0
        link = re.search(r"https://centre\.example/console/#/enrolment/(\S+)", capsys.readouterr().out)
        assert link is not None
        staff = await platform.app.services.staff.find_by_login("sys.admin")
        secret = await enrol(platform, link[1])
        token = await Person(platform, staff.staff_id, "sys.admin", secret).sign_in()
        view = (await platform.http.get("/staff/v1/sessions/current", token=token)).json["staff"]
        assert view["roles"] == ["system_admin"]
