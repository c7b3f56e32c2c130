"""Which key is used for what, since when, and how a key is wrapped for keeping.

Pure: a store reads rows, unwraps them with the master key and hands the keys to a Keyring. A new key is
published PUBLISH_AHEAD before it becomes the current one, so that every process has read it by then.
"""

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from server.core.crypto import sm2, sm4

PUBLISH_AHEAD = timedelta(seconds=10)
MAX_VERSION = 0xFFFF
"""A sealed field keeps its key version in two bytes."""

Algorithm = Literal["SM4", "HMAC-SM3", "SM2"]
MATERIAL_BYTES: Mapping[Algorithm, int] = {"SM4": 16, "HMAC-SM3": 32, "SM2": sm2.PRIVATE_BYTES}


class Purpose(NamedTuple):
    """What a key of this purpose is, does, and whether a new one may simply take over."""

    algorithm: Algorithm
    used_for: str
    may_rotate: bool


PURPOSES: Mapping[str, Purpose] = {
    "field": Purpose("SM4", "personal fields at rest", True),
    "index:document": Purpose("HMAC-SM3", "finding a person by document number", False),
    "index:phone": Purpose("HMAC-SM3", "finding a person by phone number", False),
    "index:blocking": Purpose("HMAC-SM3", "finding persons who are alike", False),
    "index:identifier": Purpose("HMAC-SM3", "finding a person by a hospital's number", False),
    "index:login": Purpose("HMAC-SM3", "finding an account by its platform's user id", False),
    "index:staff_login": Purpose("HMAC-SM3", "finding an account of staff by its login name", False),
    "index:tries": Purpose("HMAC-SM3", "counting wrong tries of a person, device or address", False),
    "pseudonym": Purpose("HMAC-SM3", "naming a person to another system without saying who it is", False),
    "session": Purpose("HMAC-SM3", "finding a session by its token, which is not kept", False),
    # A code lives five minutes and its row does not name the key: a new one would refuse all under way.
    "sms-code": Purpose("HMAC-SM3", "keeping a six-digit code so that nobody can read it", False),
    "fingerprint": Purpose("HMAC-SM3", "telling whether a repeated request has the same body", False),
    "code": Purpose("HMAC-SM3", "the mac of dynamic codes; its kid stands in the code", True),
    "platform-sign": Purpose("SM2", "the platform's signature on replies to partners", True),
    "federation": Purpose("SM2", "the signature towards the national router and other centres", True),
    # The audit's entries do not name their key's version: one key for good, guarded like the index keys.
    "audit": Purpose("SM2", "the signed heads of the audit chains", False),
    "audit-digest": Purpose("HMAC-SM3", "the digest of each audit row", False),
}


class KeyMissing(LookupError):
    """The keyring has no such key."""


class RotationRefused(Exception):
    """A second key of this purpose would orphan everything found or chained through the first."""


@dataclass(frozen=True)
class Key:
    """One version of one purpose's key. ValueError if a part does not fit.

    Current from `activates_at` until a newer one is active or `retired_at`; it opens and verifies for ever.
    """

    purpose: str
    version: int
    material: bytes = field(repr=False)
    created_at: datetime
    activates_at: datetime
    retired_at: datetime | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.version <= MAX_VERSION:
            raise ValueError(f"a key version lies between 1 and {MAX_VERSION}, not at {self.version}")
        if len(self.material) != MATERIAL_BYTES[purpose_of(self.purpose).algorithm]:
            raise ValueError(f"the key material of {self.purpose} has the wrong length")
        for moment in (self.created_at, self.activates_at, self.retired_at):
            if moment is not None and moment.tzinfo is None:
                raise ValueError("the times of a key carry their zone")

    @property
    def kid(self) -> str:
        """Two upper-case hex digits, as in a dynamic code: the version's low byte, used again after 256."""
        return f"{self.version & 0xFF:02X}"

    def is_current_at(self, now: datetime) -> bool:
        """Whether it may be used for something new."""
        return self.activates_at <= now and (self.retired_at is None or now < self.retired_at)


