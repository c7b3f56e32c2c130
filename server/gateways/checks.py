"""What the outside sources of identity (B6.2) share: yes or no, and a serial number to look it up."""

from dataclasses import dataclass
from typing import Any

from server.core.errors import Unavailable


@dataclass(frozen=True)
class Check:
    """A source's word on one question; `serial_no` is what it calls this answer."""

    is_match: bool
    serial_no: str


def read_check(
    status: int, answer: dict[str, Any], without: Unavailable, *, yes: str = "match", no: str = "mismatch"
) -> Check:
    """The word in {"result", "serial_no"}; raises `without` for anything else, which is no word at all."""
    serial_no = require_answered(status, answer, without)
    if answer.get("result") not in (yes, no):
        raise without
    return Check(answer["result"] == yes, serial_no)


def require_answered(status: int, answer: dict[str, Any], without: Unavailable) -> str:
    """The serial number of an answer that has one; raises `without` for a refusal of the call itself."""
    serial_no = answer.get("serial_no")
    if status != 200 or not isinstance(serial_no, str) or not serial_no:
        raise without
    return serial_no
