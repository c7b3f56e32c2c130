from datetime import time
from typing import Annotated

from pydantic import StringConstraints

from handlers.authentication import ResidentHandler
from handlers.requests import Model, Ok, operation
from push.kinds import ALWAYS_IN_INBOX, GROUPS
from push.preferences.model import Preferences, QuietHours, Where
from server.core.errors import InvalidInput

ClockTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class QuietHoursShape(Model):
    """On the city's wall clock; `ends` before `begins` is the next morning."""

    begins: ClockTime
    ends: ClockTime


class GroupsShape(Model):
    """Where each group of messages goes: everywhere, to the inbox only, nowhere."""

    card: Where = "everywhere"
    visits: Where = "everywhere"
    queue: Where = "everywhere"
    bills: Where = "everywhere"
    reports: Where = "everywhere"
    medication: Where = "everywhere"
    inpatient: Where = "everywhere"


class PreferencesRequest(Model):
    quiet_hours: QuietHoursShape | None
    groups: GroupsShape

    def chosen(self) -> Preferences:
        quiet = self.quiet_hours
        hours = None if quiet is None else QuietHours(*map(time.fromisoformat, (quiet.begins, quiet.ends)))
        wanted = self.groups
        return Preferences(hours, {group: getattr(wanted, group) for group in GROUPS})


class PreferencesView(Model):
    """`always_in_inbox`: groups that cannot be sent nowhere."""

    quiet_hours: QuietHoursShape | None
    groups: GroupsShape
    always_in_inbox: list[str]

    @classmethod
    def of(cls, chosen: Preferences) -> "PreferencesView":
        quiet = chosen.quiet
        hours = (
            None
            if quiet is None
            else QuietHoursShape(begins=f"{quiet.begins:%H:%M}", ends=f"{quiet.ends:%H:%M}")
        )
        groups = GroupsShape(**{group: chosen.where_of(group) for group in GROUPS})
        return cls(quiet_hours=hours, groups=groups, always_in_inbox=sorted(ALWAYS_IN_INBOX))


class MessagePreferences(ResidentHandler):
    @operation("How the account is told: quiet hours, and what goes where", reply=PreferencesView)
    async def get(self) -> Ok:
        account_id = self.session.account.account_id
        return Ok(PreferencesView.of(await self.services.message_preferences.get(account_id)))

    @operation(
        "Choose how the account is told",
        body=PreferencesRequest,
        reply=PreferencesView,
        refuses=(InvalidInput,),
    )
    async def put(self, body: PreferencesRequest) -> Ok:
        account_id = self.session.account.account_id
        chosen = await self.services.message_preferences.put(account_id, body.chosen())
        return Ok(PreferencesView.of(chosen))


ROUTES = [("/api/v1/message-preferences", MessagePreferences)]
