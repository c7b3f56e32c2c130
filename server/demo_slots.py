"""Where a demo's residents can book: one hospital's own system, and pools with the schedules of another."""

from datetime import date, datetime, timedelta
from typing import get_args

from sandbox.city import City
from sandbox.schedules import ADDRESSES, DAILY
from server import app as composition
from server.appointments.hospitals.model import Geofence, Hospital
from server.appointments.slots.model import Pool, PoolSlot
from server.core.audit import Actor
from server.core.clock import CITY_AHEAD_S, city_day
from server.gateways.his.model import Kind

BY = Actor("system", "demo")
DAYS = 14
RELEASED_DAYS_AHEAD = 7
FENCES = (Geofence(30.2741, 120.1551, 300), Geofence(30.2609, 120.1702, 250))
KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}


async def open_hospitals(app: composition.App, city: City, sandbox_url: str) -> None:
    """Both hospitals, and fourteen days of schedules from today; safe to repeat.  A closed schedule opens
    again, and the booked keep their places."""
    first, second = city.hospitals[:2]
    services = app.services
    app_id = f"{first.institution_id}-his".lower()
    hospitals = (
        Hospital(
            first.institution_id,
            first.name,
            "his",
            ADDRESSES[0],
            base_url=sandbox_url,
            app_id=app_id,
            geofence=FENCES[0],
        ),
        Hospital(
            second.institution_id,
            second.name,
            "pools",
            ADDRESSES[1],
            kinds=("clinic", "checkup", "vaccine"),
            geofence=FENCES[1],
        ),
    )
    for hospital in hospitals:
        await services.hospitals.put(hospital, BY)
    start = city_day(app.clock.now())
    for number in range(DAYS):
        for pool in schedules(second.institution_id, start + timedelta(days=number)):
            await services.slot_pools.put(pool, BY)


def schedules(institution_id: str, on: date) -> list[Pool]:
    """What the second hospital has on a day.  Places of the doctors are released a week ahead, at eight."""
    found = []
    for daily in DAILY:
        half, begin = timedelta(minutes=30), _at(on, daily.hour)
        slots = tuple(
            PoolSlot(
                f"{number + 1:02d}",
                begin + half * number,
                begin + half * (number + 1),
                daily.capacity,
                daily.fee_fen,
            )
            for number in range(daily.slots)
        )
        doctor_id, doctor, title = daily.doctor or (None, None, "")
        found.append(
            Pool(
                institution_id=institution_id,
                schedule_id=f"{daily.department_id}-{daily.hour:02d}-{on:%Y%m%d}",
                kind=KINDS[daily.kind],
                department_id=daily.department_id,
                department=daily.department,
                place=daily.place,
                on=on,
                slots=slots,
                doctor_id=doctor_id,
                doctor=doctor,
                title=title,
                item=daily.item,
                released_at=_at(on - timedelta(days=RELEASED_DAYS_AHEAD), 8) if doctor else None,
            )
        )
    return found


def _at(on: date, hour: int) -> datetime:
    """That hour on the city's wall clock."""
    midnight = datetime.fromisoformat(f"{on.isoformat()}T00:00:00+00:00") - timedelta(seconds=CITY_AHEAD_S)
    return midnight + timedelta(hours=hour)
