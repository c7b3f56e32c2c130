"""The master key (SM4, 16 bytes): it wraps all other keys and is the only one outside the database."""

import os
import re
import secrets
import stat
from pathlib import Path

from server.core.crypto import sm4

OWNER_ONLY = stat.S_IRUSR | stat.S_IWUSR
MAX_FILE_BYTES = 256
"""32 digits and a newline are 33; anything much longer is some other file."""


class MasterKeyError(Exception):
    """The master key cannot be had. The text is one sentence that never shows the key."""


def load_master_key(value: str | None, path: Path | None) -> bytes:
    """16 bytes from 32 hex digits, given as a setting or standing in a file of mode 600.

    MasterKeyError if both or neither are given, the file may be read by others, or the digits are wrong.
    """
    if (value is None) == (path is None):
        raise MasterKeyError("Give the master key either as a setting or as a file, and not both.")
    if path is not None:
        return _parse(_read_private_file(path), f"the master key file {path}")
    return _parse(value or "", "the master key setting")


def create_master_key_file(path: Path) -> bytes:
    """The 16 bytes of a new key, written to a new file of mode 600; never over an existing one."""
    key = secrets.token_bytes(sm4.KEY_BYTES)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    except FileExistsError:
        raise MasterKeyError(f"{path} exists already and will not be overwritten.") from None
    except OSError as error:
        raise MasterKeyError(f"The master key file {path} cannot be made: {error.strerror}.") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")
        file.flush()
        # Everything sealed from now on is lost if this file is lost in a power cut.
        os.fsync(file.fileno())
    return key


def _read_private_file(path: Path) -> str:
    try:
        # The mode is asked of the open file, so it is the one that is read.
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if os.name == "posix" and stat.S_IMODE(status.st_mode) != OWNER_ONLY:
                raise MasterKeyError(f"The master key file {path} must have mode 600: chmod 600 it.")
            return file.read(MAX_FILE_BYTES).decode("ascii", "replace")
    except OSError as error:
        raise MasterKeyError(f"The master key file {path} cannot be read: {error.strerror}.") from None


def _parse(text: str, where: str) -> bytes:
    digits = text.strip()
    if not re.fullmatch(r"[0-9A-Fa-f]{32}", digits):
        raise MasterKeyError(f"In {where} there must be 32 hex digits (16 bytes).")
    return bytes.fromhex(digits)
