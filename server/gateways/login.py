"""Signing in through a platform: what WeChat and Alipay have in common.

Both SDKs are synchronous.  Each vendor has a bounded pool of threads of its own, so that one that hangs
takes neither the loop nor the other with it.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from server.core.errors import Unauthenticated, Unavailable

TIMEOUT_S = 5


@dataclass(frozen=True)
class Login:
    """Who a platform says is there: its own id of the person, and a phone number when it gave one."""

    method: str
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


def vendor_pool(name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=8, thread_name_prefix=name)