class Keyring:
    """All keys of the platform, newest first. `replace` swaps them at once, so readers need no lock."""

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        self.replace(keys)

    def replace(self, keys: Iterable[Key]) -> None:
        """Take these keys instead of the former ones; ValueError if two share purpose and version."""
        table: dict[str, dict[int, Key]] = defaultdict(dict)
        for key in sorted(keys, key=lambda key: key.version, reverse=True):
            if key.version in table[key.purpose]:
                raise ValueError(f"two keys of {key.purpose} have version {key.version}")
            table[key.purpose][key.version] = key
        self._keys = dict(table)

    def current(self, purpose: str, now: datetime) -> Key:
        """The newest key that is active and not retired; KeyMissing if none is.

        The first key is active even before its time: a server whose clock is behind must find one.
        """
        versions = self._versions(purpose)
        for key in versions.values():
            if key.is_current_at(max(now, key.activates_at) if key.version == 1 else now):
                return key
        raise KeyMissing(f"no key of {purpose} is active")

    def by_version(self, purpose: str, version: int) -> Key:
        """Active or not; KeyMissing if there is none."""
        try:
            return self._versions(purpose)[version]
        except KeyError:
            raise KeyMissing(f"there is no key of {purpose} with version {version}") from None

    def by_kid(self, purpose: str, kid: str) -> Key:
        """The newest key with this `kid`; KeyMissing if there is none."""
        for key in self._versions(purpose).values():
            if key.kid == kid:
                return key
        raise KeyMissing(f"there is no key of {purpose} with this kid")

    def next_version(self, purpose: str) -> int:
        """1 for the first key, else one more than the newest.

        RotationRefused if the purpose has its key and may not rotate: what is indexed with the old key has
        to be indexed anew first, which is a migration and not a rotation.
        """
        newest = max(self._versions(purpose), default=0)
        if newest and not may_rotate(purpose):
            raise RotationRefused(f"{purpose} keeps its first key")
        return newest + 1

    def make_next(self, purpose: str, now: datetime, ahead: timedelta = PUBLISH_AHEAD) -> Key:
        """A new random key, not yet in the ring: write it to the store first, then read all keys again.

        The first key of a purpose is active at once, a later one after `ahead`.
        RotationRefused as in `next_version`.
        """
        version = self.next_version(purpose)
        activates_at = now if version == 1 else now + ahead
        return Key(purpose, version, _random_material(purpose), now, activates_at)

    def _versions(self, purpose: str) -> Mapping[int, Key]:
        purpose_of(purpose)
        return self._keys.get(purpose, {})


class CurrentKeys:
    """A Keyring together with a clock: the key source of a `sealing.FieldCipher`."""

    def __init__(self, keyring: Keyring, now: Callable[[], datetime]) -> None:
        self._keyring, self._now = keyring, now

    def current(self, purpose: str) -> tuple[int, bytes]:
        """(version, material) of the key active now; KeyMissing if none is."""
        key = self._keyring.current(purpose, self._now())
        return key.version, key.material

    def by_version(self, purpose: str, version: int) -> bytes:
        """The material; KeyMissing if there is none."""
        return self._keyring.by_version(purpose, version).material


def purpose_of(name: str) -> Purpose:
    """The row of PURPOSES; ValueError for a purpose nobody has declared."""
    try:
        return PURPOSES[name]
    except KeyError:
        raise ValueError(f"{name!r} is not a declared key purpose") from None


def may_rotate(purpose: str) -> bool:
    """Whether a new key can take over without making what exists unfindable."""
    return purpose_of(purpose).may_rotate


def wrap(master_key: bytes, key: Key) -> bytes:
    """The material sealed for keeping, bound to its purpose and version; the rest of the key is no secret."""
    return sm4.seal(master_key, key.material, _binding(key.purpose, key.version))


def unwrap(master_key: bytes, wrapped: bytes, purpose: str, version: int) -> bytes:
    """The material; SealBroken with another master key, purpose or version, or if altered."""
    return sm4.unseal(master_key, wrapped, _binding(purpose, version))


def _binding(purpose: str, version: int) -> bytes:
    return f"key|{purpose}|{version}".encode()


def _random_material(purpose: str) -> bytes:
    algorithm = purpose_of(purpose).algorithm
    return sm2.random_private_key() if algorithm == "SM2" else secrets.token_bytes(MATERIAL_BYTES[algorithm])
