"""Which PINs may be chosen, and how one is kept: argon2, then sealed.  Pure, and slow on purpose.

Six digits are a million guesses, which argon2 alone would hold up for a day; sealed besides, who has the
database without the keys cannot even begin.
"""

import re

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from server.cards.model import Holder
from server.core.errors import InvalidInput

PIN_SHAPE = re.compile(r"[0-9]{6}", re.ASCII)
TRIES = 5
LOCKS_S = (15 * 60, 3600, 4 * 3600, 24 * 3600)
"How long a PIN is locked after five wrong ones: the first time, the second … until a right one."
_HASHER = PasswordHasher()
_ROUND = "01234567890123456789"


def require_strong(pin: str, holder: Holder) -> None:
    """InvalidInput `pin.invalid` unless it is six digits that nobody would try first: no run, no repetition,
    no date of birth, no end of the phone or document number."""
    if PIN_SHAPE.fullmatch(pin) is None or _is_pattern(pin) or _is_of_holder(pin, holder):
        raise InvalidInput(
            "pin.invalid", "six digits, no run, no repetition, nothing of the birthday or the numbers"
        )


def _is_pattern(pin: str) -> bool:
    is_repetition = pin in (pin[0] * 6, pin[:2] * 3, pin[:3] * 2)
    return is_repetition or pin in _ROUND or pin[::-1] in _ROUND or pin == pin[::-1]


def _is_of_holder(pin: str, holder: Holder) -> bool:
    born = f"{holder.born_on:%Y%m%d}"
    year, month, day = born[2:4], born[4:6], born[6:]
    taken_from = {born[:6], year + month + day, month + day + year, day + month + year}
    return pin in taken_from or any(pin in number for number in (holder.phone, holder.id_no))


def digest_of(pin: str) -> str:
    """What is kept of it; 60 ms and 64 MB: call it in a thread."""
    return _HASHER.hash(pin)


def is_pin(digest: str, pin: str) -> bool:
    """As slow as `digest_of`."""
    try:
        return _HASHER.verify(digest, pin)
    except VerifyMismatchError:
        return False
