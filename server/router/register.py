"""The register of centres: admission with a certificate, suspension, change of keys (B1.7)."""

from datetime import timedelta

from server.core.audit import Actor, Audit
from server.core.clock import Clock
from server.core.crypto.sm2 import InvalidKey, Sm2PrivateKey, require_public_key
from server.core.errors import Conflict, InvalidInput, NotFound
from server.core.signing import encoded
from server.core.versions import VersionedCache, Versions
from server.federation.model import Certificate, Peer, Signed
from server.federation.statement import CERTIFICATE, certificate_text
from server.router.model import Centre, CentreKey, require_centre_id
from server.router.store import CentreStore

VERSION = "centres"


class CentreRegister:
    def __init__(self, store: CentreStore, audit: Audit, versions: Versions, clock: Clock) -> None:
        self._store = store
        self._audit = audit
        self._versions = versions
        self._clock = clock
        self._centres: VersionedCache[Centre] = VersionedCache(store.find)
        versions.watch(VERSION, self._centres.forget)

    async def find(self, centre_id: str) -> Centre | None:
        return await self._centres.find(centre_id)

    async def find_peer(self, centre_id: str) -> Peer | None:
        """Who may call: an active centre with the keys that are good now."""
        centre = await self.find(centre_id)
        if centre is None or not centre.is_active:
            return None
        return Peer(centre.centre_id, centre.good_keys(self._clock.now()))

    async def every(self) -> list[Centre]:
        return await self._store.every()

    async def admit(
        self,
        centre_id: str,
        name: str,
        url: str,
        *,
        key_id: str,
        public_key: bytes,
        valid: timedelta,
        anchor: Sm2PrivateKey,
        by: Actor,
    ) -> Certificate:
        """The certificate.  Again with another key: both are good, until the old one is revoked or over.

        InvalidInput `centre.invalid`, `centre.bad_key`; Conflict `centre.key_taken` when the centre has
        another key of this id.
        """
        require_centre_id(centre_id)
        try:
            require_public_key(public_key)
        except InvalidKey:
            raise InvalidInput("centre.bad_key", "not an SM2 public key: 04, x and y") from None
        there = await self._store.find(centre_id)
        if there is not None and there.has_other_key(key_id, public_key):
            raise _taken()
        certificate = Certificate(centre_id, key_id, public_key, self._clock.now() + valid)
        text = certificate_text(certificate)
        signed = Signed(text, encoded(anchor.sign(CERTIFICATE + text.encode())))
        await self._audit.record("centres.admit", by, "centre", centre_id, key_id=key_id)
        await self._store.put(centre_id, name, url.rstrip("/"))
        key = CentreKey(key_id, public_key, certificate.not_after, signed)
        if not await self._store.add_key(centre_id, key):
            raise _taken()  # since we looked
        await self._versions.bump(VERSION)
        return certificate

    async def revoke_key(self, centre_id: str, key_id: str, by: Actor) -> None:
        """At once; NotFound `centre.not_found` when there is no such centre or key."""
        await self._audit.record("centres.revoke_key", by, "centre", centre_id, key_id=key_id)
        if not await self._store.remove_key(centre_id, key_id):
            raise NotFound("centre.not_found", "there is no such centre, or it has no such key")
        await self._versions.bump(VERSION)

    async def set_active(self, centre_id: str, is_active: bool, by: Actor) -> None:
        """Suspends a centre in both directions, or ends that; NotFound `centre.not_found`."""
        action = "centres.resume" if is_active else "centres.suspend"
        await self._audit.record(action, by, "centre", centre_id)
        if not await self._store.set_active(centre_id, is_active):
            raise NotFound("centre.not_found", "there is no such centre")
        await self._versions.bump(VERSION)


def _taken() -> Conflict:
    return Conflict("centre.key_taken", "the centre has another key of this id: take a new id")
