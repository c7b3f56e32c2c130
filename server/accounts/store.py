"""How accounts, sessions and SMS codes are kept: `accounts`, `sessions`, `sms_codes`."""

from datetime import datetime

from server.accounts.model import Account, Addresses, Session
from server.core.grouping import Group, attempt
from server.core.mongo import Collection, Document, index
from server.core.secrets import Sealer

# How somebody signed in → the field with what that platform calls them.
PLATFORM_IDS = {"wechat": "wechat_id", "alipay": "alipay_id"}


class AccountStore:
    INDEXES = [index("logins", unique=True)]
    SESSION_INDEXES = [index("expires_at", expire_after_s=0), index("account_id")]
    SMS_INDEXES = [index("expires_at", expire_after_s=0), index("phone_key", ("_id", -1))]

    def __init__(
        self, accounts: Collection, sessions: Collection, sms_codes: Collection, sealer: Sealer
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._sms_codes = sms_codes
        self._sealer = sealer
        self._by_token: Group[str, Session | None] = Group(self._find_sessions)

    # -- accounts
    async def find_by_login(self, login_key: str) -> Account | None:
        row = await self._accounts.find_one({"logins": login_key})
        return None if row is None else self._account(row)

    async def insert(self, account: Account, login_keys: list[str], now: datetime) -> None:
        """Duplicate when one of the logins belongs to an account already."""
        row: Document = {"_id": account.account_id, "logins": login_keys, "created_at": now}
        if account.phone is not None:
            row["phone"] = self._seal_phone(account.account_id, account.phone)
        await self._accounts.insert(row)

    async def add_login(self, account_id: str, login_key: str) -> None:
        """Duplicate when the login belongs to another account."""
        await self._accounts.update({"_id": account_id}, {"$addToSet": {"logins": login_key}})

    async def prove_phone(self, account_id: str, phone: str) -> None:
        sealed = self._seal_phone(account_id, phone)
        await self._accounts.update({"_id": account_id}, {"$set": {"phone": sealed}})

    async def move_phone(self, account_id: str, phone: str, old_key: str | None, new_key: str) -> None:
        """This phone in place of the old, and the login with it; Duplicate when the login belongs to another
        account."""
        logins: Document = {"$setDifference": ["$logins", [] if old_key is None else [old_key]]}
        sealed = self._seal_phone(account_id, phone)
        await self._accounts.update(
            {"_id": account_id},
            [{"$set": {"phone": sealed, "logins": {"$setUnion": [logins, [new_key]]}}}],
        )

    async def keep_platform_id(self, account_id: str, method: str, subject: str) -> None:
        """What the platform calls the person who signed in; the newest, when there are several."""
        field = PLATFORM_IDS[method]
        sealed = self._sealer.seal("accounts", account_id, field, subject)
        await self._accounts.update({"_id": account_id}, {"$set": {field: sealed}})

    async def find_addresses(self, account_id: str) -> Addresses:
        """Nothing but None for an account that is not there."""
        fields = ("phone", *PLATFORM_IDS.values())
        row = await self._accounts.find_one({"_id": account_id}, dict.fromkeys(fields, 1)) or {}
        return Addresses(
            **{
                field: self._sealer.unseal("accounts", account_id, field, row[field])
                for field in fields
                if field in row
            }
        )

    def _seal_phone(self, account_id: str, phone: str) -> bytes:
        return self._sealer.seal("accounts", account_id, "phone", phone)

    def _account(self, row: Document) -> Account:
        phone = row.get("phone")
        plain = None if phone is None else self._sealer.unseal("accounts", row["_id"], "phone", phone)
        return Account(row["_id"], plain)

    # -- sessions
    async def open_session(self, digest: str, session: Session, now: datetime) -> None:
        await self._sessions.insert(
            {
                "_id": digest,
                "account_id": session.account.account_id,
                "method": session.method,
                "opened_at": now,
                "expires_at": session.expires_at,
            }
        )

    async def find_session(self, digest: str) -> Session | None:
        """Requests that ask at the same time share one query."""
        return await self._by_token.ask(digest)

    async def _find_sessions(self, digests: list[str]) -> list[Session | BaseException | None]:
        # Grouped: an account's row comes along, so a signed-in request costs one query among many.
        rows = await self._sessions.aggregate(
            [
                {"$match": {"_id": {"$in": list(set(digests))}}},
                {
                    "$lookup": {
                        "from": "accounts",
                        "localField": "account_id",
                        "foreignField": "_id",
                        "as": "a",
                    }
                },
            ],
            limit=len(digests),
        )
        found = {row["_id"]: attempt(self._session, row) for row in rows if row["a"]}
        return [found.get(digest) for digest in digests]

    def _session(self, row: Document) -> Session:
        return Session(self._account(row["a"][0]), row["expires_at"], row.get("method", "sms"))

    async def close_session(self, digest: str) -> None:
        await self._sessions.delete({"_id": digest})

    # -- SMS codes
    async def insert_sms_code(
        self,
        request_id: str,
        phone_key: str,
        purpose: str,
        digest: str,
        tries: int,
        expires_at: datetime,
    ) -> None:
        await self._sms_codes.insert(
            {
                "_id": request_id,
                "phone_key": phone_key,
                "purpose": purpose,
                "digest": digest,
                "tries_left": tries,
                "expires_at": expires_at,
            }
        )

    async def guess_sms_code(
        self, phone_key: str, purpose: str, request_id: str | None, now: datetime
    ) -> Document | None:
        """The newest live code sent to the phone (or the one named), one guess taken from it first, so that
        guesses made at the same moment are counted too; None when it is guessed out."""
        wanted: Document = {"phone_key": phone_key, "purpose": purpose, "expires_at": {"$gt": now}}
        if request_id is not None:
            wanted["_id"] = request_id
        # A newest code that is guessed out still hides the older ones: each would be five guesses more.
        sent = await self._sms_codes.find_and_update(wanted, {"$inc": {"tries_left": -1}}, sort=[("_id", -1)])
        return sent if sent is not None and sent["tries_left"] >= 0 else None

    async def burn_sms_codes(self, phone_key: str, purpose: str, request_id: str) -> bool:
        """True for the one caller that used the code; what was sent to the phone before it dies with it."""
        if await self._sms_codes.delete({"_id": request_id}) != 1:
            return False
        await self._sms_codes.delete({"phone_key": phone_key, "purpose": purpose, "_id": {"$lt": request_id}})
        return True
