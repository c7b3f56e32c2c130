"""What a case is, and what it is given."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from server.conformance.client import Client
from server.conformance.credentials import Credentials
from server.conformance.holder import Holder

Need = Literal["holder", "people", "ehc", "tencent", "time"]
NEEDS: dict[Need, str] = {
    "holder": "needs a made-up resident and a sandbox's SMS",
    "people": "needs made-up residents",
    "ehc": "needs an app that speaks ehc.*",
    "tencent": "needs an app that speaks the Tencent style",
    "time": "takes more than a minute: --slow",
}
Pause = Callable[[float], Awaitable[None]]


class Skipped(Exception):
    """Why a case cannot be tried here, in one phrase."""


@dataclass
class World:
    """The platform that is examined, and who we are there."""

    client: Client
    known: Credentials
    holder: Holder | None
    people: tuple[Mapping[str, str], ...]
    pause: Pause
    is_slow: bool
    kept: dict[str, Any] = field(default_factory=dict)
    "What one case leaves for those after it: a session, a token."

    def lacks(self, needs: tuple[Need, ...]) -> str | None:
        """Why a case with these needs cannot be tried; None when it can."""
        there = {
            "holder": self.holder is not None,
            "people": len(self.people) >= 4,
            "ehc": "ehc" in self.known.dialects,
            "tencent": "tencent" in self.known.dialects,
            "time": self.is_slow,
        }
        return next((NEEDS[need] for need in needs if not there[need]), None)

    async def verify(self, code: str, scene: str = "010101", **more: Any) -> Any:
        """The proven answer to a verification at our terminal; `more` changes the body."""
        call = {name: more.pop(name) for name in ("session", "headers") if name in more}
        body = {"code": code, "scene": scene, "terminal_id": self.client.terminal_id, **more}
        return await self.client.call("POST", "/partner/v1/verifications", body, **call)

    async def code(self, kind: str = "dynamic") -> str:
        assert self.holder is not None, "asked by cases that need a holder"
        return await self.holder.code(kind)


@dataclass(frozen=True)
class Case:
    """`run` returns when the platform did what it must; Failed says what it did instead."""

    case_id: str
    title: str
    run: Callable[[World], Awaitable[None]]
    needs: tuple[Need, ...] = ()
