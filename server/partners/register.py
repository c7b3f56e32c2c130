"""The register of apps and terminals: who is in it, what they may, and how they are stopped (A6.1, B6.6).

Whatever changes here is in force on every process within a second: each change bumps the version that every
process watches.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from server.core.audit import Actor, Audit
from server.core.clock import Clock
from server.core.crypto.sm2 import InvalidKey, Sm2Provider
from server.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from server.core.mongo import Duplicate
from server.core.pages import Page
from server.core.versions import Versions
from server.partners.admission.model import CRITERIA, REQUIRED, Criterion, CriterionState
from server.partners.model import App, Caller, Institution, Terminal
from server.partners.service import VERSION
from server.partners.store import PartnerStore

KEY_OVERLAP = timedelta(days=7)
MAX_KEYS = 4


class PartnerRegister:
    def __init__(
        self, store: PartnerStore, sm2: Sm2Provider, audit: Audit, versions: Versions, clock: Clock
    ) -> None:
        self._store = store
        self._sm2 = sm2
        self._audit = audit
        self._versions = versions
        self._clock = clock

    # -- coming in
    async def require_free(self, app_id: str, terminal_ids: Sequence[str]) -> None:
        """Conflict `admission.app_taken` or `terminal.taken` when something of it is in use."""
        if await self._store.find_app(app_id) is not None:
            raise Conflict("admission.app_taken", "an app of this id exists, or is being applied for")
        for terminal_id in terminal_ids:
            if await self._store.find_terminal(terminal_id) is not None:
                raise _taken(terminal_id)

    async def admit(self, app: App, terminals: Sequence[Terminal], by: Actor) -> None:
        """Puts an app and its terminals into the register, as they are given; InvalidInput `app.bad_key` for
        a key that is no SM2 public key, Conflict `terminal.taken` for a terminal id that another app has.

        The app comes last: it may call only when its admission is on record and its terminals are its own.
        """
        await self._put(app, terminals, by)
        await self._store.put_app(app)
        await self._versions.bump(VERSION)

    async def admit_once(self, app: App, terminals: Sequence[Terminal], by: Actor) -> None:
        """As `admit`, for an app that is not there yet; one that is stays as it became since."""
        if await self._store.find_app(app.app_id) is not None:
            return
        await self._put(app, terminals, by)
        try:
            await self._store.insert_app(app)
        except Duplicate:
            return  # somebody finished the same admission in this moment
        await self._versions.bump(VERSION)

    async def _put(self, app: App, terminals: Sequence[Terminal], by: Actor) -> None:
        for raw in app.public_keys.values():
            self._require_key(raw)
        for terminal in terminals:
            there = await self._store.find_terminal(terminal.terminal_id)
            if there is not None and there.app_id != app.app_id:
                raise _taken(terminal.terminal_id)
        await self._audit.record("apps.admit", by, "app", app.app_id, terminals=len(terminals))
        for terminal in terminals:
            await self._put_terminal(terminal)

    def _require_key(self, raw: bytes) -> None:
        try:
            self._sm2.public_key(raw)
        except InvalidKey:
            raise InvalidInput("app.bad_key", "not an SM2 public key: 04, x and y, 130 hex digits") from None

    async def _put_terminal(self, terminal: Terminal) -> None:
        try:
            await self._store.put_terminal(terminal)
        except Duplicate:  # since we looked
            raise _taken(terminal.terminal_id) from None

    # -- looking
    async def list_apps(self, cursor: str | None, limit: int, institution_id: str | None = None) -> Page[App]:
        """By id; of one institution, or all."""
        return await self._store.list_apps(cursor, limit, institution_id)

    async def find(self, app_id: str) -> App | None:
        return await self._store.find_app(app_id)

    async def get(self, app_id: str) -> App:
        """NotFound `app.not_found`."""
        app = await self._store.find_app(app_id)
        if app is None:
            raise NotFound("app.not_found", "there is no such app")
        return app

    async def list_institutions(self, cursor: str | None, limit: int) -> Page[Institution]:
        """Those with an app, by id."""
        return await self._store.list_institutions(cursor, limit)

    async def get_institution(self, institution_id: str) -> Institution:
        """NotFound `institution.not_found` for one that has no app."""
        institution = await self._store.find_institution(institution_id)
        if institution is None:
            raise NotFound("institution.not_found", "there is no institution of this id")
        return institution

    async def list_terminals(self, app_id: str) -> list[Terminal]:
        return await self._store.list_terminals(app_id)

    # -- stopping and going on; each is in force on every process within a second, sessions included
    async def suspend(self, app_id: str, reason: str, by: Actor) -> None:
        """Nothing of the app is answered any more.  Suspending twice keeps the newer reason."""
        await self._record("apps.suspend", app_id, by)
        await self._store.set_status(app_id, is_active=False, reason=reason)
        await self._versions.bump(VERSION)

    async def resume(self, app_id: str, by: Actor) -> None:
        """The app may call again, as before."""
        await self._record("apps.resume", app_id, by)
        await self._store.set_status(app_id, is_active=True, reason=None)
        await self._versions.bump(VERSION)

    async def put_terminal(self, terminal: Terminal, by: Actor, *, keeps_scenes: bool = False) -> None:
        """A new terminal of an app, or a known one changed or suspended; Conflict `terminal.taken`.
        `keeps_scenes`: a known one stays admitted for the steps it was."""
        await self._record("terminals.put", terminal.app_id, by, terminal_id=terminal.terminal_id)
        there = await self._store.find_terminal(terminal.terminal_id)
        if there is not None and there.app_id != terminal.app_id:
            raise _taken(terminal.terminal_id)
        if there is not None and keeps_scenes:
            terminal = replace(terminal, scenes=there.scenes)
        await self._put_terminal(terminal)
        await self._versions.bump(VERSION)

    # -- keys
    async def add_key(self, app_id: str, key_id: str, raw: bytes, by: Actor) -> datetime | None:
        """The app's next key, good at once; the others are good for a week more, until the moment returned
        (None when it is the only one).  InvalidInput `app.bad_key`; Conflict `key.taken`, `key.too_many`."""
        self._require_key(raw)
        app = await self.get(app_id)
        if key_id in app.public_keys:
            raise Conflict("key.taken", "the app has a key of this id")
        if len(app.public_keys) >= MAX_KEYS:
            raise Conflict("key.too_many", "retire an old key first", most=MAX_KEYS)
        until = self._clock.now() + KEY_OVERLAP
        await self._record("keys.add", app_id, by, key_id=key_id)
        retiring = {known: min(app.retiring.get(known, until), until) for known in app.public_keys}
        if not await self._store.add_key(app_id, sorted(app.public_keys), key_id, raw, retiring):
            raise Conflict("key.changed", "the app's keys were changed just now; look again")
        await self._versions.bump(VERSION)
        return until if retiring else None

    async def retire_key(self, app_id: str, key_id: str, by: Actor) -> None:
        """The key is worthless from here on.  NotFound `key.not_found`; Conflict `key.last`: an app that
        should not call any more is suspended instead."""
        app = await self.get(app_id)
        if key_id not in app.public_keys:
            raise NotFound("key.not_found", "the app has no such key")
        now = self._clock.now()
        if not any(app.key_at(known, now) for known in app.public_keys if known != key_id):
            raise Conflict("key.last", "it is the only key that is good: add another one first")
        await self._record("keys.retire", app_id, by, key_id=key_id)
        await self._store.remove_key(app_id, key_id)
        await self._versions.bump(VERSION)

    async def add_key_of(self, caller: Caller, key_id: str, raw: bytes) -> datetime | None:
        """As `add_key`, by the app itself; Forbidden `session.needs_sm2` within a terminal session."""
        _require_sm2(caller)
        return await self.add_key(caller.app.app_id, key_id, raw, Actor("app", caller.app.app_id))

    async def retire_key_of(self, caller: Caller, key_id: str) -> None:
        """As `retire_key`, by the app itself."""
        _require_sm2(caller)
        await self.retire_key(caller.app.app_id, key_id, Actor("app", caller.app.app_id))

    # -- access criteria
    async def list_criteria(self, app_id: str) -> list[Criterion]:
        return await self._store.list_criteria(app_id)

    async def criteria_open(self, app_id: str) -> list[str]:
        """The required criteria that are not met today, by name."""
        good = {CriterionState.MET, CriterionState.NOT_NEEDED}
        met = {one.name for one in await self._store.list_criteria(app_id) if one.state in good}
        return sorted(REQUIRED - met)

    async def check_criterion(
        self, app_id: str, name: str, state: CriterionState, note: str, due_on: date | None, by: Actor
    ) -> Criterion:
        """InvalidInput `criterion.unknown`, `criterion.needs_date`."""
        if name not in CRITERIA:
            raise InvalidInput("criterion.unknown", "there is no such criterion")
        if state is CriterionState.LATER and due_on is None:
            raise InvalidInput("criterion.needs_date", "say by when it will be met")
        criterion = Criterion(name, state, note, self._clock.now(), by.id, due_on)
        await self._audit.record("criteria.check", by, "app", app_id, outcome=state.value, criterion=name)
        await self._store.put_criterion(app_id, criterion)
        return criterion

    async def _record(self, action: str, app_id: str, by: Actor, **detail: Any) -> None:
        await self.get(app_id)
        await self._audit.record(action, by, "app", app_id, **detail)


def criteria_open(missing: Sequence[str]) -> Conflict:
    return Conflict("admission.criteria_open", "these criteria are not met yet", criteria=list(missing))


def _require_sm2(caller: Caller) -> None:
    """A terminal's key must not make keys that outlive its session."""
    if caller.session is not None:
        raise Forbidden("session.needs_sm2", "keys are changed by a call signed with the app's SM2 key")


def _taken(terminal_id: str) -> Conflict:
    return Conflict("terminal.taken", "another app has a terminal of this id", terminal_id=terminal_id)
