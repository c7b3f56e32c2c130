"""A made-up hospital's terminal: gets a code by camera, picture or scanner, and asks the platform who it is.

The page talks to the hospital's own server, as in a real hospital; only that server holds the keys.
"""

import asyncio
import base64
import binascii
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.ioloop import IOLoop

from sandbox.config import Hospital
from sandbox.pages import page
from sandbox.partner_client import (
    PartnerClient,
    Reply,
    ReplyForged,
    SessionRefused,
    TerminalSession,
    Unauthenticated,
    Unreachable,
)
from sandbox.pictures import PictureUnreadable, read_code
from sandbox.service import Answer, Clock, Route, error_answer, json_answer, json_object

KEPT_SCANS = 50
RENEW_BEFORE_S = 60
TIMEOUT_S = 5


@dataclass(frozen=True)
class Scan:
    """What came of one code: the platform's answer, or the reason there is none.

    `status` is the platform's HTTP status, 0 when it was not asked or did not answer.
    """

    scene: str
    status: int
    answer: dict[str, Any] | None = None
    error: tuple[str, str] | None = None

    def as_json(self) -> dict[str, Any]:
        """{"ok", "scene", "status", "answer"} or {"ok", "scene", "status", "error": {"code", "message"}}."""
        shown: dict[str, Any] = {"ok": self.error is None, "scene": self.scene, "status": self.status}
        if self.error is None:
            return shown | {"answer": self.answer}
        return shown | {"error": {"code": self.error[0], "message": self.error[1]}}


class HospitalTerminal:
    """One terminal with its session, and the last 50 scans."""

    def __init__(self, config: Hospital, now: Clock) -> None:
        self._config = config
        self._now = now
        self._client = PartnerClient(
            api=config.api,
            app_id=config.app_id,
            key_id=config.key_id,
            private_key_hex=config.private_key_hex,
            platform_public_key_hex=config.platform_public_key_hex,
            now=now,
            timeout_s=TIMEOUT_S,
        )
        self._session: TerminalSession | None = None
        self._opening = asyncio.Lock()
        self._scans: deque[dict[str, Any]] = deque(maxlen=KEPT_SCANS)

    def routes(self) -> list[Route]:
        """The page, and what it asks the hospital's server."""
        return [
            Route("/hospital/?", {"GET": self._show}),
            Route("/hospital/scans", {"POST": self._scan_request}, door="hospital"),
            Route("/hospital/history", {"GET": self._history}),
        ]

    async def verify(self, code: str, scene: str) -> Scan:
        """Ask the platform about `code`."""
        body = {"code": code, "scene": scene, "channel": self._config.channel}
        return await self.reach(scene, "POST", "/partner/v1/verifications", body)

    async def reach(
        self,
        scene: str,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        query: Sequence[tuple[str, str]] = (),
    ) -> Scan:
        """One call of this terminal; a session that is no longer accepted is opened anew, once."""
        if body is not None:
            body = body | {"terminal_id": self._config.terminal_id}
        try:
            reply = await self._call_in_session(method, path, body, query)
        except SessionRefused as refused:
            return Scan(scene, refused.status, error=(refused.code, refused.message))
        except Unauthenticated as error:
            return Scan(scene, 401, error=("partner.unauthenticated", str(error)))
        except ReplyForged as error:
            return Scan(scene, 0, error=("reply.forged", str(error)))
        except Unreachable as error:
            return Scan(scene, 0, error=("platform.unreachable", str(error)))
        if reply.error:
            return Scan(scene, reply.status, error=reply.error)
        return Scan(scene, reply.status, answer=reply.body)

    def keep(self, scan: dict[str, Any]) -> None:
        """Among the last 50, which the page lists."""
        scanned_at = datetime.fromtimestamp(int(self._now()), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._scans.append(scan | {"scanned_at": scanned_at})

    async def _call_in_session(
        self, method: str, path: str, body: dict[str, Any] | None, query: Sequence[tuple[str, str]]
    ) -> Reply:
        key = secrets.token_hex(16) if method == "POST" else None

        async def ask(session: TerminalSession) -> Reply:
            return await self._client.call(
                method, path, body, query=query, session=session, idempotency_key=key
            )

        session = await self._current_session(refused=None)
        try:
            return await self._twice(ask, session)
        except Unauthenticated:
            return await self._twice(ask, await self._current_session(refused=session))

    async def _twice(
        self, ask: Callable[[TerminalSession], Awaitable[Reply]], session: TerminalSession
    ) -> Reply:
        # A code works once: when its answer is lost, only the same key gets it again, not "already used".
        try:
            return await ask(session)
        except Unreachable:
            return await ask(session)

    async def _current_session(self, refused: TerminalSession | None) -> TerminalSession:
        # The lock makes scans that arrive together share one new session instead of opening one each.
        async with self._opening:
            session = self._session
            is_old = session is not None and session.expires_at - self._now() < RENEW_BEFORE_S
            if session is None or is_old or session is refused:
                session = await self._client.open_session(self._config.terminal_id)
                self._session = session
            return session

    async def _scan_request(self, request: HTTPServerRequest) -> Answer:
        """{text | picture (base64), scene} → {ok, code_text?, answer | error, scene, status, took_ms}."""
        body = json_object(request)
        text, picture, scene = body.get("text"), body.get("picture"), body.get("scene")
        if not isinstance(scene, str) or not scene:
            return error_answer(400, "scene.missing", "scene is not given")
        if isinstance(text, str) and text.strip():
            return await self._scan(text.strip(), scene)
        if not isinstance(picture, str):
            return error_answer(400, "code.missing", "neither text nor picture is given")
        try:
            raw = base64.b64decode(picture.rpartition(",")[2], validate=True)
            code = await IOLoop.current().run_in_executor(None, read_code, raw)
        except (binascii.Error, PictureUnreadable) as error:
            return json_answer(Scan(scene, 0, error=("picture.unreadable", str(error))).as_json())
        if code is None:
            # Nine of ten frames of a camera hold no code: they are not scans and leave no trace.
            return json_answer(Scan(scene, 0, error=("picture.no_code", "no QR code in it")).as_json())
        return await self._scan(code, scene)

    async def _scan(self, code: str, scene: str) -> Answer:
        started = time.perf_counter()
        scan = (await self.verify(code, scene)).as_json()
        scan["took_ms"] = round((time.perf_counter() - started) * 1000)
        self.keep(scan)
        return json_answer(scan | {"code_text": code})

    def _history(self, request: HTTPServerRequest) -> Answer:
        """{"scans": [...]}: the last scans without their codes, newest first."""
        return json_answer({"scans": list(reversed(self._scans))})

    def _show(self, request: HTTPServerRequest) -> Answer:
        return page("hospital.html", terminal=self._config)
