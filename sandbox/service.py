"""What every stand-in shares: answers as values, and a door through which a test makes it fail.

A service is a plain object whose work returns an `Answer` instead of writing one. That is
what lets one mechanism delay any request, refuse it, carry it out and lose the answer, carry it out twice, or
answer nonsense.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError, RequestHandler

logger = logging.getLogger("sandbox")

Clock = Callable[[], float]
"""Seconds since the epoch; tests hand in one they can hold."""

JSON = "application/json; charset=UTF-8"
HTML = "text/html; charset=UTF-8"


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, not yet sent."""

    content: bytes
    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


Work = Callable[[HTTPServerRequest], Answer | Awaitable[Answer]]


def json_answer(value: Any, status: int = 200, content_type: str = JSON) -> Answer:
    """`value` as compact JSON, Chinese characters as themselves."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Answer(text.encode(), status, content_type)


def error_answer(status: int, code: str, message: str) -> Answer:
    """A refusal in the form {"error": {"code", "message"}}."""
    return json_answer({"error": {"code": code, "message": message}}, status)


class Fault(BaseModel):
    """How a service misbehaves. First the delay, then refusal, the work, and last what is done to the answer.

    delay_s      wait this long before anything else
    refuse       true: close the connection, nothing done · 400–599: that status, nothing done
    answer       answer this JSON object, nothing done (for example a vendor's own error code)
    repeat       do the work so many times, as a doubled delivery would; the first answer is sent
    lose_answer  do the work, then close the connection without a byte
    garbage      do the work, then answer a page that is not of the protocol
    huge         do the work, then answer it with two million blanks behind it
    redirect     do the work, then send the caller elsewhere
    wrong_key    do the work, then sign the answer with somebody else's key (where answers are signed)
    times        how many requests it meets, then it is over; left out: until it is cleared
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    delay_s: float = Field(default=0, ge=0, le=600)
    refuse: Literal[True] | Annotated[int, Field(ge=400, le=599)] | None = None
    answer: dict[str, Any] | None = None
    repeat: int = Field(default=1, ge=1, le=100)
    lose_answer: bool = False
    garbage: bool = False
    huge: bool = False
    redirect: bool = False
    wrong_key: bool = False
    times: int | None = Field(default=None, ge=1)


NO_FAULT = Fault()
BLANKS = b" " * 2_000_000
GARBAGE = Answer(b"<html><body><h1>Bad Gateway</h1></body></html>", 200, HTML)


class FaultDoors:
    """One door per service: its fault, if any, and how many requests came through."""

    def __init__(self, services: Iterable[str]) -> None:
        self._faults: dict[str, Fault | None] = dict.fromkeys(services)
        self._requests = dict.fromkeys(self._faults, 0)

    def __contains__(self, service: str) -> bool:
        return service in self._faults

    def set(self, service: str, fault: Fault | None) -> None:
        """From now on `service` misbehaves so; None: not at all."""
        self._faults[service] = fault

    def show(self, service: str) -> dict[str, Any]:
        """{"service", "fault": its fields that differ from the default, or null, "requests": seen so far}."""
        fault = self._faults[service]
        shown = fault.model_dump(exclude_defaults=True) if fault else None
        return {"service": service, "fault": shown, "requests": self._requests[service]}

    def take(self, service: str) -> Fault:
        """The fault that meets the request now arriving; counts the request and uses up one of `times`."""
        self._requests[service] += 1
        fault = self._faults[service]
        if fault is None:
            return NO_FAULT
        if fault.times is not None:
            left = fault.times - 1
            self._faults[service] = fault.model_copy(update={"times": left}) if left else None
        return fault


@dataclass(frozen=True)
class Route:
    """One path: what is done per method, behind which door, and who is let in.

    Without a door no fault meets the request: that is for the ways a test or a person looks in from outside.
    `admit` sends a request away with an answer or lets it in with None; it is asked once, however often the
    work is repeated.  `seal` signs what is answered, with another key than its own when told so.
    """

    path: str
    work: Mapping[str, Work]
    door: str | None = None
    admit: Callable[[HTTPServerRequest], Answer | None] | None = None
    seal: Callable[[HTTPServerRequest, Answer, bool], Answer] | None = None


class SandboxHandler(RequestHandler):
    """The one handler: meets the fault, does the work, sends the answer.

    It logs neither query, headers nor body, because those hold secrets and people.
    """

    def initialize(self, route: Route, doors: FaultDoors) -> None:
        self._route = route
        self._doors = doors

    async def get(self) -> None:
        await self._meet()

    post = put = delete = get

    async def _meet(self) -> None:
        work = self._route.work.get(self.request.method or "")
        if work is None:
            raise HTTPError(405)
        fault = self._doors.take(self._route.door) if self._route.door else NO_FAULT
        if fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault.refuse is True:
            self._hang_up()
            return
        answer = _answer_in_place_of_work(fault)
        if answer is None and self._route.admit is not None:
            answer = self._route.admit(self.request)
        if answer is None:
            answer = await self._do(work)
            for _ in range(fault.repeat - 1):
                await self._do(work)
        if fault.lose_answer:
            self._hang_up()
        else:
            self._send(GARBAGE if fault.garbage else self._sealed(_spoilt(answer, fault), fault))

    def _sealed(self, answer: Answer, fault: Fault) -> Answer:
        return self._route.seal(self.request, answer, fault.wrong_key) if self._route.seal else answer

    async def _do(self, work: Work) -> Answer:
        answer = work(self.request)
        return answer if isinstance(answer, Answer) else await answer

    def _hang_up(self) -> None:
        self.detach().close()

    def _send(self, answer: Answer) -> None:
        self.set_status(answer.status)
        self.set_header("Content-Type", answer.content_type)
        self.set_header("Cache-Control", "no-store")
        for name, value in answer.headers.items():
            self.set_header(name, value)
        self.finish(answer.content)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        self._send(error_answer(status_code, f"http.{status_code}", self._reason))

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        if not isinstance(value, HTTPError):
            logger.error("%s %s failed", self.request.method, self.request.path, exc_info=value)


def _answer_in_place_of_work(fault: Fault) -> Answer | None:
    if fault.refuse is not None:
        return error_answer(int(fault.refuse), "fault.refused", "Refused by the fault door")
    return json_answer(fault.answer) if fault.answer is not None else None


def _spoilt(answer: Answer, fault: Fault) -> Answer:
    if fault.redirect:
        return Answer(b"", 302, headers={"Location": "/"})
    return replace(answer, content=answer.content + BLANKS) if fault.huge else answer


def json_object(request: HTTPServerRequest) -> dict[str, Any]:
    """The request's JSON object; raises 400 for anything else."""
    try:
        body = json.loads(request.body)
    except ValueError:
        raise HTTPError(400, reason="The body is not JSON") from None
    if not isinstance(body, dict):
        raise HTTPError(400, reason="The body is not a JSON object")
    return body


def query_argument(request: HTTPServerRequest, name: str) -> str:
    """The last value of a query parameter; empty when it is absent."""
    values = request.query_arguments.get(name, [b""])
    return values[-1].decode("utf-8", "replace")
