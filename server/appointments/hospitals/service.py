"""Which hospitals there are, and the system that answers for each."""

from collections.abc import Awaitable, Callable

from server.appointments.hospitals.model import Hospital
from server.appointments.hospitals.store import HospitalStore
from server.core.audit import Actor, Audit
from server.core.errors import InvalidInput, NotFound
from server.core.versions import VersionedCache, Versions
from server.gateways.his.interface import HospitalSystem
from server.partners.service import VERSION as PARTNERS

VERSION = "hospitals"
ALL = "all"
Connect = Callable[[Hospital], Awaitable[HospitalSystem]]


class Hospitals:
    """`connect` makes the system of a hospital: a client of its own, or the platform's pools."""

    def __init__(self, store: HospitalStore, connect: Connect, audit: Audit, versions: Versions) -> None:
        self._store = store
        self._connect = connect
        self._audit = audit
        self._versions = versions
        self._known: VersionedCache[dict[str, Hospital]] = VersionedCache(self._load)
        self._systems: dict[str, HospitalSystem] = {}
        versions.watch(VERSION, self._forget)
        versions.watch(PARTNERS, self._systems.clear)  # an app was suspended, or has other keys

    async def put(self, hospital: Hospital, by: Actor) -> Hospital:
        """In force everywhere within a second.  InvalidInput `hospital.incomplete` for a system of its own
        without address and app."""
        if hospital.system == "his" and (hospital.base_url is None or hospital.app_id is None):
            raise InvalidInput("hospital.incomplete", "a system of its own needs base_url and app_id")
        await self._audit.record(
            "hospitals.put", by, "institution", hospital.institution_id, system=hospital.system
        )
        await self._store.put(hospital)
        await self._versions.bump(VERSION)
        return hospital

    async def list(self) -> list[Hospital]:
        """All of them, by id."""
        return list((await self._all()).values())

    async def find(self, institution_id: str) -> Hospital | None:
        return (await self._all()).get(institution_id)

    async def get(self, institution_id: str) -> Hospital:
        """NotFound `institution.not_found`."""
        found = await self.find(institution_id)
        if found is None:
            raise NotFound("institution.not_found", "there is no such institution to book at")
        return found

    async def system_of(self, institution_id: str) -> HospitalSystem:
        """Who answers for its slots.  NotFound `institution.not_found`."""
        hospital = await self.get(institution_id)
        if institution_id not in self._systems:
            self._systems[institution_id] = await self._connect(hospital)
        return self._systems[institution_id]

    async def _all(self) -> dict[str, Hospital]:
        found = await self._known.find(ALL)
        assert found is not None, "the loader always answers"
        return found

    async def _load(self, _: str) -> dict[str, Hospital]:
        return {one.institution_id: one for one in await self._store.list()}

    def _forget(self) -> None:
        self._known.forget()
        self._systems.clear()
