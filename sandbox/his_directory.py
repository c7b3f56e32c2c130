"""What the sandbox hospital has: departments, doctors with made-up names, and its schedules of fourteen days.

All of it follows from the date, so nothing is kept: the same day always has the same slots.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

CITY = timezone(timedelta(hours=8))
DAYS = 14
EXPERT_FEE_FEN = 2500


@dataclass(frozen=True)
class Department:
    department_id: str
    name: str
    place: str
    kind: str
    letter: str
    only_gender: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "department_id": self.department_id,
            "name": self.name,
            "place": self.place,
            "kinds": [self.kind],
        }


@dataclass(frozen=True)
class Doctor:
    doctor_id: str
    department_id: str
    name: str
    title: str
    weekdays: tuple[int, ...]
    fee_fen: int = 0

    def as_json(self) -> dict[str, Any]:
        names = ("doctor_id", "department_id", "name", "title")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Slot:
    slot_id: str
    starts_at: datetime
    ends_at: datetime
    capacity: int
    fee_fen: int


@dataclass(frozen=True)
class Schedule:
    """One doctor, device or ward on one day; also one queue."""

    schedule_id: str
    department: Department
    doctor: Doctor | None
    item: str | None
    place: str
    on: date
    slots: tuple[Slot, ...]

    @property
    def title(self) -> str:
        who = self.doctor.name if self.doctor else self.item or ""
        return f"{self.department.name} {who}".strip()


DEPARTMENTS = (
    Department("D-IM", "内科", "门诊楼 2 层 A 区", "clinic", "A"),
    Department("D-SU", "外科", "门诊楼 2 层 B 区", "clinic", "B"),
    Department("D-PE", "儿科", "门诊楼 1 层 C 区", "clinic", "C"),
    Department("D-GY", "妇科", "门诊楼 3 层 D 区", "clinic", "D", only_gender="female"),
    Department("D-CT", "CT 室", "医技楼 1 层", "examination", "E"),
    Department("D-MR", "磁共振室", "医技楼 1 层", "examination", "F"),
    Department("D-US", "超声科", "医技楼 2 层", "examination", "G"),
    Department("D-EN", "内镜中心", "医技楼 3 层", "examination", "H"),
    Department("D-LA", "检验科", "门诊楼 1 层采血处", "examination", "J"),
    Department("D-VA", "预防接种门诊", "门诊楼 1 层 E 区", "vaccine", "K"),
    Department("D-CU", "体检中心", "体检楼 1 层", "checkup", "L"),
    Department("D-IN", "住院服务中心", "住院楼 1 层", "bed", "M"),
)
DOCTORS = (
    Doctor("D-IM-1", "D-IM", "林若溪", "主任医师", (0, 2, 4), EXPERT_FEE_FEN),
    Doctor("D-IM-2", "D-IM", "周明远", "主治医师", (0, 1, 2, 3, 4, 5, 6)),
    Doctor("D-SU-1", "D-SU", "陆北辰", "副主任医师", (1, 3), EXPERT_FEE_FEN),
    Doctor("D-SU-2", "D-SU", "沈知行", "主治医师", (0, 2, 3, 4, 5)),
    Doctor("D-PE-1", "D-PE", "苏晚晴", "主治医师", (0, 1, 2, 3, 4, 5, 6)),
    Doctor("D-GY-1", "D-GY", "顾清和", "副主任医师", (0, 1, 3, 4)),
)
# (department, item code, name, fee), with codes that the rules of examinations know.
ITEMS = (
    ("D-CT", "ct.plain", "胸部 CT 平扫", 22_000),
    ("D-CT", "ct.contrast", "腹部 CT 增强", 48_000),
    ("D-MR", "mr.plain", "头颅磁共振", 52_000),
    ("D-US", "us.abdomen", "腹部超声", 12_000),
    ("D-US", "us.pelvis", "盆腔超声（经腹）", 10_000),
    ("D-EN", "endoscopy.stomach", "胃镜", 35_000),
    ("D-EN", "endoscopy.colon", "肠镜", 45_000),
    ("D-LA", "lab.fasting", "空腹血糖与血脂", 6_000),
    ("D-VA", "vaccine.flu", "流感疫苗", 0),
    ("D-CU", "checkup.basic", "基础体检", 0),
)


class Directory:
    """The hospital's own plan; `at` is the moment on its own clock."""

    def schedules(self, kind: str, department_id: str, from_on: date, to_on: date) -> Iterator[Schedule]:
        """Of one kind and department, day by day."""
        for department in DEPARTMENTS:
            if (department.department_id, department.kind) == (department_id, kind):
                for offset in range((to_on - from_on).days + 1):
                    yield from self._of_day(department, from_on + timedelta(days=offset))

    def find(self, schedule_id: str) -> Schedule | None:
        """A schedule's id ends in its day."""
        department_id, on = schedule_id[:4], _day(schedule_id[-8:])
        department = department_of(department_id)
        if department is None or on is None:
            return None
        return next((one for one in self._of_day(department, on) if one.schedule_id == schedule_id), None)

    def find_slot(self, slot_id: str) -> tuple[Schedule, Slot] | None:
        schedule = self.find(slot_id.rpartition("-")[0])
        slots = () if schedule is None else schedule.slots
        slot = next((one for one in slots if one.slot_id == slot_id), None)
        return None if schedule is None or slot is None else (schedule, slot)

    def _of_day(self, department: Department, on: date) -> Iterator[Schedule]:
        if department.kind == "clinic":
            for doctor in DOCTORS:
                if doctor.department_id == department.department_id and on.weekday() in doctor.weekdays:
                    yield _schedule(department, doctor.doctor_id, on, 30, 4, doctor=doctor)
            return
        if department.kind == "bed":
            yield _schedule(department, f"{department.department_id}-WARD", on, 480, 6)
            return
        for department_id, item, _, _ in ITEMS:
            if department_id == department.department_id:
                yield _schedule(department, f"{department_id}-{item}", on, 60, 3, item=item)


def _schedule(
    department: Department,
    name: str,
    on: date,
    minutes: int,
    capacity: int,
    *,
    doctor: Doctor | None = None,
    item: str | None = None,
) -> Schedule:
    schedule_id = f"{name}-{on:%Y%m%d}"
    fee_fen = doctor.fee_fen if doctor else 0
    rooms = f" {doctor.doctor_id[-1]} 诊室" if doctor else ""
    schedule = Schedule(schedule_id, department, doctor, item, department.place + rooms, on, ())
    lasts = timedelta(minutes=minutes)
    slots = tuple(
        Slot(f"{schedule_id}-{at.astimezone(CITY):%H%M}", at, at + lasts, capacity, fee_fen)
        for at in _times(on, minutes)
    )
    return replace(schedule, slots=slots)


def _times(on: date, minutes: int) -> Iterator[datetime]:
    """From 8 to 12 and from 14 to 18 o'clock; what lasts a day begins at 8."""
    if minutes >= 480:
        yield datetime.combine(on, time(8), CITY).astimezone(UTC)
        return
    for hour in (8, 14):
        start = datetime.combine(on, time(hour), CITY)
        for step in range(240 // minutes):
            yield (start + timedelta(minutes=step * minutes)).astimezone(UTC)


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        return None


def department_of(department_id: str) -> Department | None:
    return next((one for one in DEPARTMENTS if one.department_id == department_id), None)


def city_day(at: datetime) -> date:
    return at.astimezone(CITY).date()


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
