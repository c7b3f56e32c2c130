from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints

from handlers.authentication import PartnerHandler
from handlers.partner.fields import ShortText
from handlers.requests import Model, Ok, Time, operation
from server.appointments.slots.model import MAX_CAPACITY, MAX_SLOTS, Pool, PoolSlot
from server.core.audit import Actor
from server.core.errors import InvalidInput, NotFound
from server.gateways.his.model import Kind

ScheduleId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,40}$")]
SlotId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,20}$")]
TheirId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]{1,64}$")]


class PoolSlotEntry(Model):
    slot_id: SlotId
    starts_at: Time
    ends_at: Time
    capacity: Annotated[int, Field(ge=0, le=MAX_CAPACITY)]
    fee_fen: Annotated[int, Field(ge=0, le=10_000_000)] = 0


class PoolDoctor(Model):
    doctor_id: TheirId
    name: ShortText
    title: Annotated[str, StringConstraints(max_length=40)] = ""


class PoolDepartment(Model):
    department_id: TheirId
    name: ShortText


class SlotPoolEntry(Model):
    """`released_at`: before that moment the slots are shown and cannot be booked.  `is_closed`: nobody is
    taken any more, and who is booked is moved to the schedule `moves_to`, or cancelled."""

    kind: Kind
    department: PoolDepartment
    doctor: PoolDoctor | None = None
    item: Annotated[TheirId | None, Field(description="what an examination, vaccine or check-up is of")] = (
        None
    )
    place: ShortText
    on: date
    released_at: Time | None = None
    slots: Annotated[list[PoolSlotEntry], Field(max_length=MAX_SLOTS)]
    is_closed: bool = False
    moves_to: ScheduleId | None = None

    def pool(self, institution_id: str, schedule_id: str) -> Pool:
        doctor = self.doctor
        return Pool(
            institution_id=institution_id,
            schedule_id=schedule_id,
            kind=self.kind,
            department_id=self.department.department_id,
            department=self.department.name,
            place=self.place,
            on=self.on,
            slots=tuple(PoolSlot(**slot.model_dump()) for slot in self.slots),
            doctor_id=None if doctor is None else doctor.doctor_id,
            doctor=None if doctor is None else doctor.name,
            title="" if doctor is None else doctor.title,
            item=self.item,
            released_at=self.released_at,
            is_closed=self.is_closed,
            moves_to=self.moves_to,
        )


class PoolSlotView(Model):
    slot_id: str
    starts_at: Time
    ends_at: Time
    capacity: int
    fee_fen: int


class SlotPoolView(Model):
    institution_id: str
    schedule_id: str
    kind: Kind
    department_id: str
    doctor_id: str | None
    item: str | None
    place: str
    on: date
    released_at: Time | None
    slots: list[PoolSlotView]
    is_closed: bool
    moves_to: str | None

    @classmethod
    def of(cls, pool: Pool) -> "SlotPoolView":
        return cls(
            institution_id=pool.institution_id,
            schedule_id=pool.schedule_id,
            kind=pool.kind,
            department_id=pool.department_id,
            doctor_id=pool.doctor_id,
            item=pool.item,
            place=pool.place,
            on=pool.on,
            released_at=pool.released_at,
            slots=[PoolSlotView(**slot.__dict__) for slot in pool.slots],
            is_closed=pool.is_closed,
            moves_to=pool.moves_to,
        )


class SlotPools(PartnerHandler):
    @operation(
        "Load, change or close a schedule in the platform's pools, as a whole",
        body=SlotPoolEntry,
        reply=SlotPoolView,
        refuses=(InvalidInput,),
        scope="slots",
        idempotent=True,
    )
    async def put(self, body: SlotPoolEntry, schedule_id: ScheduleId) -> Ok:
        app = self.proven.app
        pool = body.pool(app.institution.institution_id, schedule_id)
        return Ok(SlotPoolView.of(await self.services.slot_pools.put(pool, Actor("app", app.app_id))))

    @operation("A schedule as it is loaded", reply=SlotPoolView, refuses=(NotFound,), scope="slots")
    async def get(self, schedule_id: ScheduleId) -> Ok:
        institution_id = self.proven.app.institution.institution_id
        return Ok(SlotPoolView.of(await self.services.slot_pools.get(institution_id, schedule_id)))


ROUTES = [("/partner/v1/slot-pools/{schedule_id}", SlotPools)]
