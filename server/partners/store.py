"""How partners are kept: `apps`, `terminals`, `partner_sessions`, `partner_nonces`,
`partner_criteria`."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from server.core.grouping import Group
from server.core.mongo import Collection, Document, Duplicate, index
from server.core.pages import Page, page_of
from server.core.secrets import Sealer
from server.partners.admission.model import CRITERIA, Criterion, CriterionState
from server.partners.model import App, Institution, ProposedLimits, Terminal, TerminalSession

MAX_TERMINALS = 10_000


class PartnerStore:
    APP_INDEXES = [index("institution.institution_id")]
    TERMINAL_INDEXES = [index("app_id")]
    SESSION_INDEXES = [index("expires_at", expire_after_s=0), index("app_id")]
    # The nonce is the row's id and its shard key: random, so the writes spread.
    CRITERIA_INDEXES = [index("app_id")]
    NONCE_INDEXES = [index("expires_at", expire_after_s=0)]

    def __init__(
        self,
        apps: Collection,
        terminals: Collection,
        sessions: Collection,
        nonces: Collection,
        criteria: Collection,
        sealer: Sealer,
    ) -> None:
        self._apps = apps
        self._terminals = terminals
        self._sessions = sessions
        self._nonces = nonces
        self._criteria = criteria
        self._sealer = sealer
        self._spent: Group[Document, None] = Group(self._nonces.insert_each, lanes=2)

    async def find_app(self, app_id: str) -> App | None:
        row = await self._apps.find_one({"_id": app_id})
        if row is None:
            return None
        return _app(row)

    async def list_apps(self, cursor: str | None, limit: int, institution_id: str | None = None) -> Page[App]:
        """By id; of one institution, or all."""
        wanted: Document = {} if cursor is None else {"_id": {"$gt": cursor}}
        if institution_id is not None:
            wanted["institution.institution_id"] = institution_id
        rows = await self._apps.find(wanted, limit=limit + 1, sort=[("_id", 1)])
        return page_of([_app(row) for row in rows], limit, lambda app: app.app_id)

    async def list_institutions(self, cursor: str | None, limit: int) -> Page[Institution]:
        """Those with an app, by id."""
        wanted: Document = {"$gt": cursor or ""}
        rows = await self._apps.aggregate(
            [
                {"$match": {"institution.institution_id": wanted}},
                {"$sort": {"institution.institution_id": 1}},
                {"$group": {"_id": "$institution.institution_id", "name": {"$first": "$institution.name"}}},
                {"$sort": {"_id": 1}},
                {"$limit": limit + 1},
            ],
            limit=limit + 1,
        )
        found = [Institution(row["_id"], row["name"]) for row in rows]
        return page_of(found, limit, lambda institution: institution.institution_id)

    async def find_institution(self, institution_id: str) -> Institution | None:
        """None when no app is of it."""
        row = await self._apps.find_one({"institution.institution_id": institution_id})
        return None if row is None else _app(row).institution

    async def put_app(self, app: App) -> None:
        row = _app_row(app)
        await self._apps.update({"_id": row.pop("_id")}, {"$set": row}, upsert=True)

    async def insert_app(self, app: App) -> None:
        """Duplicate when it is there."""
        await self._apps.insert(_app_row(app))

    async def set_status(self, app_id: str, *, is_active: bool, reason: str | None) -> None:
        status = "active" if is_active else "suspended"
        await self._apps.update({"_id": app_id}, {"$set": {"status": status, "suspended_because": reason}})

    async def set_limits(
        self,
        before: App,
        scopes: frozenset[str],
        valid_until: datetime | None,
        proposed: ProposedLimits | None,
    ) -> bool:
        """False when the app's limits, or what is proposed, are not what they were `before` any more."""
        unchanged = {
            "_id": before.app_id,
            "scopes": sorted(before.scopes),
            "valid_until": before.valid_until,
            "proposed.proposal_id": None if before.proposed is None else before.proposed.proposal_id,
        }
        change = {
            "scopes": sorted(scopes),
            "valid_until": valid_until,
            "proposed": _proposed_row(proposed),
        }
        return await self._apps.update(unchanged, {"$set": change})

    async def add_key(
        self, app_id: str, known: list[str], key_id: str, raw: bytes, retiring: Mapping[str, datetime]
    ) -> bool:
        """False when the app's keys are not the `known` ones any more."""
        ends = {"$switch": {"branches": [_is_key(key, until) for key, until in retiring.items()]}}
        older = {
            "$map": {"input": "$keys", "as": "k", "in": {"$mergeObjects": ["$$k", {"retires_at": ends}]}}
        }
        change: Document = {"$literal": {"key_id": key_id, "public_key": raw}}
        return await self._apps.update(
            {"_id": app_id, "keys.key_id": {"$all": known}, "keys": {"$size": len(known)}},
            [{"$set": {"keys": {"$concatArrays": [older, [change]]}}}],
        )

    async def remove_key(self, app_id: str, key_id: str) -> None:
        await self._apps.update({"_id": app_id}, {"$pull": {"keys": {"key_id": key_id}}})

    # -- criteria
    async def list_criteria(self, app_id: str) -> list[Criterion]:
        rows = await self._criteria.find({"app_id": app_id}, limit=len(CRITERIA))
        return [_criterion(row) for row in rows]

    async def put_criterion(self, app_id: str, criterion: Criterion) -> None:
        due_on = None if criterion.due_on is None else criterion.due_on.isoformat()
        row = {**criterion.__dict__, "state": criterion.state.value, "due_on": due_on, "app_id": app_id}
        await self._criteria.update({"_id": f"{app_id}:{criterion.name}"}, {"$set": row}, upsert=True)

    # -- terminals
    async def list_terminals(self, app_id: str) -> list[Terminal]:
        rows = await self._terminals.find({"app_id": app_id}, limit=MAX_TERMINALS, sort=[("_id", 1)])
        return [_terminal(row) for row in rows]

    async def find_terminal(self, terminal_id: str) -> Terminal | None:
        row = await self._terminals.find_one({"_id": terminal_id})
        return None if row is None else _terminal(row)

    async def put_terminal(self, terminal: Terminal) -> None:
        """Duplicate when another app has a terminal of this id."""
        await self._terminals.update(
            {"_id": terminal.terminal_id, "app_id": terminal.app_id},
            {
                "$set": {
                    "place": terminal.place,
                    "channel": terminal.channel,
                    "status": "active" if terminal.is_active else "suspended",
                    "scenes": None if terminal.scenes is None else list(terminal.scenes),
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


def _app(row: Document) -> App:
    return App(
        app_id=row["_id"],
        institution=Institution(row["institution"]["institution_id"], row["institution"]["name"]),
        is_active=row["status"] == "active",
        scopes=frozenset(row["scopes"]),
        public_keys={key["key_id"]: key["public_key"] for key in row["keys"]},
        retiring={key["key_id"]: key["retires_at"] for key in row["keys"] if key.get("retires_at")},
        valid_until=row.get("valid_until"),
        suspended_because=row.get("suspended_because"),
        proposed=_proposed(row.get("proposed")),
    )


def _app_row(app: App) -> Document:
    institution = app.institution
    return {
        "_id": app.app_id,
        "institution": {"institution_id": institution.institution_id, "name": institution.name},
        "status": "active" if app.is_active else "suspended",
        "scopes": sorted(app.scopes),
        "keys": [
            {"key_id": key_id, "public_key": public, "retires_at": app.retiring.get(key_id)}
            for key_id, public in app.public_keys.items()
        ],
        "valid_until": app.valid_until,
        "suspended_because": app.suspended_because,
        "proposed": _proposed_row(app.proposed),
    }


def _proposed(row: Document | None) -> ProposedLimits | None:
    return None if row is None else ProposedLimits(**{**row, "scopes": frozenset(row["scopes"])})


def _proposed_row(proposed: ProposedLimits | None) -> Document | None:
    return None if proposed is None else {**proposed.__dict__, "scopes": sorted(proposed.scopes)}


def _is_key(key_id: str, until: datetime) -> dict[str, Any]:
    return {"case": {"$eq": ["$$k.key_id", {"$literal": key_id}]}, "then": until}


def _terminal(row: Document) -> Terminal:
    scenes = row.get("scenes")
    return Terminal(
        row["_id"],
        row["app_id"],
        row["place"],
        row["channel"],
        row["status"] == "active",
        None if scenes is None else tuple(scenes),
    )


def _criterion(row: Document) -> Criterion:
    return Criterion(
        name=row["name"],
        state=CriterionState(row["state"]),
        note=row["note"],
        checked_at=row["checked_at"],
        checked_by=row["checked_by"],
        due_on=None if row["due_on"] is None else date.fromisoformat(row["due_on"]),
    )
