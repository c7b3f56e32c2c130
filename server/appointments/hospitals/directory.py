"""What can be booked where: departments, doctors, days, slots (M1).

Each answer is kept for seconds; when the hospital gives none, the last one is shown with its age.  A slow
hospital holds up its own answers and no other's.
"""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from server.appointments.hospitals.last_known import Known, LastKnown
from server.appointments.hospitals.openings import (
    OpenDay,
    OpenDepartment,
    OpenDoctor,
    Opening,
    days_of,
    free_now,
    openings,
)
from server.appointments.hospitals.service import Hospitals
from server.core.clock import Clock, today
from server.core.errors import NotFound
from server.gateways.his.interface import HospitalRefused, HospitalUnavailable
from server.gateways.his.model import Department, Doctor, Kind, Schedule

DAYS = 14
DEPARTMENTS_AT_ONCE = 6
T = TypeVar("T")


class Directory:
    def __init__(self, hospitals: Hospitals, clock: Clock, *, fresh_for: timedelta) -> None:
        self._hospitals = hospitals
        self._clock = clock
        self._known = LastKnown(clock, fresh_for)

    async def departments(self, institution_id: str, kind: Kind) -> Known[list[OpenDepartment]]:
        """Those where something of the kind can be booked, with what is free in the next fourteen days.

        NotFound `institution.not_found`; Unavailable `hospital.unavailable`.
        """
        known = await self._departments(institution_id)
        wanted = [one for one in known.value if kind in one.kinds]
        places = asyncio.Semaphore(DEPARTMENTS_AT_ONCE)

        async def look(department: Department) -> tuple[OpenDepartment, Known[Sequence[Schedule]]]:
            async with places:
                found = await self._schedules(institution_id, kind, department.department_id)
            now = self._clock.now()
            free, next_free_on = free_now(openings(found.value, now), now)
            return OpenDepartment(department, free, next_free_on), found

        looked = await asyncio.gather(*(look(department) for department in wanted))
        return _as_old_as(known, [found for _, found in looked], [one for one, _ in looked])

    async def doctors(
        self, institution_id: str, department_id: str, kind: Kind = "clinic"
    ) -> Known[list[OpenDoctor]]:
        """NotFound `institution.not_found`, `department.not_found`."""
        system = await self._hospitals.system_of(institution_id)
        key = (institution_id, "doctors", department_id)
        try:
            known: Known[Sequence[Doctor]] = await self._known.get(key, lambda: system.doctors(department_id))
        except HospitalRefused:
            raise _no_department() from None
        schedules = await self._schedules(institution_id, kind, department_id)
        now = self._clock.now()
        shown = []
        for doctor in known.value:
            _, next_free_on = free_now(openings(schedules.value, now, doctor.doctor_id), now)
            shown.append(OpenDoctor(doctor, next_free_on))
        return _as_old_as(known, [schedules], shown)

    async def days(
        self, institution_id: str, kind: Kind, department_id: str, doctor_id: str | None
    ) -> Known[list[OpenDay]]:
        """Today and the thirteen after it.  NotFound as above."""
        schedules = await self._schedules(institution_id, kind, department_id)
        now, start = self._clock.now(), today(self._clock)
        days = [start + timedelta(days=number) for number in range(DAYS)]
        found = openings(schedules.value, now, doctor_id)
        return _as_old_as(schedules, [], days_of(found, days, now))

    async def slots(
        self, institution_id: str, kind: Kind, department_id: str, doctor_id: str | None, on: date | None
    ) -> Known[list[Opening]]:
        """Those of one day (None: today) that have not begun, full ones too.  NotFound as above."""
        schedules = await self._schedules(institution_id, kind, department_id)
        found = openings(schedules.value, self._clock.now(), doctor_id, on or today(self._clock))
        return _as_old_as(schedules, [], found)

    async def openings(self, institution_id: str, kind: Kind, department_id: str) -> Known[list[Opening]]:
        """All that have not begun, of today and the thirteen days after it.  NotFound as above."""
        schedules = await self._schedules(institution_id, kind, department_id)
        return _as_old_as(schedules, [], openings(schedules.value, self._clock.now()))

    async def find_opening(
        self, institution_id: str, kind: Kind, department_id: str, on: date, slot_id: str
    ) -> Opening | None:
        """The slot as the hospital said in these seconds; Unavailable when it gives no answer now."""
        try:
            schedules = await self._schedules(institution_id, kind, department_id)
        except NotFound:
            return None
        if not schedules.is_current:
            raise HospitalUnavailable
        found = openings(schedules.value, self._clock.now(), on=on)
        return next((one for one in found if one.slot.slot_id == slot_id), None)

    def outdate(self, institution_id: str) -> None:
        """Somebody has just booked or cancelled there."""
        self._known.outdate(institution_id)

    async def _departments(self, institution_id: str) -> Known[Sequence[Department]]:
        system = await self._hospitals.system_of(institution_id)
        return await self._known.get((institution_id, "departments"), system.departments)

    async def _schedules(
        self, institution_id: str, kind: Kind, department_id: str
    ) -> Known[Sequence[Schedule]]:
        system = await self._hospitals.system_of(institution_id)
        start = today(self._clock)
        until = start + timedelta(days=DAYS - 1)
        key = (institution_id, "schedules", kind, department_id, start.isoformat())
        try:
            return await self._known.get(key, lambda: system.schedules(kind, department_id, start, until))
        except HospitalRefused:
            raise _no_department() from None


def _as_old_as(first: Known[Any], others: Sequence[Known[Any]], value: T) -> Known[T]:
    parts = [first, *others]
    as_of: datetime = min(part.as_of for part in parts)
    return Known(value, as_of, all(part.is_current for part in parts))


def _no_department() -> NotFound:
    return NotFound("department.not_found", "the hospital has no such department")
