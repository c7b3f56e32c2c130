"""The second factor: time-based codes of six digits (RFC 6238), one step of 30 s early or late."""

import hmac
from datetime import datetime

import pyotp

STEP_S = 30
# Codes for a name nobody has are computed as well: the refusal shall take as long.
NOBODYS_SECRET = "A" * 32


def new_secret() -> str:
    return pyotp.random_base32()


def enrolment_uri(secret: str, login_name: str, issuer: str) -> str:
    """The `otpauth:` URI that an authenticator app reads; it holds the secret."""
    return pyotp.TOTP(secret).provisioning_uri(name=login_name, issuer_name=issuer)


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """The number of the step the code belongs to; None when it belongs to none near now.

    Who accepts a code keeps its step, and accepts no code of that step or an older one again.
    """
    totp = pyotp.TOTP(secret)
    present = int(now.timestamp()) // STEP_S
    found = None
    for step in (present - 1, present, present + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode()):
            found = step
    return found
