"""The sandbox hospital's appointment desk: who has which place of which slot, and who is registered.

All of it is in memory and gone with the process.  The platform asks `find_lock` after a failure and is then
told `unknown`: that is part of what the sandbox is there to show.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.his_directory import DAYS, Directory, Schedule, Slot, city_day, iso
from sandbox.service import Clock

MAX_LOCKS = 100_000


class Refused(Exception):
    """The hospital says no, with a code of the contract."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class HospitalClock:
    """The hospital's own time: the real one, moved by what a person or a test asked for."""

    def __init__(self, real: Clock = time.time) -> None:
        self._real = real
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        return self.real_now() + self._ahead

    def real_now(self) -> datetime:
        return datetime.fromtimestamp(self._real(), UTC)

    def advance(self, by: timedelta) -> None:
        self._ahead += by


@dataclass
class Lock:
    """`until` is on the hospital's clock; `expires_at` is what the platform said.  A tombstone, left by a
    release that came before its lock, has no slot and no patient."""

    lock_id: str
    state: str
    schedule: Schedule | None = None
    slot: Slot | None = None
    patient: dict[str, Any] | None = None
    expires_at: datetime | None = None
    until: datetime | None = None
    registration_no: str | None = None
    hospital_patient_no: str | None = None
    why_released: str = "released"
    has_arrived: bool = False

    def as_json(self) -> dict[str, Any]:
        return {
            "lock_id": self.lock_id,
            "state": self.state,
            "slot_id": self.slot.slot_id if self.slot else None,
            "expires_at": iso(self.expires_at) if self.expires_at else None,
            "registration_no": self.registration_no,
            "hospital_patient_no": self.hospital_patient_no,
        }


def document_of(patient: dict[str, Any]) -> tuple[str, str]:
    return str(patient["id_type"]), str(patient["id_no"]).upper()


