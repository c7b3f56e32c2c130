"""Members of staff as the tests see them: with a password in the head and an authenticator in the hand."""

from dataclasses import dataclass

import pyotp

from server.core.audit import Actor
from tests.harness import Answer, Platform

PASSWORD = "river Stone 94 lantern"
BY = Actor("system", "test")


@dataclass
class Person:
    """Somebody who enrolled."""

    platform: Platform
    staff_id: str
    login_name: str
    secret: str
    password: str = PASSWORD

    def code(self, steps: int = 0) -> str:
        """What the authenticator shows, so many steps of 30 s from now."""
        now = self.platform.clock.now()
        return pyotp.TOTP(self.secret).at(now, counter_offset=steps)

    async def try_to_sign_in(self, **changes: str) -> Answer:
        body = {"login_name": self.login_name, "password": self.password, "totp": self.code(), **changes}
        return await self.platform.http.post("/staff/v1/sessions", body)

    async def sign_in(self) -> str:
        """A token; the clock moves on first, so that the code is a new one."""
        self.platform.clock.advance(30)
        answer = await self.try_to_sign_in()
        assert answer.status == 201, answer.body
        return str(answer.json["token"])


async def enrol(platform: Platform, token: str, password: str = PASSWORD) -> str:
    """The secret of the second factor, after both steps of enrolment."""
    begun = await platform.http.post("/staff/v1/enrolment", {"token": token, "password": password})
    assert begun.status == 201, begun.body
    secret = str(begun.json["totp_secret"])
    code = pyotp.TOTP(secret).at(platform.clock.now())
    ended = await platform.http.post("/staff/v1/enrolment/confirmation", {"token": token, "totp": code})
    assert ended.status == 204, ended.body
    return secret


async def employ(platform: Platform, login_name: str, *roles: str) -> Person:
    """A person of staff with these roles, enrolled."""
    staff, invitation = await platform.app.services.staff.open(login_name, "云溪员工", BY, roles)
    return Person(platform, staff.staff_id, login_name, await enrol(platform, invitation.token))
