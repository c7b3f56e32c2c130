"""Switching a dialect on for an app, and proving the calls that come in it (V6).

A dialect's proof is weaker than a signed call's, so it opens nothing by itself: off for every app until staff
switch it on, only for the scopes the app has anyway, in production over TLS only, and no call twice.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NoReturn

import structlog

from server.core.audit import Actor, Audit
from server.core.clock import Clock
from server.core.errors import Forbidden, Malformed, NotFound, Unauthenticated
from server.core.ids import new_token
from server.core.secrets import Sealer
from server.core.versions import VersionedCache, Versions
from server.partners.dialects import ehc, tencent
from server.partners.dialects.model import Dialect, DialectName
from server.partners.dialects.store import DialectStore
from server.partners.model import Caller, Terminal
from server.partners.register import PartnerRegister
from server.partners.service import VERSION, PartnerService

TOKEN_LIFE = timedelta(seconds=7200)
SECRET_BYTES = 8  # 16 hex digits: what `ehc.*` can carry

log = structlog.get_logger()


@dataclass(frozen=True)
class Proven:
    """A call that is proven to be an app's: as whom it may act, and in what words it is answered."""

    caller: Caller
    dialect: Dialect


class DialectService:
    def __init__(
        self,
        store: DialectStore,
        partners: PartnerService,
        register: PartnerRegister,
        audit: Audit,
        versions: Versions,
        sealer: Sealer,
        clock: Clock,
        *,
        needs_tls: bool,
    ) -> None:
        self._store = store
        self._partners = partners
        self._register = register
        self._audit = audit
        self._versions = versions
        self._sealer = sealer
        self.clock = clock
        self._needs_tls = needs_tls
        self._known: VersionedCache[Dialect] = VersionedCache(self._load)
        self._tokens: VersionedCache[tuple[str, datetime]] = VersionedCache(store.find_token)
        for cache in (self._known, self._tokens):
            versions.watch(VERSION, cache.forget)

    async def _load(self, key: str) -> Dialect | None:
        app_id, _, name = key.rpartition(":")
        return await self._store.find(app_id, "ehc" if name == "ehc" else "tencent")

    # -- by staff
    async def list_of_app(self, app_id: str) -> list[Dialect]:
        """NotFound `app.not_found`."""
        await self._register.get(app_id)
        return await self._store.list_of_app(app_id)

    async def switch_on(self, wanted: Dialect, by: Actor) -> str | None:
        """In force on every process within a second.  An empty secret keeps the one there is, or makes one,
        which is returned this once.

        NotFound `app.not_found`; Forbidden `terminal.unknown` for a terminal that is not the app's;
        InvalidInput as `Dialect.require_usable`.
        """
        await self._register.get(wanted.app_id)
        before = await self._store.find(wanted.app_id, wanted.name)
        made = None
        if not wanted.app_secret:
            made = None if before else secrets.token_hex(SECRET_BYTES).upper()
            wanted = replace(wanted, app_secret=before.app_secret if before else made or "")
        wanted.require_usable()
        terminals = {*wanted.terminals.values(), *([wanted.terminal_id] if wanted.terminal_id else [])}
        known = {one.terminal_id for one in await self._register.list_terminals(wanted.app_id)}
        if not terminals <= known:
            raise Forbidden("terminal.unknown", "not a terminal of this app")
        await self._audit.record("dialects.switch_on", by, "app", wanted.app_id, dialect=wanted.name)
        await self._store.put(wanted)
        await self._versions.bump(VERSION)
        return made

    async def switch_off(self, app_id: str, name: DialectName, by: Actor) -> None:
        """NotFound `dialect.off`."""
        await self._audit.record("dialects.switch_off", by, "app", app_id, dialect=name)
        if not await self._store.delete(app_id, name):
            raise NotFound("dialect.off", "this app does not speak this dialect")
        await self._versions.bump(VERSION)

    # -- proving a call
    async def prove_ehc(self, envelope: ehc.Envelope, *, is_secure: bool) -> tuple[Proven, str]:
        """The proven call and its plain content.  Before it is proven a refusal says only
        `partner.unauthenticated`; the reason goes to the log."""
        self._require_tls(is_secure)
        dialect = await self._known.find(f"{envelope.app_id}:ehc")
        if dialect is None:
            _refuse("off", envelope.app_id)
        self._require_window(int(envelope.timestamp), envelope.app_id)
        secret = dialect.app_secret
        try:
            plain = ehc.decrypt(envelope.biz_content, secret, dialect.encoding)
        except ehc.Undecipherable:
            _refuse("content", envelope.app_id)
        fields = envelope.digested()
        if dialect.digest_rule == "plaintext":
            fields["biz_content"] = plain
        if not ehc.is_digest(envelope.digest, fields, dialect.digest_rule, secret):
            _refuse("digest", envelope.app_id)
        return await self._once(dialect, envelope.digest.lower()), plain

    async def prove_tencent(self, question: tencent.Question, *, is_secure: bool) -> Proven:
        """As `prove_ehc`; Unauthenticated `dialect.token_over` for a call whose token is over: ask for a new
        one."""
        self._require_tls(is_secure)
        found = await self._tokens.find(self._sealer.token_digest(question.token))
        if found is None or found[1] <= self.clock.now():
            raise Unauthenticated(
                "dialect.token_over", "the appToken is over, or none of ours: get a new one"
            )
        return await self._signed(question, found[0])

    async def open_token(
        self, question: tencent.Question, app_id: str, *, is_secure: bool
    ) -> tuple[Proven, str]:
        """A token for the app that signed this, good for two hours."""
        self._require_tls(is_secure)
        proven = await self._signed(question, app_id)
        token = new_token()
        over_at = self.clock.now() + TOKEN_LIFE
        await self._store.insert_token(self._sealer.token_digest(token), app_id, over_at)
        return proven, token

    async def _signed(self, question: tencent.Question, app_id: str) -> Proven:
        dialect = await self._known.find(f"{app_id}:tencent")
        if dialect is None:
            _refuse("off", app_id)
        if question.common["hospitalId"] != dialect.hospital_id:
            _refuse("hospital", app_id)
        self._require_window(int(question.common["timestamp"]) * 1000, app_id)
        if not tencent.is_signed(question, dialect.app_secret):
            _refuse("signature", app_id)
        return await self._once(dialect, question.sign)

    def _require_tls(self, is_secure: bool) -> None:
        if self._needs_tls and not is_secure:
            raise Forbidden("dialect.needs_tls", "this dialect is spoken over TLS only")

    def _require_window(self, timestamp_ms: int, app_id: str) -> None:
        if not self._partners.is_in_window(timestamp_ms):
            _refuse("window", app_id)

    async def _once(self, dialect: Dialect, mark: str) -> Proven:
        """The digest covers the timestamp and all the rest, so remembering it stops every repetition, also
        one whose fields were cut in another way."""
        app = await self._partners.find_callable(dialect.app_id)
        if app is None:
            _refuse("app", dialect.app_id)
        if not await self._partners.spend_once(app.app_id, f"{dialect.name}:{mark}"):
            _refuse("replay", dialect.app_id)
        return Proven(Caller(app, dialect.name, mark, None), dialect)

    async def get_terminal(self, proven: Proven, named: str) -> Terminal:
        """The terminal a call names, by its own name or ours, or the one that stands for calls that name
        none; Forbidden `terminal.unknown`."""
        terminal_id = proven.dialect.terminal_of(named)
        if terminal_id is None:
            raise Forbidden("terminal.unknown", "the call names no terminal, and none stands for it")
        return await self._partners.get_terminal(proven.caller, terminal_id)


def require_call(known: bool) -> None:
    if not known:
        raise Malformed("dialect.unknown_call", "there is no such call in this dialect")


def _refuse(reason: str, app_id: str) -> NoReturn:
    log.warning("dialect.refused", reason=reason, app_id=app_id)
    raise Unauthenticated("partner.unauthenticated", "the call is not proven to come from a partner")
