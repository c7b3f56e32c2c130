"""Residents and a hospital, as correct clients: whatever they did not hear about they ask again, same key.

They run in a thread with an event loop of its own, so that the run's main thread is free to kill processes.
"""

import asyncio
import contextlib
import io
import json
import random
import re
import threading
import time
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from PIL import Image
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse

from sandbox.partner_client import (
    PartnerApiError,
    PartnerClient,
    Reply,
    ReplyForged,
    TerminalSession,
    Unauthenticated,
    Unreachable,
)
from tests.faults.history import Attempt, History, Operation, is_to_retry
from tests.faults.people import Person
from tests.faults.processes import http_ready, wait_until
from tests.faults.stage import APP_ID, KEY_ID, PRIVATE_KEY_HEX, TERMINAL_ID, Stage

MAX_ATTEMPTS = 40
SIGNED_PATHS = {"issue": "/partner/v1/cards", "tell": "/partner/v1/usage-events"}
TIMEOUT_S = 12.0
READY_TIMEOUT_S = 60.0
T = TypeVar("T")


@dataclass(frozen=True)
class RawReply(Reply):
    """A reply, with the bytes its signature covers."""

    raw: bytes = b""


class Hospital(PartnerClient):
    """The hospital's own client, which keeps the bytes it got."""

    def _believe(self, response: HTTPResponse, nonce: str, session: TerminalSession | None) -> Reply:
        reply = super()._believe(response, nonce, session)
        return RawReply(reply.status, reply.body, response.body)


@dataclass
class Resident:
    """A person with a session and, once claimed, a card."""

    person: Person
    token: str = ""
    card_id: str = ""


