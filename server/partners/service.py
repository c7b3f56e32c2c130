"""Proving who calls (V4), opening terminal sessions, and the register of apps and terminals."""

import base64
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import structlog

from server.core.audit import Actor, Audit
from server.core.clock import Clock, to_ms
from server.core.crypto.hashes import equal_in_constant_time, hmac_sm3
from server.core.crypto.sm2 import Sm2Provider, Sm2PublicKey
from server.core.errors import Forbidden, Unauthenticated
from server.core.ids import new_id
from server.core.keys import Seals
from server.core.signing import SignedRequest, decoded_signature, reply_to_sign
from server.core.threads import run_in
from server.core.versions import VersionedCache, Versions
from server.partners.model import App, Caller, Terminal, TerminalSession
from server.partners.store import PartnerStore

SESSION_LIFE = timedelta(hours=8)
NONCE_KEPT = timedelta(seconds=900)
VERSION = "partners"

log = structlog.get_logger()


class PartnerService:
    def __init__(
        self,
        store: PartnerStore,
        sm2: Sm2Provider,
        seals: Seals,
        audit: Audit,
        versions: Versions,
        clock: Clock,
        threads: ThreadPoolExecutor,
        *,
        window_seconds: int,
    ) -> None:
        self._store = store
        self._sm2 = sm2
        self._seals = seals
        self._audit = audit
        self._versions = versions
        self._clock = clock
        self._threads = threads
        self._window = timedelta(seconds=window_seconds)
        self._apps: VersionedCache[App] = VersionedCache(store.find_app)
        self._terminals: VersionedCache[Terminal] = VersionedCache(store.find_terminal)
        self._sessions: VersionedCache[TerminalSession] = VersionedCache(store.find_session)
        self._keys: dict[bytes, Sm2PublicKey] = {}
        for cache in (self._apps, self._terminals, self._sessions):
            versions.watch(VERSION, cache.forget)

    # -- proving a call
    async def authenticate(self, request: SignedRequest) -> Caller:
        """The proven caller.  Whatever fails before the signature is proven says only
        `partner.unauthenticated`; the reason goes to the log."""
        caller = await self._proven(request)
        if isinstance(caller, str):
            log.warning(
                "partner.refused", reason=caller, app_id=request.app_id if request.is_shaped() else "?"
            )
            raise Unauthenticated("partner.unauthenticated", "the call is not proven to come from a partner")
        return caller

    async def _proven(self, request: SignedRequest) -> Caller | str:
        """The caller, or the reason it is none, in the order: shape, app, key, window, signature, nonce."""
        if not request.is_shaped():
            return "shape"
        app = await self.find_callable(request.app_id)
        if app is None:
            return "app"
        session: TerminalSession | None = None
        if request.sign_type == "HMAC-SM3":
            session = await self._sessions.find(request.key_id)
            if session is None or session.app_id != app.app_id or session.expires_at <= self._clock.now():
                return "session"
            terminal = await self._terminals.find(session.terminal_id)
            if terminal is None or not terminal.is_active:
                return "terminal"
        elif app.key_at(request.key_id, self._clock.now()) is None:
            return "key"
        if not self.is_in_window(int(request.timestamp)):
            return "window"
        if not await self._is_signed(request, app, session):
            return "signature"
        if not await self.spend_once(app.app_id, request.nonce):
            return "nonce"
        return Caller(app, request.key_id, request.nonce, session)

    async def _is_signed(self, request: SignedRequest, app: App, session: TerminalSession | None) -> bool:
        signature = decoded_signature(request.signature)
        if signature is None:
            return False
        text = request.string_to_sign()
        if session is not None:
            return equal_in_constant_time(hmac_sm3(session.key, text), signature)
        key = self._public_key(app.public_keys[request.key_id])
        return await run_in(self._threads, partial(key.verify, text, signature))

    def _public_key(self, raw: bytes) -> Sm2PublicKey:
        key = self._keys.get(raw)
        if key is None:
            key = self._keys[raw] = self._sm2.public_key(raw)
        return key

    # -- proving it in another way: the dialects' own proofs stand on these
    async def find_callable(self, app_id: str) -> App | None:
        """The app, unless it is unknown, suspended or over."""
        app = await self._apps.find(app_id)
        return app if app is not None and app.may_call(self._clock.now()) else None

    def is_in_window(self, timestamp_ms: int) -> bool:
        return abs(timestamp_ms - to_ms(self._clock.now())) <= self._window.total_seconds() * 1000

    async def spend_once(self, app_id: str, nonce: str) -> bool:
        """False when the app spent it before, on any process, within longer than any window."""
        return await self._store.spend_nonce(app_id, nonce, self._clock.now() + NONCE_KEPT)

    async def sign_reply(self, caller: Caller, status: int, body: bytes) -> dict[str, str]:
        """The headers that prove the reply is ours, and to this very request."""
        timestamp = str(to_ms(self._clock.now()))
        text = reply_to_sign(status, body, timestamp, caller.nonce)
        if caller.session is not None:
            signature = hmac_sm3(caller.session.key, text)
        else:
            signature = await run_in(self._threads, partial(self._seals.sign_reply, text))
        return {
            "X-Timestamp": timestamp,
            "X-Nonce": caller.nonce,
            "X-Signature": base64.b64encode(signature).decode(),
        }

    # -- terminals
    async def get_terminal(self, caller: Caller, terminal_id: str) -> Terminal:
        """The caller's own active terminal; Forbidden `terminal.unknown` for any other, and for one that is
        not the session's."""
        terminal = await self._terminals.find(terminal_id)
        belongs = terminal is not None and terminal.is_active and terminal.app_id == caller.app.app_id
        if terminal is None or not belongs or (caller.session and caller.session.terminal_id != terminal_id):
            raise Forbidden("terminal.unknown", "this terminal is not one of the caller's")
        return terminal

    async def open_session(self, caller: Caller, terminal_id: str) -> tuple[TerminalSession, bytes]:
        """The session, and its key encrypted (SM2, C1‖C3‖C2) to the app's key that signed this call."""
        if caller.session is not None:
            raise Forbidden("session.needs_sm2", "a session is opened by a call signed with SM2")
        terminal = await self.get_terminal(caller, terminal_id)
        now = self._clock.now()
        session = TerminalSession(
            session_id=new_id(now),
            app_id=caller.app.app_id,
            terminal_id=terminal.terminal_id,
            key=secrets.token_bytes(32),
            expires_at=now + SESSION_LIFE,
        )
        await self._store.insert_session(session)
        actor = Actor("app", caller.app.app_id)
        await self._audit.record("terminal_sessions.open", actor, "terminal", terminal_id)
        public = self._public_key(caller.app.public_keys[caller.key_id])
        return session, await run_in(self._threads, partial(public.encrypt, session.key))
