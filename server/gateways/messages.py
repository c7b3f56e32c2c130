"""Messages through somebody else's platform: what WeChat, Alipay and the SMS gateway have in common.

Three things can happen to one: it was taken; it was not, and the platform says why; nobody knows.
"""

from typing import Literal, Protocol

from server.core.errors import Unavailable

Why = Literal[
    "no_credit",
    "fields_refused",
    "template_refused",
    "page_refused",
    "address_refused",
    "quota",
    "busy",
    "token",
    "refused",
]


class MessageRefused(Exception):
    """The platform did not take it.  `is_passing`: it may take it later."""

    def __init__(self, why: Why, *, is_passing: bool) -> None:
        super().__init__(why)
        self.why = why
        self.is_passing = is_passing


def silent(platform: str) -> Unavailable:
    """No usable answer: it may have been taken or not."""
    return Unavailable("messages.unavailable", f"{platform} gave no usable answer")


class MessagePlatform(Protocol):
    async def send(self, address: str, template_id: str, fields: dict[str, str], page: str) -> str:
        """The platform's number of the message it took.  MessageRefused when it did not take it; Unavailable
        `messages.unavailable` when nobody knows."""
        ...
