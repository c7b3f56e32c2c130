"""What an account of staff is."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from server.staff.roles import permissions_of


class StaffStatus(StrEnum):
    """Invited: the person has not set a password and a second factor yet."""

    INVITED = "invited"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


@dataclass(frozen=True)
class Staff:
    """`proposed` are administrators' roles that wait for a second administrator's word.  `was_enrolled`:
    somebody has set its password and second factor, whether or not they still count."""

    staff_id: str
    login_name: str
    display_name: str
    status: StaffStatus
    roles: tuple[str, ...]
    proposed: tuple[str, ...]
    is_renewal_proposed: bool
    created_at: datetime
    was_enrolled: bool = False
    locked_until: datetime | None = None

    @property
    def permissions(self) -> frozenset[str]:
        return permissions_of(self.roles)


@dataclass(frozen=True)
class Credentials:
    """What proves a member of staff: a password's argon2 hash and the secret of the second factor."""

    password_hash: str
    totp_secret: str


@dataclass(frozen=True)
class StaffSession:
    """`ends_at` is when it ends at the latest; half an hour without a request ends it before."""

    staff: Staff
    digest: str
    ends_at: datetime


@dataclass(frozen=True)
class Invitation:
    """A one-time token, told once: who holds it sets password and second factor."""

    token: str
    expires_at: datetime


SESSION_LIFE = timedelta(hours=8)
SESSION_IDLE = timedelta(minutes=30)
INVITATION_LIFE = timedelta(hours=72)
