"""Who we are at the platform that is examined: the file that `ehc demo` writes, or one like it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PARTNER = ("app_id", "key_id", "private_key_hex", "platform_public_key_hex", "terminal_id")
SPOKEN = {
    "ehc": ("app_id", "app_secret", "terminal_id", "digest_rule", "encoding", "success_code"),
    "tencent": ("app_id", "app_secret", "terminal_id", "hospital_id"),
}


class CredentialsUnusable(Exception):
    """One sentence: what is missing."""


@dataclass(frozen=True)
class Credentials:
    """`residents` and `sms_url` are there where made-up people can sign in; `dialects` by their names."""

    partner: Mapping[str, str]
    dialects: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    residents: tuple[Mapping[str, str], ...] = ()
    sms_url: str | None = None


def read_credentials(path: Path) -> Credentials:
    """CredentialsUnusable when the file cannot be read, or says too little."""
    try:
        given = json.loads(path.read_text("utf-8"))
        partner = {name: str(given["partner"][name]) for name in PARTNER}
    except OSError as error:
        raise CredentialsUnusable(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise CredentialsUnusable(f"{path} needs `partner` with {', '.join(PARTNER)}") from None
    return Credentials(
        partner,
        {name: _spoken(path, name, one) for name, one in given.get("dialects", {}).items() if name in SPOKEN},
        tuple(given.get("residents", ())),
        given.get("sandbox", {}).get("sms"),
    )


def _spoken(path: Path, name: str, given: Any) -> Mapping[str, str]:
    try:
        return {key: str(given[key]) for key in SPOKEN[name]}
    except (KeyError, TypeError):
        raise CredentialsUnusable(f"{path}: `dialects.{name}` needs {', '.join(SPOKEN[name])}") from None
