"""Which passwords are taken, and how they are kept: argon2id, computed off the loop."""

import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from server.core.errors import InvalidInput
from server.core.threads import run_in

MIN_LENGTH, MAX_LENGTH = 12, 128
FEWEST_CHARACTERS = 6
# What remains of the passwords most often found in leaks when digits, signs and repetition are taken away.
COMMON = frozenset(
    re.findall(
        r"[a-z]+",
        """
password passwort passw admin administrator administrators root superuser guest welcome letmein login
qwerty qwertyuiop asdfgh asdfghjkl zxcvbnm qazwsx qazwsxedc qweasd qweasdzxc abc abcd abcde abcdef
abcdefg abcdefgh iloveyou sunshine princess dragon monkey football baseball superman batman master
shadow trustno hello secret changeme default test tester user hospital healthcard ehealth doctor woaini
woaiwojia mima wodemima zhongguo beijing shanghai aini taobao wang zhang
""",
    )
)
_ROWS = ("01234567890123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm")
_LOOKALIKES = str.maketrans("@$013457", "asoleast")


def require_strong(password: str, login_name: str) -> None:
    """InvalidInput `staff.password_weak` with detail.reason length, common, simple or own_name."""
    reason = _weakness(password, login_name)
    if reason is not None:
        raise InvalidInput(
            "staff.password_weak",
            "this password is too easy to guess",
            reason=reason,
            min_length=MIN_LENGTH,
            max_length=MAX_LENGTH,
        )


def _weakness(password: str, login_name: str) -> str | None:
    lower = password.lower()
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        return "length"
    if login_name in lower or (len(login_name) > 3 and login_name[::-1] in lower):
        return "own_name"
    if len(set(lower)) < FEWEST_CHARACTERS or any(lower in row or lower in row[::-1] for row in _ROWS):
        return "simple"
    core = re.sub(r"^[^a-z]+|[^a-z]+$", "", lower)
    for text in (lower, core.translate(_LOOKALIKES)):
        words = re.findall(r"[a-z]+", text)
        if words and all(_once(word) in COMMON for word in words):
            return "common"
    if not re.search(r"\D", lower):
        return "simple"
    return None


def _once(word: str) -> str:
    """`adminadmin` is `admin` again."""
    for length in range(1, len(word) // 2 + 1):
        if len(word) % length == 0 and word == word[:length] * (len(word) // length):
            return word[:length]
    return word


class Passwords:
    """argon2id with 46 MiB, one pass, one lane: what OWASP asks for, about 50 ms of one core."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self._threads = threads
        self._hasher = PasswordHasher(time_cost=1, memory_cost=47_104, parallelism=1)
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        return await run_in(self._threads, partial(self._hasher.hash, password))

    async def is_right(self, kept: str | None, password: str) -> bool:
        """Whether the password is the one of the hash.  Without a hash it takes as long, and is False."""
        if self._nobodys is None:
            self._nobodys = await self.hash(secrets.token_hex(16))
        return await run_in(self._threads, partial(self._verify, kept or self._nobodys, password)) and bool(
            kept
        )

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False
