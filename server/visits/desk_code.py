"""The code at a desk, which a resident scans to check in (M4).

    EHCD1:<kid>:<institution and department, base64url>:<mac>

It hangs on a wall, so it names its key and is good as long as that is kept; anybody may take a picture of
it and check in from elsewhere.  It says "I am here" as much as a paper can; who must be sure lets the
desk scan the health card instead.
"""

import base64
import binascii
import re
from dataclasses import dataclass

from server.core.errors import InvalidInput
from server.core.keys import Seals

_TEXT = re.compile(r"EHCD1:([0-9A-F]{2}):([A-Za-z0-9_-]{1,400}):([0-9A-F]{32})", re.ASCII)


@dataclass(frozen=True)
class Desk:
    """Where the code hangs; no department: anywhere in the institution."""

    institution_id: str
    department_id: str | None = None


def desk_text(desk: Desk, seals: Seals) -> str:
    kid = seals.current_code_kid()
    names = f"{desk.institution_id}\n{desk.department_id or ''}".encode()
    packed = base64.urlsafe_b64encode(names).decode().rstrip("=")
    mac = seals.mac_for(kid, f"EHCD1|{kid}|{packed}")
    assert mac is not None, "the current key is there"
    return f"EHCD1:{kid}:{packed}:{mac}"


def read_desk_text(text: str, seals: Seals) -> Desk:
    """InvalidInput `desk_code.malformed` for another code, `desk_code.forged` for one we have not made."""
    shape = _TEXT.fullmatch(text)
    if shape is None:
        raise InvalidInput("desk_code.malformed", "this is not the code of a desk")
    kid, packed, mac = shape.groups()
    expected = seals.mac_for(kid, f"EHCD1|{kid}|{packed}")
    if expected is None or not seals.equal(expected, mac):
        raise InvalidInput("desk_code.forged", "this code was not made by this card centre")
    try:
        names = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode()
    except (binascii.Error, ValueError):
        raise InvalidInput("desk_code.malformed", "this is not the code of a desk") from None
    institution_id, _, department_id = names.partition("\n")
    return Desk(institution_id, department_id or None)
