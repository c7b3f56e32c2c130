from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints

from handlers.authentication import ResidentHandler
from handlers.requests import Model, Ok, Time, operation
from server.appointments.booking.asked import SlotRef
from server.appointments.hospitals.last_known import Known
from server.appointments.hospitals.openings import OpenDay, OpenDepartment, OpenDoctor, Opening
from server.core.errors import Malformed, NotFound, Unavailable
from server.gateways.his.model import Kind

OurId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
TheirId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]{1,64}$")]
AsOf = Annotated[Time, Field(description="when the hospital said so")]
IsCurrent = Annotated[
    bool, Field(description="false: the hospital gives no answer now, and this is what it said last")
]


class InstitutionView(Model):
    institution_id: str
    name: str
    kinds: list[Kind]
    address: str


class InstitutionList(Model):
    institutions: list[InstitutionView]


class KindQuery(Model):
    kind: Kind = "clinic"


class DepartmentView(Model):
    """`free`: places that can be booked now, within the next fourteen days."""

    department_id: str
    name: str
    place: str
    next_free_on: date | None
    free: int

    @classmethod
    def of(cls, one: OpenDepartment) -> "DepartmentView":
        department = one.department
        return cls(
            department_id=department.department_id,
            name=department.name,
            place=department.place,
            next_free_on=one.next_free_on,
            free=one.free,
        )


class DepartmentList(Model):
    departments: list[DepartmentView]
    as_of: AsOf
    is_current: IsCurrent


class DoctorQuery(Model):
    department_id: TheirId | None = None
    kind: Kind = "clinic"


class DoctorView(Model):
    doctor_id: str
    name: str
    title: str
    department_id: str
    next_free_on: date | None

    @classmethod
    def of(cls, one: OpenDoctor) -> "DoctorView":
        return cls(**vars(one.doctor), next_free_on=one.next_free_on)


class DoctorList(Model):
    doctors: list[DoctorView]
    as_of: AsOf
    is_current: IsCurrent


class DayQuery(Model):
    department_id: TheirId | None = None
    doctor_id: TheirId | None = None
    kind: Kind = "clinic"


class DayView(Model):
    """`free` counts places that are not released yet too; `released_at` is there when none of the day is."""

    on: date
    free: int
    released_at: Time | None

    @classmethod
    def of(cls, day: OpenDay) -> "DayView":
        return cls(on=day.on, free=day.free, released_at=day.released_at)


class DayList(Model):
    days: list[DayView]
    as_of: AsOf
    is_current: IsCurrent


class SlotQuery(DayQuery):
    on: date | None = None


class SlotView(Model):
    slot_id: str
    kind: Kind
    department_id: str
    department: str
    doctor_id: str | None
    doctor: str | None
    item: str | None
    place: str
    starts_at: Time
    ends_at: Time
    capacity: int
    free: int
    fee_fen: int
    released_at: Time | None

    @classmethod
    def of(cls, one: Opening) -> "SlotView":
        schedule, slot = one.schedule, one.slot
        return cls(
            slot_id=str(SlotRef.of(one)),
            kind=schedule.kind,
            department_id=schedule.department_id,
            department=schedule.department,
            doctor_id=schedule.doctor_id,
            doctor=schedule.doctor,
            item=schedule.item,
            place=schedule.place,
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            capacity=slot.capacity,
            free=slot.free,
            fee_fen=slot.fee_fen,
            released_at=schedule.released_at,
        )


class SlotList(Model):
    slots: list[SlotView]
    as_of: AsOf
    is_current: IsCurrent


class Institutions(ResidentHandler):
    @operation("The hospitals one can book at", reply=InstitutionList)
    async def get(self) -> Ok:
        found = await self.services.hospitals.list()
        shown = [
            InstitutionView(
                institution_id=one.institution_id,
                name=one.name,
                kinds=list(one.kinds),
                address=one.address,
            )
            for one in found
        ]
        return Ok(InstitutionList(institutions=shown))


class Departments(ResidentHandler):
    @operation(
        "Departments of a hospital, with the next day that has a free place",
        query=KindQuery,
        reply=DepartmentList,
        refuses=(NotFound, Unavailable),
    )
    async def get(self, institution_id: OurId, query: KindQuery) -> Ok:
        known = await self.services.directory.departments(institution_id, query.kind)
        shown = [DepartmentView.of(one) for one in known.value]
        return Ok(DepartmentList(departments=shown, as_of=known.as_of, is_current=known.is_current))


class _OfDepartment(ResidentHandler):
    async def department(self, institution_id: str, department_id: str | None) -> str:
        """The department asked for; whether there is such an institution is said first."""
        await self.services.hospitals.get(institution_id)
        if department_id is None:
            raise Malformed("request.invalid", "department_id is missing")
        return department_id


class Doctors(_OfDepartment):
    @operation(
        "Doctors of a department, with the next day each has a free place",
        query=DoctorQuery,
        reply=DoctorList,
        refuses=(NotFound, Unavailable),
    )
    async def get(self, institution_id: OurId, query: DoctorQuery) -> Ok:
        department_id = await self.department(institution_id, query.department_id)
        known = await self.services.directory.doctors(institution_id, department_id, query.kind)
        shown = [DoctorView.of(one) for one in known.value]
        return Ok(DoctorList(doctors=shown, as_of=known.as_of, is_current=known.is_current))


class Days(_OfDepartment):
    @operation(
        "The next fourteen days of a department or doctor at a glance",
        query=DayQuery,
        reply=DayList,
        refuses=(NotFound, Unavailable),
    )
    async def get(self, institution_id: OurId, query: DayQuery) -> Ok:
        department_id = await self.department(institution_id, query.department_id)
        known: Known[list[OpenDay]] = await self.services.directory.days(
            institution_id, query.kind, department_id, query.doctor_id
        )
        shown = [DayView.of(day) for day in known.value]
        return Ok(DayList(days=shown, as_of=known.as_of, is_current=known.is_current))


class Slots(_OfDepartment):
    @operation(
        "The slots of one day, today when none is named",
        query=SlotQuery,
        reply=SlotList,
        refuses=(NotFound, Unavailable),
    )
    async def get(self, institution_id: OurId, query: SlotQuery) -> Ok:
        department_id = await self.department(institution_id, query.department_id)
        known = await self.services.directory.slots(
            institution_id, query.kind, department_id, query.doctor_id, query.on
        )
        shown = [SlotView.of(one) for one in known.value]
        return Ok(SlotList(slots=shown, as_of=known.as_of, is_current=known.is_current))


ROUTES = [
    ("/api/v1/institutions", Institutions),
    ("/api/v1/institutions/{institution_id}/departments", Departments),
    ("/api/v1/institutions/{institution_id}/doctors", Doctors),
    ("/api/v1/institutions/{institution_id}/days", Days),
    ("/api/v1/institutions/{institution_id}/slots", Slots),
]
