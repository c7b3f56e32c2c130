from typing import Annotated

from pydantic import Field, StringConstraints

from handlers.authentication import StaffHandler
from handlers.partner.fields import ShortText
from handlers.partner.slot_pools import ScheduleId, SlotPoolEntry, SlotPoolView
from handlers.requests import Model, Ok, operation
from server.appointments.hospitals.model import Geofence, Hospital, SystemKind
from server.core.errors import InvalidInput, NotFound
from server.gateways.his.model import KINDS, Kind

InstitutionId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
BaseUrl = Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{1,200}$")]


class GeofenceEntry(Model):
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    radius_m: Annotated[int, Field(ge=20, le=5000)]


class HospitalSystemEntry(Model):
    """`his`: the hospital's own system under `base_url`, answering with the keys of `app_id`; `pools`: the
    platform's.  `counts_no_shows`: the hospital tells who has come."""

    kind: SystemKind
    name: ShortText
    address: Annotated[str, StringConstraints(max_length=200)] = ""
    kinds: Annotated[list[Kind], Field(max_length=len(KINDS))] = list(KINDS)
    base_url: BaseUrl | None = None
    app_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{2,62}$")] | None = None
    geofence: GeofenceEntry | None = None
    counts_no_shows: bool = True


class HospitalSystemView(HospitalSystemEntry):
    institution_id: str

    @classmethod
    def of(cls, hospital: Hospital) -> "HospitalSystemView":
        fence = hospital.geofence
        return cls(
            institution_id=hospital.institution_id,
            kind=hospital.system,
            name=hospital.name,
            address=hospital.address,
            kinds=list(hospital.kinds),
            base_url=hospital.base_url,
            app_id=hospital.app_id,
            geofence=None if fence is None else GeofenceEntry(**fence.__dict__),
            counts_no_shows=hospital.counts_no_shows,
        )


class HospitalSystems(StaffHandler):
    @operation(
        "Say which system an institution's slots are in; in force everywhere within a second",
        body=HospitalSystemEntry,
        reply=HospitalSystemView,
        refuses=(InvalidInput,),
        permission="hospitals.manage",
        idempotent=True,
    )
    async def put(self, body: HospitalSystemEntry, institution_id: InstitutionId) -> Ok:
        fence = body.geofence
        hospital = Hospital(
            institution_id=institution_id,
            name=body.name,
            system=body.kind,
            address=body.address,
            kinds=tuple(body.kinds),
            base_url=body.base_url,
            app_id=body.app_id,
            geofence=None if fence is None else Geofence(**fence.model_dump()),
            counts_no_shows=body.counts_no_shows,
        )
        return Ok(HospitalSystemView.of(await self.services.hospitals.put(hospital, self.actor)))

    @operation(
        "Which system an institution's slots are in",
        reply=HospitalSystemView,
        refuses=(NotFound,),
        permission="hospitals.manage",
    )
    async def get(self, institution_id: InstitutionId) -> Ok:
        return Ok(HospitalSystemView.of(await self.services.hospitals.get(institution_id)))


class InstitutionPools(StaffHandler):
    @operation(
        "Load, change or close a schedule of an institution, as a whole",
        body=SlotPoolEntry,
        reply=SlotPoolView,
        refuses=(NotFound, InvalidInput),
        permission="hospitals.manage",
        idempotent=True,
    )
    async def put(self, body: SlotPoolEntry, institution_id: InstitutionId, schedule_id: ScheduleId) -> Ok:
        await self.services.hospitals.get(institution_id)
        pool = body.pool(institution_id, schedule_id)
        return Ok(SlotPoolView.of(await self.services.slot_pools.put(pool, self.actor)))


ROUTES = [
    ("/staff/v1/institutions/{institution_id}/hospital-system", HospitalSystems),
    ("/staff/v1/institutions/{institution_id}/slot-pools/{schedule_id}", InstitutionPools),
]
