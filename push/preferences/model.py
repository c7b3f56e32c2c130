"""How somebody wants to be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Literal

from push.kinds import ALWAYS_IN_INBOX, Group
from server.core.clock import CITY_AHEAD_S
from server.core.errors import InvalidInput

# Everywhere: the inbox and the channels.  Nowhere is not for what somebody has to be able to read.
Where = Literal["everywhere", "inbox", "nowhere"]


@dataclass(frozen=True)
class QuietHours:
    """From `begins` to `ends` on the city's wall clock, over midnight when it ends before it begins."""

    begins: time
    ends: time

    def end_of(self, at: datetime) -> datetime | None:
        """When the quiet ends that reigns at this moment; None when there is none."""
        ahead = timedelta(seconds=CITY_AHEAD_S)
        local = at + ahead
        day = local.replace(hour=0, minute=0, second=0, microsecond=0)
        begins, ends = _since_midnight(self.begins), _since_midnight(self.ends)
        clock = local - day
        if begins == ends:
            return None
        if begins < ends:
            return day + ends - ahead if begins <= clock < ends else None
        if clock < ends:
            return day + ends - ahead
        return day + timedelta(days=1) + ends - ahead if clock >= begins else None


def _since_midnight(at: time) -> timedelta:
    return timedelta(hours=at.hour, minutes=at.minute)


NIGHT = QuietHours(time(22, 0), time(7, 0))


@dataclass(frozen=True)
class Preferences:
    """`where` has only what differs from everywhere."""

    quiet: QuietHours | None = NIGHT
    where: Mapping[Group, Where] = field(default_factory=dict)

    def where_of(self, group: Group) -> Where:
        return self.where.get(group, "everywhere")

    def require_readable(self) -> None:
        """InvalidInput `message_group.not_optional` for a group that cannot leave the inbox."""
        for group in sorted(ALWAYS_IN_INBOX):
            if self.where_of(group) == "nowhere":
                raise InvalidInput(
                    "message_group.not_optional",
                    "receipts and security messages stay in the inbox",
                    group=group,
                )
