"""The keys of the platform, as they are kept: the collection `keys`, each wrapped by the master key.

`KeyStore` reads and makes them; `Seals` is what the rest of the platform signs, seals and checks with.
"""

from collections.abc import Sequence
from datetime import timedelta

from server.core.clock import Clock
from server.core.crypto.hashes import equal_in_constant_time, hmac_sm3
from server.core.crypto.keyring import (
    PUBLISH_AHEAD,
    PURPOSES,
    CurrentKeys,
    Key,
    KeyMissing,
    Keyring,
    unwrap,
    wrap,
)
from server.core.crypto.sm2 import Sm2PrivateKey, Sm2Provider
from server.core.mongo import Collection, Document, Duplicate, index
from server.core.versions import Versions

MAX_KEYS = 10_000
CODE_MAC_BYTES = 16


class KeyStore:
    INDEXES = [index("purpose", "version", unique=True)]

    def __init__(self, collection: Collection, master_key: bytes, clock: Clock, versions: Versions) -> None:
        self._collection = collection
        self._master_key = master_key
        self._clock = clock
        self._versions = versions
        self.keyring = Keyring()

    async def load(self) -> None:
        """Reads all keys.  SealBroken when the master key is not the one they were wrapped with."""
        rows = await self._collection.find({}, limit=MAX_KEYS)
        self.keyring.replace([self._key(row) for row in rows])

    async def ensure(self) -> list[Key]:
        """Makes the first key of every purpose that has none; returns those it made."""
        await self.load()
        present = {row["purpose"] for row in await self._collection.find({}, limit=MAX_KEYS)}
        made = [await self._make(purpose) for purpose in PURPOSES if purpose not in present]
        if made:
            await self.load()
        return [key for key in made if key is not None]

    async def rotate(self, purpose: str, ahead: timedelta = PUBLISH_AHEAD) -> Key:
        """A new key that takes over `ahead` from now: when every process has read it, and where its public
        half must be given to others, when they have it.  RotationRefused for the keys of search indexes."""
        await self.load()
        key = await self._make(purpose, ahead)
        await self.load()
        await self._versions.bump("keys")
        return key or self.keyring.current(purpose, self._clock.now())

    async def _make(self, purpose: str, ahead: timedelta = PUBLISH_AHEAD) -> Key | None:
        key = self.keyring.make_next(purpose, self._clock.now(), ahead)
        row: Document = {
            "_id": f"{purpose}|{key.version}",
            "purpose": purpose,
            "version": key.version,
            "wrapped": wrap(self._master_key, key),
            "created_at": key.created_at,
            "activates_at": key.activates_at,
        }
        try:
            await self._collection.insert(row)
            return key
        except Duplicate:
            return None  # another process made it in this moment

    def _key(self, row: Document) -> Key:
        return Key(
            purpose=row["purpose"],
            version=row["version"],
            material=unwrap(self._master_key, row["wrapped"], row["purpose"], row["version"]),
            created_at=row["created_at"],
            activates_at=row["activates_at"],
            retired_at=row.get("retired_at"),
        )

    async def list_keys(self) -> Sequence[Key]:
        """All keys, by purpose and version; never their material."""
        rows = await self._collection.find({}, limit=MAX_KEYS, sort=[("purpose", 1), ("version", 1)])
        return [self._key(row) for row in rows]


class Seals:
    """Signatures and macs with the platform's own keys."""

    def __init__(self, keyring: Keyring, sm2: Sm2Provider, clock: Clock) -> None:
        self._keyring = keyring
        self._sm2 = sm2
        self._clock = clock
        self._parsed: dict[bytes, Sm2PrivateKey] = {}

    @property
    def current_keys(self) -> CurrentKeys:
        return CurrentKeys(self._keyring, self._clock.now)

    def _private(self, material: bytes) -> Sm2PrivateKey:
        if material not in self._parsed:
            self._parsed[material] = self._sm2.private_key(material)
        return self._parsed[material]

    # -- replies to partners
    def sign_reply(self, data: bytes) -> bytes:
        """SM2 with the platform's current key, 64 bytes; a third of a millisecond: call it in a thread."""
        return self._private(self._keyring.current("platform-sign", self._clock.now()).material).sign(data)

    def platform_public_key(self) -> bytes:
        key = self._keyring.current("platform-sign", self._clock.now())
        return self._private(key.material).public.raw

    def platform_key(self) -> tuple[str, Sm2PrivateKey]:
        """(how others name it, the key) with which we sign calls of our own to partners; in a thread."""
        key = self._keyring.current("platform-sign", self._clock.now())
        return f"k{key.version}", self._private(key.material)

    # -- towards the national router and other centres
    def federation_key(self, version: int | None = None) -> tuple[str, Sm2PrivateKey]:
        """(how others name it, the key) of that version, or of the current one; sign in a thread."""
        key = (
            self._keyring.current("federation", self._clock.now())
            if version is None
            else self._keyring.by_version("federation", version)
        )
        return f"k{key.version}", self._private(key.material)

    # -- the audit's `Seal`
    def digest(self, data: bytes) -> bytes:
        return hmac_sm3(self._keyring.by_version("audit-digest", 1).material, data)

    def sign(self, data: bytes) -> bytes:
        return self._private(self._keyring.by_version("audit", 1).material).sign(data)

    def verify(self, data: bytes, signature: bytes) -> bool:
        return self._private(self._keyring.by_version("audit", 1).material).public.verify(data, signature)

    # -- dynamic codes
    def current_code_kid(self) -> str:
        return self._keyring.current("code", self._clock.now()).kid

    def mac_for(self, kid: str, text: str) -> str | None:
        """32 upper-case hex digits over `text` with the code key `kid`; None when there is no such key."""
        try:
            key = self._keyring.by_kid("code", kid)
        except KeyMissing:
            return None
        return hmac_sm3(key.material, text.encode())[:CODE_MAC_BYTES].hex().upper()

    @staticmethod
    def equal(one: str, other: str) -> bool:
        return equal_in_constant_time(one.encode(), other.encode())
