"""How accounts of staff, their sessions and their wrong tries are kept: `staff`, `staff_sessions`,
`staff_tries`."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from server.core.mongo import Collection, Document, index
from server.core.secrets import Sealer
from server.staff.model import Credentials, Staff, StaffStatus
from server.staff.roles import ADMINISTRATORS

MAX_TRIES = 5


class StaffStore:
    # Some hundreds of rows: unsharded.
    INDEXES = [index("login_key", unique=True), index("invitation.digest")]
    SESSION_INDEXES = [index("ends_at", expire_after_s=0), index("staff_id")]
    TRY_INDEXES = [index("expires_at", expire_after_s=0)]

    def __init__(self, staff: Collection, sessions: Collection, tries: Collection, sealer: Sealer) -> None:
        self._staff = staff
        self._sessions = sessions
        self._tries = tries
        self._sealer = sealer

    def login_key(self, login_name: str) -> str:
        return self._sealer.index("staff_login", login_name)

    # -- accounts
    async def insert(self, staff: Staff, by: str) -> None:
        """Duplicate when somebody has this login name."""
        await self._staff.insert(
            {
                "_id": staff.staff_id,
                "login_key": self.login_key(staff.login_name),
                "login_name": self._seal(staff.staff_id, "login_name", staff.login_name),
                "display_name": self._seal(staff.staff_id, "display_name", staff.display_name),
                "status": staff.status,
                "roles": list(staff.roles),
                "proposed": [],
                "totp_step": 0,
                "created_at": staff.created_at,
                "created_by": by,
            }
        )

    async def find(self, staff_id: str) -> Staff | None:
        row = await self._staff.find_one({"_id": staff_id})
        return None if row is None else await self._with_lock(row)

    async def find_by_login(self, login_name: str) -> Staff | None:
        row = await self._staff.find_one({"login_key": self.login_key(login_name)})
        return None if row is None else self._read(row)

    async def find_by_invitation(self, digest: str, now: datetime) -> Staff | None:
        row = await self._staff.find_one({"invitation.digest": digest, "invitation.expires_at": {"$gt": now}})
        return None if row is None else self._read(row)

    async def list_after(self, cursor: str | None, limit: int) -> list[Staff]:
        """In the order in which they were opened."""
        rows = await self._staff.find({"_id": {"$gt": cursor or ""}}, limit=limit, sort=[("_id", 1)])
        locks = await self._locks([row["login_key"] for row in rows])
        return [replace(self._read(row), locked_until=locks.get(row["login_key"])) for row in rows]

    async def move(self, staff_id: str, before: StaffStatus, after: StaffStatus, now: datetime) -> bool:
        """False when the account is not in the state `before` any more."""
        change: Document = {"$set": {"status": after, "moved_at": now}}
        if after is StaffStatus.CLOSED:
            change["$unset"] = {"credentials": "", "invitation": "", "pending": "", "renewal_by": ""}
            change["$set"] |= {"roles": [], "proposed": []}
        return await self._staff.update({"_id": staff_id, "status": before}, change)

    # -- roles: what may not be held together is decided by the one document that holds it
    async def add_role(self, staff_id: str, role: str) -> bool:
        """False when the account is closed, or is (or is to be) an administrator's."""
        alone = {"roles": {"$nin": ADMINISTRATORS}, "proposed.role": {"$nin": ADMINISTRATORS}}
        wanted = {"_id": staff_id, "status": {"$ne": StaffStatus.CLOSED}, **alone}
        return await self._staff.update(wanted, {"$addToSet": {"roles": role}})

    async def propose_role(self, staff_id: str, role: str, by: str) -> bool:
        """False when the account is closed, or has or is to have any role at all."""
        wanted = {"_id": staff_id, "status": {"$ne": StaffStatus.CLOSED}, "roles": [], "proposed": []}
        return await self._staff.update(wanted, {"$set": {"proposed": [{"role": role, "by": by}]}})

    async def approve_role(self, staff_id: str, role: str, by: str) -> bool:
        """False when the role is not proposed, or was proposed by this very person."""
        proposed = {"$elemMatch": {"role": role, "by": {"$ne": by}}}
        return await self._staff.update(
            {"_id": staff_id, "proposed": proposed, "roles": []},
            {"$set": {"roles": [role], "proposed": []}},
        )

    async def remove_role(self, staff_id: str, role: str) -> bool:
        """False when the account neither has the role nor is to have it."""
        return await self._staff.update(
            {"_id": staff_id, "$or": [{"roles": role}, {"proposed.role": role}]},
            {"$pull": {"roles": role, "proposed": {"role": role}}},
        )

    # -- enrolment
    async def invite(self, staff_id: str, digest: str, expires_at: datetime) -> bool:
        """Lets whoever holds the token set password and second factor; False for a closed account."""
        invitation = {"digest": digest, "expires_at": expires_at}
        return await self._staff.update(
            {"_id": staff_id, "status": {"$ne": StaffStatus.CLOSED}},
            {"$set": {"invitation": invitation}, "$unset": {"renewal_by": "", "pending": ""}},
        )

    async def propose_renewal(self, staff_id: str, by: str) -> bool:
        wanted = {"_id": staff_id, "status": {"$ne": StaffStatus.CLOSED}}
        return await self._staff.update(wanted, {"$set": {"renewal_by": by}})

    async def renew(self, staff_id: str, by: str, digest: str, expires_at: datetime) -> bool:
        """Invites anew, once somebody else has proposed it; the old credentials end here."""
        return await self._staff.update(
            {
                "_id": staff_id,
                "status": {"$in": [StaffStatus.ACTIVE, StaffStatus.INVITED]},
                "renewal_by": {"$exists": True, "$ne": by},
            },
            {
                "$set": {
                    "status": StaffStatus.INVITED,
                    "invitation": {"digest": digest, "expires_at": expires_at},
                },
                "$unset": {"renewal_by": "", "credentials": "", "pending": ""},
            },
        )

    async def keep_pending(self, staff_id: str, digest: str, credentials: Credentials) -> bool:
        """Password and secret that count once the first code has come; False when the invitation is over."""
        return await self._staff.update(
            {"_id": staff_id, "invitation.digest": digest},
            {"$set": {"pending": self._sealed(staff_id, credentials)}},
        )

    async def find_pending(self, staff_id: str) -> Credentials | None:
        row = await self._staff.find_one({"_id": staff_id})
        return self._credentials(row, "pending") if row is not None else None

    async def enrol(self, staff_id: str, digest: str, credentials: Credentials, step: int) -> bool:
        """Ends the invitation; False for all but one of those who use it."""
        return await self._staff.update(
            {"_id": staff_id, "invitation.digest": digest, "status": StaffStatus.INVITED},
            {
                "$set": {
                    "credentials": self._sealed(staff_id, credentials),
                    "status": StaffStatus.ACTIVE,
                    "totp_step": step,
                },
                "$unset": {"invitation": "", "pending": ""},
            },
        )

    # -- signing in
    async def find_credentials(self, login_name: str) -> tuple[Staff | None, Credentials | None]:
        """(None, None) for a login name nobody has."""
        row = await self._staff.find_one({"login_key": self.login_key(login_name)})
        return (None, None) if row is None else (self._read(row), self._credentials(row, "credentials"))

    async def spend_step(self, staff_id: str, step: int) -> bool:
        """True for the one who uses a code of this step, or of a later one, first."""
        return await self._staff.update(
            {"_id": staff_id, "status": StaffStatus.ACTIVE, "totp_step": {"$lt": step}},
            {"$set": {"totp_step": step}},
        )

    async def put_password(self, staff_id: str, credentials: Credentials) -> None:
        await self._staff.update(
            {"_id": staff_id}, {"$set": {"credentials": self._sealed(staff_id, credentials)}}
        )

    async def take_try(self, login_name: str, now: datetime, locked_until: datetime) -> datetime | None:
        """Counts a try before it is judged, whether anybody has the name or not.

        None: it may be judged.  A time: the name is locked till then.
        """
        is_over = {"$and": [{"$ne": ["$locked_until", None]}, {"$lte": ["$locked_until", now]}]}
        counted = {"$min": [{"$add": [{"$ifNull": ["$tries", 0]}, 1]}, MAX_TRIES + 1]}
        lock = {"$cond": [{"$eq": ["$tries", MAX_TRIES]}, locked_until, {"$ifNull": ["$locked_until", None]}]}
        row = await self._tries.find_and_update(
            {"_id": self.login_key(login_name)},
            [
                {"$set": {"locked_until": {"$ifNull": ["$locked_until", None]}}},
                {
                    "$set": {
                        "tries": {"$cond": [is_over, 1, counted]},
                        "locked_until": {"$cond": [is_over, None, "$locked_until"]},
                        "expires_at": locked_until + (locked_until - now),
                    }
                },
                {"$set": {"locked_until": lock}},
            ],
            upsert=True,
        )
        assert row is not None, "an upsert answers with the row"
        return None if row["tries"] <= MAX_TRIES else row["locked_until"]

    async def clear_tries(self, login_name: str) -> None:
        await self._tries.delete({"_id": self.login_key(login_name)})

    # -- sessions
    async def open_session(self, digest: str, staff_id: str, now: datetime, ends_at: datetime) -> None:
        await self._sessions.insert(
            {"_id": digest, "staff_id": staff_id, "opened_at": now, "seen_at": now, "ends_at": ends_at}
        )

    async def find_session(self, digest: str) -> Document | None:
        """`staff_id`, `seen_at`, `ends_at`."""
        return await self._sessions.find_one({"_id": digest})

    async def touch_session(self, digest: str, now: datetime) -> None:
        await self._sessions.update({"_id": digest}, {"$max": {"seen_at": now}})

    async def close_session(self, digest: str) -> None:
        await self._sessions.delete({"_id": digest})

    async def close_sessions_of(self, staff_id: str) -> int:
        return await self._sessions.delete({"staff_id": staff_id})

    # -- reading rows
    async def _with_lock(self, row: Document) -> Staff:
        locks = await self._locks([row["login_key"]])
        return replace(self._read(row), locked_until=locks.get(row["login_key"]))

    async def _locks(self, keys: list[str]) -> dict[str, datetime]:
        rows = await self._tries.find({"_id": {"$in": keys}}, limit=len(keys) or 1)
        return {row["_id"]: row["locked_until"] for row in rows if row["locked_until"] is not None}

    def _read(self, row: Document) -> Staff:
        staff_id = row["_id"]
        return Staff(
            staff_id=staff_id,
            login_name=self._sealer.unseal("staff", staff_id, "login_name", row["login_name"]),
            display_name=self._sealer.unseal("staff", staff_id, "display_name", row["display_name"]),
            status=StaffStatus(row["status"]),
            roles=tuple(sorted(row["roles"])),
            proposed=tuple(entry["role"] for entry in row["proposed"]),
            is_renewal_proposed="renewal_by" in row,
            was_enrolled=row["totp_step"] > 0,
            created_at=row["created_at"],
        )

    def _seal(self, staff_id: str, field: str, text: str) -> bytes:
        return self._sealer.seal("staff", staff_id, field, text)

    def _sealed(self, staff_id: str, credentials: Credentials) -> bytes:
        value = {"password_hash": credentials.password_hash, "totp_secret": credentials.totp_secret}
        return self._sealer.seal_json("staff", staff_id, "credentials", value)

    def _credentials(self, row: Document, field: str) -> Credentials | None:
        if field not in row:
            return None
        kept: dict[str, Any] = self._sealer.unseal_json("staff", row["_id"], "credentials", row[field])
        return Credentials(kept["password_hash"], kept["totp_secret"])