class Desk:
    def __init__(self, directory: Directory, clock: HospitalClock) -> None:
        self._directory = directory
        self._clock = clock
        self._locks: dict[str, Lock] = {}
        self._of_slot: dict[str, list[Lock]] = {}
        self._by_number: dict[str, Lock] = {}
        self._files: dict[tuple[str, str], str] = {}
        self._cancelled: set[str] = set()

    # -- what is free
    def free(self, schedule: Schedule, slot: Slot) -> int:
        if self.is_closed(schedule, slot):
            return 0
        return max(0, slot.capacity - len(list(self._holding(slot.slot_id))))

    def is_closed(self, schedule: Schedule, slot: Slot) -> bool:
        now = self._clock.now()
        first, last = city_day(now), city_day(now) + timedelta(days=DAYS - 1)
        is_open_day = first <= schedule.on <= last and slot.starts_at > now
        return self.is_cancelled(schedule) or not is_open_day

    def is_cancelled(self, schedule: Schedule) -> bool:
        return schedule.schedule_id in self._cancelled

    def taken(self, slot_id: str) -> list[Lock]:
        return list(self._holding(slot_id))

    # -- the four calls
    def lock(self, lock_id: str, slot_id: str, patient: dict[str, Any], expires_at: datetime) -> Lock:
        known = self._current(lock_id)
        if known is not None:
            return _repeated(known, slot_id, patient)
        left = expires_at - self._clock.real_now()
        if left <= timedelta(0):
            raise Refused("lock.expired")
        if len(self._locks) >= MAX_LOCKS:
            raise Refused("slot.closed")
        found = self._directory.find_slot(slot_id)
        if found is None:
            raise Refused("slot.unknown")
        schedule, slot = found
        self._require_free(schedule, slot, patient)
        lock = Lock(lock_id, "locked", schedule, slot, patient, expires_at, until=self._clock.now() + left)
        self._locks[lock_id] = lock
        self._of_slot.setdefault(slot_id, []).append(lock)
        return lock

    def _require_free(self, schedule: Schedule, slot: Slot, patient: dict[str, Any]) -> None:
        only_gender = schedule.department.only_gender
        if only_gender and patient.get("gender") not in (None, only_gender):
            raise Refused("patient.refused")
        if self.is_closed(schedule, slot):
            raise Refused("slot.closed")
        for other in schedule.slots:
            for lock in self._holding(other.slot_id):
                if lock.patient and document_of(lock.patient) == document_of(patient):
                    raise Refused("slot.person_has_one")
        if self.free(schedule, slot) < 1:
            raise Refused("slot.full")

    def find(self, lock_id: str) -> Lock:
        return self._current(lock_id) or Lock(lock_id, "unknown")

    def confirm(self, lock_id: str) -> Lock:
        lock = self._current(lock_id)
        if lock is None:
            raise Refused("lock.unknown")
        if lock.state == "confirmed":
            return lock
        if lock.state == "released" or lock.schedule is None or lock.patient is None:
            raise Refused(
                {"expired": "lock.expired", "cancelled": "slot.closed"}.get(
                    lock.why_released, "lock.released"
                )
            )
        lock.state = "confirmed"
        lock.registration_no = f"R{self._clock.now():%y%m%d}{len(self._by_number) + 1:06d}"
        lock.hospital_patient_no = self.register(lock.patient)
        self._by_number[lock.registration_no] = lock
        return lock

    def release(self, lock_id: str) -> Lock:
        lock = self._current(lock_id)
        if lock is None:
            lock = self._locks[lock_id] = Lock(lock_id, "released")
        if lock.has_arrived:
            raise Refused("lock.used")
        lock.state = "released"
        return lock

    def register(self, patient: dict[str, Any]) -> str:
        """The number of the patient's file, opened if there was none."""
        return self._files.setdefault(document_of(patient), f"P{len(self._files) + 1:08d}")

    # -- registrations
    def registration(self, registration_no: str) -> Lock:
        lock = self._by_number.get(registration_no)
        if lock is None:
            raise Refused("registration.unknown")
        return lock

    def arrive(self, registration_no: str) -> Lock:
        """Refused on another day than the slot's, or once it was given back."""
        lock = self.registration(registration_no)
        if lock.state != "confirmed" or lock.schedule is None:
            raise Refused("registration.cancelled")
        if lock.schedule.on != city_day(self._clock.now()):
            raise Refused("registration.not_now")
        lock.has_arrived = True
        return lock

    def of_patient(self, hospital_patient_no: str) -> list[str]:
        """The registration numbers of one file."""
        if hospital_patient_no not in self._files.values():
            raise Refused("patient.unknown")
        return [
            number
            for number, lock in self._by_number.items()
            if lock.hospital_patient_no == hospital_patient_no
        ]

    def cancel_schedule(self, schedule_id: str) -> list[Lock]:
        """The doctor does not come: nobody is taken any more, and those who had a place are let go; returns
        the confirmed ones, who must be told."""
        schedule = self._directory.find(schedule_id)
        if schedule is None:
            raise Refused("slot.unknown")
        self._cancelled.add(schedule_id)
        told = []
        for slot in schedule.slots:
            for lock in list(self._holding(slot.slot_id)):
                if lock.state == "confirmed":
                    told.append(lock)
                lock.state, lock.why_released = "released", "cancelled"
        return told

    # -- locks in force
    def _holding(self, slot_id: str) -> Iterator[Lock]:
        for lock in self._of_slot.get(slot_id, []):
            self._expire(lock)
            if lock.state in ("locked", "confirmed"):
                yield lock

    def _current(self, lock_id: str) -> Lock | None:
        lock = self._locks.get(lock_id)
        if lock is not None:
            self._expire(lock)
        return lock

    def _expire(self, lock: Lock) -> None:
        if lock.state == "locked" and lock.until is not None and lock.until <= self._clock.now():
            lock.state, lock.why_released = "released", "expired"


def _repeated(known: Lock, slot_id: str, patient: dict[str, Any]) -> Lock:
    """The answer to a lock that is there: the same again changes nothing."""
    if known.state == "released":
        raise Refused("lock.expired" if known.why_released == "expired" else "lock.released")
    assert known.slot is not None and known.patient is not None
    if known.slot.slot_id != slot_id or document_of(known.patient) != document_of(patient):
        raise Refused("lock.differs")
    return known
