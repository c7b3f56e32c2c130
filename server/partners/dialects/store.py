"""How dialects are kept: `partner_dialects`, the secret sealed, and `dialect_tokens`."""

from datetime import datetime

from server.core.mongo import Collection, Document, index
from server.core.secrets import Sealer
from server.partners.dialects.model import DIALECTS, Dialect, DialectName

_PLAIN = (
    *("terminal_id", "terminals", "clerk_id", "hospital_id"),
    *("digest_rule", "encoding", "success_code", "failure_code"),
)


class DialectStore:
    # Both are small: as many rows as apps that speak a dialect, and a few tokens for each.
    INDEXES = [index("app_id")]
    TOKEN_INDEXES = [index("expires_at", expire_after_s=0)]

    def __init__(self, dialects: Collection, tokens: Collection, sealer: Sealer) -> None:
        self._dialects = dialects
        self._tokens = tokens
        self._sealer = sealer

    async def find(self, app_id: str, name: DialectName) -> Dialect | None:
        row = await self._dialects.find_one({"_id": f"{app_id}:{name}"})
        return None if row is None else self._dialect(row)

    async def list_of_app(self, app_id: str) -> list[Dialect]:
        rows = await self._dialects.find({"app_id": app_id}, limit=len(DIALECTS), sort=[("_id", 1)])
        return [self._dialect(row) for row in rows]

    async def put(self, dialect: Dialect) -> None:
        row_id = f"{dialect.app_id}:{dialect.name}"
        row: Document = {name: getattr(dialect, name) for name in _PLAIN}
        # As a list: what a hospital calls its terminals may hold dots.
        row["terminals"] = [[theirs, ours] for theirs, ours in dialect.terminals.items()]
        row |= {"app_id": dialect.app_id, "name": dialect.name}
        row["app_secret"] = self._sealer.seal("partner_dialects", row_id, "app_secret", dialect.app_secret)
        await self._dialects.update({"_id": row_id}, {"$set": row}, upsert=True)

    async def delete(self, app_id: str, name: DialectName) -> bool:
        return await self._dialects.delete({"_id": f"{app_id}:{name}"}) > 0

    def _dialect(self, row: Document) -> Dialect:
        plain = {name: row[name] for name in _PLAIN}
        plain["terminals"] = dict(row["terminals"])
        secret = self._sealer.unseal("partner_dialects", row["_id"], "app_secret", row["app_secret"])
        return Dialect(row["app_id"], row["name"], secret, **plain)

    # -- tokens of the Tencent style
    async def insert_token(self, digest: str, app_id: str, expires_at: datetime) -> None:
        await self._tokens.insert({"_id": digest, "app_id": app_id, "expires_at": expires_at})

    async def find_token(self, digest: str) -> tuple[str, datetime] | None:
        """(the app, when it is over)."""
        row = await self._tokens.find_one({"_id": digest})
        return None if row is None else (row["app_id"], row["expires_at"])
