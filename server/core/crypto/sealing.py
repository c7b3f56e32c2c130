"""Personal fields at rest: sealed one by one, each bound to its place, and found by a keyed index.

A sealed field is `key version (2 bytes, big-endian) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`. Bound to it is
`collection|id|field|key version`, so a value copied to another person's row does not open there.
"""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from server.core.crypto import sm4
from server.core.crypto.hashes import hmac_sm3
from server.core.crypto.sm4 import SealBroken

__all__ = ["FieldCipher", "FieldKeys", "SealBroken", "search_index"]

VERSION_BYTES = 2


class FieldKeys(Protocol):
    """Where a FieldCipher gets its keys: `keyring.CurrentKeys`, or a key service elsewhere."""

    def current(self, purpose: str) -> tuple[int, bytes]:
        """(version, key of 16 bytes) to seal with at this moment."""

    def by_version(self, purpose: str, version: int) -> bytes:
        """The key of 16 bytes, retired or not; LookupError if there is none."""


class FieldCipher:
    """Seals with the current key of one purpose, opens with whichever key sealed."""

    def __init__(self, keys: FieldKeys, purpose: str = "field") -> None:
        self._keys, self._purpose = keys, purpose

    def seal(self, collection: str, id: str, field: str, text: str) -> bytes:
        """30 bytes longer than `text` in UTF-8, different each time."""
        version, key = self._keys.current(self._purpose)
        place = _place(collection, id, field, version)
        return version.to_bytes(VERSION_BYTES, "big") + sm4.seal(key, text.encode(), place)

    def unseal(self, collection: str, id: str, field: str, blob: bytes) -> str:
        """The text sealed at this very place; SealBroken otherwise, also if its key is not there."""
        version = int.from_bytes(blob[:VERSION_BYTES], "big")
        try:
            key = self._keys.by_version(self._purpose, version)
        except LookupError:
            raise SealBroken(f"{collection}.{field}: there is no key of version {version}") from None
        return sm4.unseal(key, blob[VERSION_BYTES:], _place(collection, id, field, version)).decode()

    def seal_json(self, collection: str, id: str, field: str, value: Mapping[str, Any]) -> bytes:
        """A small mapping sealed as one field; TypeError if JSON cannot hold it."""
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return self.seal(collection, id, field, text)

    def unseal_json(self, collection: str, id: str, field: str, blob: bytes) -> dict[str, Any]:
        """What `seal_json` sealed at this very place; SealBroken otherwise."""
        try:
            value = json.loads(self.unseal(collection, id, field, blob))
        except json.JSONDecodeError:
            value = None
        if not isinstance(value, dict):
            raise SealBroken(f"{collection}.{field} does not hold an object")
        return value


def search_index(key: bytes, purpose: str, value: str) -> str:
    """64 hex digits: the same for the same key, purpose and value, and telling nothing without the key.

    The purpose is hashed too, so the same number indexed for two purposes cannot be matched even by
    somebody who gave both one key. `value` must already be in its one canonical spelling.
    """
    return hmac_sm3(key, _without_bar(purpose) + b"|" + value.encode()).hex()


def _place(collection: str, id: str, field: str, version: int) -> bytes:
    # With no bar in the first and the last two parts, no two places have the same spelling.
    return b"|".join([_without_bar(collection), id.encode(), _without_bar(field), b"%d" % version])


def _without_bar(name: str) -> bytes:
    if "|" in name:
        raise ValueError("a name in a sealed place must not contain |")
    return name.encode()
