"""What is kept of a dialect that an app may speak."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from server.core.errors import InvalidInput, NotFound

DialectName = Literal["ehc", "tencent"]
DigestRule = Literal["plaintext", "ciphertext"]
Encoding = Literal["hex", "base64"]


DIALECTS: tuple[DialectName, ...] = ("ehc", "tencent")
FAILURE_CODE = "00"
"What whoever is not proven is told, whatever the app's own code of failure is."
SECRET_LENGTHS = {"ehc": (16, 16), "tencent": (16, 64)}
"The secret of `ehc.*` is an SM4 key as it stands: 16 characters."
MAX_MAPPED_TERMINALS = 1000


@dataclass(frozen=True)
class Dialect:
    """How one app speaks it.  `terminals`: what the software calls a terminal → what we do; `terminal_id`
    stands for calls that name none.  `clerk_id`: who answers for having seen the people whom the software
    registers at a window, for the dialects have no word for it.  The fields after `hospital_id` are those of
    `ehc.*`; `hospital_id` is the Tencent style's."""

    app_id: str
    name: DialectName
    app_secret: str = field(repr=False)
    terminal_id: str | None = None
    terminals: Mapping[str, str] = field(default_factory=dict)
    clerk_id: str | None = None
    hospital_id: str | None = None
    digest_rule: DigestRule = "plaintext"
    encoding: Encoding = "hex"
    success_code: str = "10"
    failure_code: str = FAILURE_CODE

    def terminal_of(self, named: str) -> str | None:
        """Our id of the terminal that a call names; None when it names none and no terminal stands for it."""
        return self.terminals.get(named, named) or self.terminal_id

    def require_usable(self) -> None:
        """InvalidInput `dialect.secret_invalid`, `dialect.codes_alike`, `dialect.hospital_missing`."""
        shortest, longest = SECRET_LENGTHS[self.name]
        if not re.fullmatch(rf"[!-~]{{{shortest},{longest}}}", self.app_secret):
            raise InvalidInput(
                "dialect.secret_invalid",
                "the secret must have so many visible ASCII characters",
                least=shortest,
                most=longest,
            )
        if self.success_code in (self.failure_code, FAILURE_CODE):
            raise InvalidInput("dialect.codes_alike", "success and failure must be told apart")
        if self.name == "tencent" and self.hospital_id is None:
            raise InvalidInput(
                "dialect.hospital_missing", "the Tencent style names the hospital in each call"
            )


def read_name(text: str) -> DialectName:
    """NotFound `dialect.unknown`."""
    found = next((name for name in DIALECTS if name == text), None)
    if found is None:
        raise NotFound("dialect.unknown", "there is no such dialect")
    return found
