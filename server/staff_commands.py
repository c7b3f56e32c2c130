"""`ehc staff`: the first administrators, and the last one of a kind who lost the second factor.

Who may run commands on the machine has its keys and its database anyway; what is done here is on record too.
"""

import argparse

from server import app as composition
from server.core.audit import Actor
from server.staff.model import Invitation, Staff

BY = Actor("system", "command")


async def run(app: composition.App, arguments: argparse.Namespace) -> int:
    """Prints the one-time link of the invitation; refusals are those of the service."""
    staff = app.services.staff
    if arguments.action == "add":
        roles = tuple(arguments.role)
        account, invitation = await staff.open(arguments.login, arguments.name or arguments.login, BY, roles)
    else:
        account, invitation = await staff.renew_by_command(arguments.login, BY)
    print(_told(account, invitation, arguments.console))
    return 0


def _told(account: Staff, invitation: Invitation, console: str) -> str:
    roles = ", ".join(account.roles) or "no role yet"
    until = invitation.expires_at.isoformat(timespec="minutes")
    return (
        f"{account.login_name} ({roles}) sets a password and a second factor at\n"
        f"{console.rstrip('/')}/#/enrolment/{invitation.token}\n"
        f"once, until {until}. Whoever holds this link becomes {account.login_name}: hand it over in person."
    )
