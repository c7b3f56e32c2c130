"""What an account is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True)
class Account:
    """`phone` is a number this account has proven, by a code or through the platform."""

    account_id: str
    phone: str | None


@dataclass(frozen=True)
class Addresses:
    """Where an account can be reached: its proven phone, and what the platforms call the person."""

    phone: str | None = None
    wechat_id: str | None = None
    alipay_id: str | None = None


@dataclass(frozen=True)
class Session:
    """A signed-in account; the token itself is known to the resident's device only."""

    account: Account
    expires_at: datetime
    method: Literal["sms", "wechat", "alipay"] = "sms"
    "How it was signed in."


@dataclass(frozen=True)
class SmsCode:
    """A code that was sent.  `resend_after_s` is a hint for the page; the budgets are what is enforced."""

    request_id: str
    expires_at: datetime
    resend_after_s: int