class Clients:
    """All clients of one run.  `url` is where the platform answers; it may change while they run."""

    def __init__(self, stage: Stage, url: str, history: History, seed: int) -> None:
        self.url = url
        self.history = history
        self.failures: list[str] = []
        "Answers no correct platform gives, such as a reply whose signature is wrong."
        self.rng = random.Random(seed)
        self._stage = stage
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="clients", daemon=True)
        self._session: TerminalSession | None = None
        self._ready: asyncio.Task[None] | None = None
        self._thread.start()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    # -- for the run's thread
    def run(self, work: Coroutine[Any, Any, T], timeout_s: float = 120.0) -> T:
        """What `work` returns, done in the clients' thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    def spawn(self, work: Coroutine[Any, Any, T]) -> "asyncio.Future[T]":
        """Starts `work`; a concurrent future to ask later."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)  # type: ignore[return-value]

    def settle(self, timeout_s: float = 60.0) -> None:
        """Asks again for whatever is unknown until it is known; AssertionError when that takes too long."""
        deadline = time.monotonic() + timeout_s
        while unknown := self.history.unknown():
            assert time.monotonic() < deadline, f"{len(unknown)} operations stay unknown: {_kinds(unknown)}"
            next_round = time.monotonic() + 0.5
            self.run(self._perform_all(unknown))
            if self.history.unknown():
                wait_until(lambda due=next_round: time.monotonic() >= due, 2)  # type: ignore[misc]

    # -- what a client does
    async def sign_in(self, person: Person, *, signed_out: bool = False) -> Resident | None:
        """By SMS: a new code for every try, as a person at a phone would.  None when it never succeeded.
        `signed_out` says that the session is going to be closed."""
        operation = self.history.open("sign_in", uuid.uuid4().hex, phone=person.phone, signed_out=signed_out)
        await self.perform(operation)
        return Resident(person, operation.result["token"]) if operation.result else None

    async def claim(self, resident: Resident, *, key: str | None = None, **changes: Any) -> Operation:
        body = {**resident.person.application(), **changes}
        operation = self.history.open(
            "claim", key or uuid.uuid4().hex, body=body, token=resident.token, person=resident.person
        )
        await self.perform(operation)
        if operation.result is not None:
            resident.card_id = operation.result["card_id"]
        return operation

    async def issue(self, person: Person) -> Operation:
        """A window gives out the person's card: the document was read, a clerk was there."""
        body = {
            **{name: value for name, value in person.application().items() if name != "relation"},
            "terminal_id": TERMINAL_ID,
            "reading": {"how": "device", "device_no": "reader-1"},
            "face_to_face": {"clerk_id": "c-0001"},
            "hospital_patient_no": f"P{uuid.uuid4().hex[:12]}",
        }
        operation = self.history.open("issue", uuid.uuid4().hex, body=body, person=person)
        await self.perform(operation)
        return operation

    async def claim_parent(self, resident: Resident, parent: Person) -> Operation | None:
        """The resident's account takes the card of a parent, who consents by SMS; None without a code."""
        code = await self.consent_code(parent)
        if code is None:
            return None
        return await self.claim_for(resident, parent, relation="parent", relation_proof=code)

    async def claim_for(self, resident: Resident, person: Person, **changes: Any) -> Operation:
        """The resident's account claims another person's card."""
        body = {**person.application(), **changes}
        if changes["relation"] == "ward":
            body["phone"] = resident.person.phone
        about = {"body": body, "token": resident.token, "person": person}
        operation = self.history.open("claim", uuid.uuid4().hex, **about)
        await self.perform(operation)
        return operation

    async def upload(self, resident: Resident) -> str | None:
        """The id of a paper that was taken; None when it was not."""
        headers = {"Content-Type": "image/png", "Authorization": f"Bearer {resident.token}"}
        buffer = io.BytesIO()
        Image.new("RGB", (64, 48)).save(buffer, "PNG")
        request = HTTPRequest(self.url + "/api/v1/attachments", "POST", headers, buffer.getvalue())
        try:
            answer = await AsyncHTTPClient(max_clients=200).fetch(request, raise_error=False)
        except (HTTPClientError, OSError):
            return None
        return str(json.loads(answer.body)["attachment_id"]) if answer.code == 201 else None

    async def consent_code(self, person: Person) -> dict[str, str] | None:
        """A code that asks the person for consent, read where the phone would."""
        asked = {"phone": person.phone, "purpose": "consent"}
        sent, content = await self._ask("POST", "/api/v1/sms-codes", asked)
        if sent.status != 202:
            return None
        code = await self.last_sms_code(person.phone)
        return {"kind": "consent_sms", "request_id": content["request_id"], "code": code}

    async def show_code(self, resident: Resident, kind: str = "dynamic") -> str | None:
        """The text of a code to show; None while the card is pending."""
        for _ in range(MAX_ATTEMPTS):
            path = f"/api/v1/cards/{resident.card_id}/code?kind={kind}"
            attempt, content = await self._ask("GET", path, token=resident.token)
            if attempt.status == 200:
                return str(content["text"])
            if not is_to_retry(attempt):
                return None
            await self.until_ready()
        return None

    async def verify(
        self, code: str, *, key: str | None = None, scene: str = "010101", **about: Any
    ) -> Operation:
        body = {"code": code, "scene": scene, "terminal_id": TERMINAL_ID}
        operation = self.history.open("verify", key or uuid.uuid4().hex, body=body, **about)
        await self.perform(operation)
        return operation

    async def tell(self, card_id: str, number: int) -> Operation:
        """A batch of uses of the card that the hospital saw itself; the first is told twice in it."""
        used_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        ids = [uuid.uuid4().hex for _ in range(number)]
        one = {"card_id": card_id, "step": "010101", "channel": "0100", "direct": False, "used_at": used_at}
        body = {"events": [{"event_id": event_id, **one} for event_id in (*ids, ids[0])]}
        operation = self.history.open("tell", uuid.uuid4().hex, body=body)
        await self.perform(operation)
        return operation

    async def book(self, resident: Resident, institution_id: str, slot_id: str) -> Operation:
        """A place of the slot for the resident's card."""
        body = {"card_id": resident.card_id, "institution_id": institution_id, "slot_id": slot_id}
        about = {"path": "/api/v1/appointments", "body": body, "token": resident.token}
        operation = self.history.open("book", uuid.uuid4().hex, **about)
        await self.perform(operation)
        return operation

    async def cancel(self, resident: Resident, appointment_id: str) -> Operation:
        """Gives the place back."""
        path = f"/api/v1/appointments/{appointment_id}/cancellation"
        about = {"path": path, "body": {}, "token": resident.token, "appointment_id": appointment_id}
        operation = self.history.open("cancel", uuid.uuid4().hex, **about)
        await self.perform(operation)
        return operation

    async def perform(self, operation: Operation) -> None:
        """Tries until the outcome is known, or the first attempt is said to be still at work."""
        for _ in range(MAX_ATTEMPTS):
            attempt = await self.attempt(operation)
            if not is_to_retry(attempt) or attempt.error == "idempotency.in_progress":
                return
            await self.until_ready()

    async def attempt(self, operation: Operation, body: dict[str, Any] | None = None) -> Attempt:
        """One try, with the operation's key; with another `body` it is not noted as the operation's."""
        if operation.kind == "sign_in":
            attempt, content = await self._try_sign_in(operation.about["phone"])
        elif operation.kind in ("claim", "book", "cancel"):
            attempt, content = await self._ask(
                "POST",
                operation.about.get("path", "/api/v1/cards"),
                body or operation.about["body"],
                token=operation.about["token"],
                key=operation.key,
            )
        elif operation.kind in ("issue", "tell"):
            attempt, content = await self._try_signed(operation, body)
        else:
            attempt, content = await self._try_verify(body or operation.about["body"], operation.key)
        if body is None:
            self.history.note(operation, attempt, content)
        return attempt

    async def _try_sign_in(self, phone: str) -> tuple[Attempt, dict[str, Any]]:
        sent, proof = await self.sms_code(phone, "sign_in")
        if sent.status != 202:
            return sent, {}
        return await self._ask("POST", "/api/v1/sessions", {"method": "sms", **proof})

    async def sms_code(self, phone: str, purpose: str) -> tuple[Attempt, dict[str, Any]]:
        """{phone, code, request_id} of a new code, read where the phone would."""
        sent, content = await self._ask("POST", "/api/v1/sms-codes", {"phone": phone, "purpose": purpose})
        if sent.status != 202:
            return sent, {}
        code = await self.last_sms_code(phone)
        return sent, {"phone": phone, "code": code, "request_id": content["request_id"]}

    async def last_sms_code(self, phone: str) -> str:
        """Read where the phone would."""
        inbox = await self._fetch(f"{self._stage.sandbox_url}/sms/messages?phone={phone}", "GET")
        return str(re.findall(r"\b[0-9]{6}\b", json.loads(inbox.body)["messages"][-1]["text"])[0])

    async def _try_signed(
        self, operation: Operation, body: dict[str, Any] | None
    ) -> tuple[Attempt, dict[str, Any]]:
        path, body = SIGNED_PATHS[operation.kind], body or operation.about["body"]
        try:
            reply = await self.hospital().call("POST", path, body, idempotency_key=operation.key)
        except Unreachable:
            return Attempt(None), {}
        except (Unauthenticated, ReplyForged) as error:
            self.failures.append(f"{operation.kind}: {type(error).__name__}")
            return Attempt(None), {}
        assert isinstance(reply, RawReply)
        refusal = reply.error[0] if reply.error else None
        return Attempt(reply.status, reply.raw, refusal), reply.body

    async def _try_verify(self, body: dict[str, Any], key: str) -> tuple[Attempt, dict[str, Any]]:
        try:
            client = self.hospital()
            if self._session is None:
                self._session = await client.open_session(TERMINAL_ID)
            reply = await client.call(
                "POST", "/partner/v1/verifications", body, session=self._session, idempotency_key=key
            )
        except Unreachable:
            return Attempt(None), {}
        except (Unauthenticated, ReplyForged) as error:
            self._session = None
            self.failures.append(f"verify: {type(error).__name__}")
            return Attempt(None), {}
        except PartnerApiError:  # the session could not be opened just now
            return Attempt(503), {}
        assert isinstance(reply, RawReply)
        refusal = reply.error[0] if reply.error else None
        return Attempt(reply.status, reply.raw, refusal), reply.body

    async def reopen_session(self) -> None:
        """The terminal starts anew; when that fails, the next verification tries again."""
        self._session = None
        with contextlib.suppress(PartnerApiError):
            self._session = await self.hospital().open_session(TERMINAL_ID)

    def hospital(self) -> Hospital:
        return Hospital(
            api=self.url,
            app_id=APP_ID,
            key_id=KEY_ID,
            private_key_hex=PRIVATE_KEY_HEX,
            platform_public_key_hex=self._stage.platform_public_key_hex,
            timeout_s=TIMEOUT_S,
        )

    async def _perform_all(self, operations: list[Operation]) -> None:
        await in_parallel([lambda one=one: self.perform(one) for one in operations])  # type: ignore[misc]

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[Attempt, Any]:
        """One request that is in no history."""
        return await self._ask(method, path, body, **more)

    async def staff_ask(self, who: int, path: str, body: Any = None) -> tuple[Attempt, Any]:
        """A request of staff: 0 proposes, 1 approves."""
        return await self._ask("POST", path, body, token=self._stage.staff_tokens[who])

    async def hospital_ask(self, method: str, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
        """What the hospital is told; nothing when there was no answer or a refusal."""
        try:
            reply = await self.hospital().call(method, path, body, **more)
        except PartnerApiError:
            return {}
        return reply.body if reply.status < 300 else {}

    async def _ask(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, key: str | None = None
    ) -> tuple[Attempt, dict[str, Any]]:
        headers = {"Content-Type": "application/json"}
        headers["X-Forwarded-For"] = f"10.{self.rng.randrange(256)}.{self.rng.randrange(256)}.1"
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if key:
            headers["Idempotency-Key"] = key
        try:
            answer = await self._fetch(self.url + path, method, headers, body)
        except (HTTPClientError, OSError):
            return Attempt(None), {}
        if answer.code == 599:
            return Attempt(None), {}
        content = json.loads(answer.body) if answer.body else {}
        if answer.code == 500:
            self.failures.append(f"{method} {path.split('?')[0]}: 500")
        error = content["error"]["code"] if answer.code >= 400 else None
        return Attempt(answer.code, answer.body or b"", error), content

    async def _fetch(
        self, url: str, method: str, headers: dict[str, str] | None = None, body: Any = None
    ) -> HTTPResponse:
        request = HTTPRequest(
            url,
            method,
            headers,
            None if body is None else json.dumps(body).encode(),
            connect_timeout=TIMEOUT_S,
            request_timeout=TIMEOUT_S,
            allow_nonstandard_methods=True,
        )
        return await AsyncHTTPClient(max_clients=200).fetch(request, raise_error=False)

    async def until_ready(self) -> None:
        """Returns when the platform says it is ready; all clients share one probe."""
        if self._ready is None or self._ready.done():
            probe = http_ready(f"{self.url}/health/ready")
            self._ready = asyncio.ensure_future(asyncio.to_thread(wait_until, probe, READY_TIMEOUT_S))
        await asyncio.shield(self._ready)


async def in_parallel(works: list[Callable[[], Coroutine[Any, Any, Any]]], at_once: int = 24) -> None:
    """Does all of `works`, `at_once` at a time."""
    waiting = list(reversed(works))

    async def one_after_another() -> None:
        while waiting:
            await waiting.pop()()

    await asyncio.gather(*(one_after_another() for _ in range(min(at_once, len(works)))))


def _kinds(operations: list[Operation]) -> str:
    last = (operation.attempts[-1] if operation.attempts else None for operation in operations)
    return ", ".join(sorted({f"{one.status} {one.error}" if one else "never tried" for one in last}))
