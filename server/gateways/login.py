"""Signing in through a platform: what WeChat and Alipay have in common."""

from dataclasses import dataclass
from typing import Literal, Protocol

from server.core.errors import Unauthenticated, Unavailable


@dataclass(frozen=True)
class Login:
    """Who a platform says is there: its own id of the person, and a phone number that it has proven."""

    method: Literal["sms", "wechat", "alipay"]
    subject: str
    phone: str | None = None


class LoginPlatform(Protocol):
    async def sign_in(self, code: str, phone_code: str | None) -> Login:
        """Unauthenticated `login.refused` for a code the platform does not know, Unavailable
        `login.unavailable` when it does not answer."""
        ...


def refused() -> Unauthenticated:
    return Unauthenticated("login.refused", "the platform does not know this code; ask it for a new one")


def unavailable(platform: str) -> Unavailable:
    return Unavailable("login.unavailable", f"{platform} cannot be reached or gave no usable answer")
