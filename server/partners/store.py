"""How partners are kept: `apps`, `terminals`, `partner_sessions`, `partner_nonces`."""

from datetime import datetime

from server.core.grouping import Group
from server.core.mongo import Collection, Document, Duplicate, index
from server.core.secrets import Sealer
from server.partners.model import App, Institution, Terminal, TerminalSession


class PartnerStore:
    TERMINAL_INDEXES = [index("app_id")]
    SESSION_INDEXES = [index("expires_at", expire_after_s=0), index("app_id")]
    # The nonce is the row's id and its shard key: random, so the writes spread.
    NONCE_INDEXES = [index("expires_at", expire_after_s=0)]

    def __init__(
        self,
        apps: Collection,
        terminals: Collection,
        sessions: Collection,
        nonces: Collection,
        sealer: Sealer,
    ) -> None:
        self._apps = apps
        self._terminals = terminals
        self._sessions = sessions
        self._nonces = nonces
        self._sealer = sealer
        self._spent: Group[Document, None] = Group(self._nonces.insert_each)

    async def find_app(self, app_id: str) -> App | None:
        row = await self._apps.find_one({"_id": app_id})
        if row is None:
            return None
        return App(
            app_id=row["_id"],
            institution=Institution(row["institution"]["institution_id"], row["institution"]["name"]),
            is_active=row["status"] == "active",
            scopes=frozenset(row["scopes"]),
            public_keys={key["key_id"]: key["public_key"] for key in row["keys"]},
        )

    async def put_app(self, app: App) -> None:
        await self._apps.update(
            {"_id": app.app_id},
            {
                "$set": {
                    "institution": {
                        "institution_id": app.institution.institution_id,
                        "name": app.institution.name,
                    },
                    "status": "active" if app.is_active else "suspended",
                    "scopes": sorted(app.scopes),
                    "keys": [
                        {"key_id": key_id, "public_key": public} for key_id, public in app.public_keys.items()
                    ],
                }
            },
            upsert=True,
        )

    async def find_terminal(self, terminal_id: str) -> Terminal | None:
        row = await self._terminals.find_one({"_id": terminal_id})
        if row is None:
            return None
        return Terminal(row["_id"], row["app_id"], row["place"], row["channel"], row["status"] == "active")

    async def put_terminal(self, terminal: Terminal) -> None:
        """Duplicate when another app has a terminal of this id."""
        await self._terminals.update(
            {"_id": terminal.terminal_id, "app_id": terminal.app_id},
            {
                "$set": {
                    "place": terminal.place,
                    "channel": terminal.channel,
                    "status": "active" if terminal.is_active else "suspended",
                }
            },
            upsert=True,
        )

    async def insert_session(self, session: TerminalSession) -> None:
        await self._sessions.insert(
            {
                "_id": session.session_id,
                "app_id": session.app_id,
                "terminal_id": session.terminal_id,
                "key": self._sealer.seal("partner_sessions", session.session_id, "key", session.key.hex()),
                "expires_at": session.expires_at,
            }
        )

    async def find_session(self, session_id: str) -> TerminalSession | None:
        row = await self._sessions.find_one({"_id": session_id})
        if row is None:
            return None
        key = self._sealer.unseal("partner_sessions", session_id, "key", row["key"])
        return TerminalSession(
            session_id, row["app_id"], row["terminal_id"], bytes.fromhex(key), row["expires_at"]
        )

    async def spend_nonce(self, app_id: str, nonce: str, expires_at: datetime) -> bool:
        """False when the nonce was spent before, in any process and before any restart."""
        row: Document = {"_id": f"{nonce}:{app_id}", "expires_at": expires_at}
        try:
            await self._spent.ask(row)
        except Duplicate:
            return False
        return True
