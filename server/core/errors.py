"""Every refusal the platform gives, as one tree.

    EhcError
    ├── Malformed         400  the request cannot be read as what the route takes
    ├── Unauthenticated   401  who is asking is not proven
    ├── Forbidden         403  proven, but may not do this (and may know that it exists)
    ├── NotFound          404  not there, or not for this caller to know of
    ├── Conflict          409  the state of the thing does not allow it now
    ├── TooLarge          413  more bytes than the route takes
    ├── InvalidInput      422  readable, and refused by a rule
    ├── TooMany           429  a budget is spent; `retry_after_s` says when to come back
    └── Unavailable       503  something we depend on is down or slow; nothing was lost

A refusal carries a stable `code` ("noun.reason"), an English `message` for programmers, and a `detail` of
plain values.  None of the three ever holds personal data: they are logged and travel to the caller.
"""

from typing import Any


class EhcError(Exception):
    """A refusal with a stable code; `detail` is JSON-ready and free of personal data."""

    def __init__(self, code: str, message: str, **detail: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.detail = detail


class Malformed(EhcError):
    pass


class Unauthenticated(EhcError):
    pass


class Forbidden(EhcError):
    pass


class NotFound(EhcError):
    pass


class Conflict(EhcError):
    pass


class TooLarge(EhcError):
    pass


class InvalidInput(EhcError):
    pass


class TooMany(EhcError):
    def __init__(self, code: str, message: str, retry_after_s: int, **detail: Any) -> None:
        super().__init__(code, message, **detail)
        self.retry_after_s = max(1, retry_after_s)


class Unavailable(EhcError):
    def __init__(self, code: str, message: str, retry_after_s: int = 5, **detail: Any) -> None:
        super().__init__(code, message, **detail)
        self.retry_after_s = max(1, retry_after_s)
