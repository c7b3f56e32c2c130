"""Where a demo's residents can book: one hospital's own system, and pools with the schedules of another."""

from datetime import date, datetime, timedelta

from sandbox.city import City
from server import app as composition
from server.appointments.hospitals.model import Geofence, Hospital
from server.appointments.slots.model import Pool, PoolSlot
from server.core.audit import Actor
from server.core.clock import CITY_AHEAD_S, city_day
from server.gateways.his.model import Kind

BY = Actor("system", "demo")
DAYS = 14
RELEASED_DAYS_AHEAD = 7
# Made-up places of a made-up city.
ADDRESSES = ("云溪市槐荫路 1 号", "云溪市药王街 18 号")
FENCES = (Geofence(30.2741, 120.1551, 300), Geofence(30.2609, 120.1702, 250))
# kind, department, doctor (id, name, title) or None, place, item, first hour, slots, places each, fee in fen
CLINIC: Kind = "clinic"
ROWS: tuple[tuple[Kind, str, str, tuple[str, str, str] | None, str, str | None, int, int, int, int], ...] = (
    (CLINIC, "TCM", "中医内科", ("qin", "秦医生", "主任医师"), "门诊楼一层 2 诊室", None, 8, 6, 3, 0),
    (CLINIC, "TCM", "中医内科", ("lu", "陆医生", "副主任医师"), "门诊楼一层 3 诊室", None, 14, 6, 3, 0),
    (CLINIC, "ACU", "针灸科", ("bai", "白医生", "主治医师"), "门诊楼三层 1 诊室", None, 8, 8, 2, 0),
    (CLINIC, "TUI", "推拿科", ("shen", "沈医生", "主任医师"), "门诊楼三层 6 诊室", None, 9, 4, 1, 5000),
    ("checkup", "CHK", "健康管理中心", None, "体检楼二层", "basic", 8, 4, 10, 0),
    ("vaccine", "VAC", "预防接种门诊", None, "门诊楼一层东侧", "influenza", 9, 4, 10, 0),
)


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
            kinds=(CLINIC, "checkup", "vaccine"),
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
    for kind, department_id, department, doctor, place, item, hour, count, capacity, fee_fen in ROWS:
        half = timedelta(minutes=30)
        begin = _at(on, hour)
        slots = tuple(
            PoolSlot(
                f"{number + 1:02d}", begin + half * number, begin + half * (number + 1), capacity, fee_fen
            )
            for number in range(count)
        )
        found.append(
            Pool(
                institution_id=institution_id,
                schedule_id=f"{department_id}-{hour:02d}-{on:%Y%m%d}",
                kind=kind,
                department_id=department_id,
                department=department,
                place=place,
                on=on,
                slots=slots,
                doctor_id=None if doctor is None else doctor[0],
                doctor=None if doctor is None else doctor[1],
                title="" if doctor is None else doctor[2],
                item=item,
                released_at=_at(on - timedelta(days=RELEASED_DAYS_AHEAD), 8) if doctor else None,
            )
        )
    return found


def _at(on: date, hour: int) -> datetime:
    """That hour on the city's wall clock."""
    midnight = datetime.fromisoformat(f"{on.isoformat()}T00:00:00+00:00") - timedelta(seconds=CITY_AHEAD_S)
    return midnight + timedelta(hours=hour)
