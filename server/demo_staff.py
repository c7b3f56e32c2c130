"""The staff of a demo's card centre.  Passwords and second factors are made anew for each demo."""

import json
import secrets
from pathlib import Path
from typing import Any

import pyotp

from sandbox.staff import STAFF
from server import app as composition
from server.core.audit import Actor
from server.core.errors import NotFound
from server.demo_secrets import write_private

BY = Actor("system", "demo")


def read_kept(kept: Path) -> dict[str, Any]:
    """What a demo before this one wrote, by login name."""
    known: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    return known


async def employ(app: composition.App, kept: Path) -> list[dict[str, Any]]:
    """Everybody of the staff, enrolled: login_name, name, roles, password and totp_secret.

    Who is in the database and in the file of secrets stays as is; who is in one alone is invited anew.
    """
    known = read_kept(kept)
    for login_name, (display_name, roles) in STAFF.items():
        service = app.services.staff
        try:
            await service.find_by_login(login_name)
            if login_name in known:
                continue
            _, invitation = await service.renew_by_command(login_name, BY)
        except NotFound:
            _, invitation = await service.open(login_name, display_name, BY, roles)
        password, source = secrets.token_urlsafe(15), "demo"
        _, secret, _ = await app.services.enrolment.begin(invitation.token, password, source)
        code = pyotp.TOTP(secret).at(app.clock.now())
        await app.services.enrolment.confirm(invitation.token, code, source)
        known[login_name] = {
            "login_name": login_name,
            "name": display_name,
            "roles": list(roles),
            "password": password,
            "totp_secret": secret,
        }
        write_private(kept, json.dumps(known, ensure_ascii=False, indent=1))
    return [known[login_name] for login_name in STAFF]
