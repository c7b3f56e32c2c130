"""The booking services over collections in memory, with two hospitals: pools, and a system of its own that
may lose an answer or not hear a call."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from server.appointments.booking.asked import SlotRef, Slots
from server.appointments.booking.carrying import Carrier
from server.appointments.booking.following import Following
from server.appointments.booking.service import AppointmentService
from server.appointments.booking.store import AppointmentStore
from server.appointments.booking.taking import Taking
from server.appointments.booking.upkeep import Upkeep
from server.appointments.examinations.compatibility import Compatibility
from server.appointments.fairness.model import limits_of
from server.appointments.fairness.policy import FairBookingPolicy
from server.appointments.hospitals.directory import Directory
from server.appointments.hospitals.model import Hospital
from server.appointments.slots.model import Pool, PoolSlot
from server.appointments.slots.store import PoolStore
from server.appointments.slots.system import PoolSystem
from server.cards.model import Status
from server.core.clock import HeldClock
from server.core.errors import NotFound
from server.gateways.his.interface import HospitalRefused, HospitalUnavailable
from server.gateways.his.model import (
    Department,
    Doctor,
    Lock,
    LockAnswer,
    RefusalCode,
    Schedule,
    Slot,
)
from tests.unit.appointments.memory import Faults, MemoryCollection

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
ON = date(2026, 11, 24)
STARTS = datetime(2026, 11, 24, 1, tzinfo=UTC)
HIS, POOLS = "H1", "H2"
CAPACITY = 2


class MemoryHospital:
    """A hospital's own system: `heard` and `answers` say whether a call reaches it, and its answer us."""

    def __init__(self, clock: HeldClock, faults: Faults) -> None:
        self._clock, self._faults = clock, faults
        self.locks: dict[str, LockAnswer] = {}
        self.capacity, self.fee_fen = CAPACITY, 0
        self.is_heard, self.answers, self.refuses = True, True, ""
        self.refuses_release: RefusalCode | None = None

    def _called(self) -> None:
        self._faults.passing("before")
        if not self.is_heard:
            raise HospitalUnavailable

    def _answer(self, answer: LockAnswer) -> LockAnswer:
        self._faults.passing("after")
        if not self.answers:
            raise HospitalUnavailable
        return answer

    def state(self, lock_id: str) -> LockAnswer:
        known = self.locks.get(lock_id, LockAnswer(lock_id, "unknown"))
        is_old = (
            known.state == "locked" and known.expires_at is not None and known.expires_at <= self._clock.now()
        )
        return replace(known, state="released") if is_old else known

    @property
    def taken(self) -> int:
        return sum(self.state(lock_id).state in ("locked", "confirmed") for lock_id in self.locks)

    async def departments(self) -> list[Department]:
        return [Department("D", "内科", "二层", ("clinic",))]

    async def doctors(self, department_id: str) -> list[Doctor]:
        return []

    async def schedules(self, kind: Any, department_id: str, from_on: date, to_on: date) -> list[Schedule]:
        slot = Slot(
            "s", STARTS, STARTS + timedelta(hours=1), self.capacity, self.capacity - self.taken, self.fee_fen
        )
        return [Schedule("S", "clinic", "D", "内科", None, None, None, "二层", ON, False, None, (slot,))]

    async def lock(self, lock: Lock) -> LockAnswer:
        self._called()
        known = self.state(lock.lock_id)
        if known.state in ("locked", "confirmed"):
            return self._answer(known)
        if known.state == "released":
            raise HospitalRefused("lock.released")
        if self.refuses or self.taken >= self.capacity:
            raise HospitalRefused("slot.full")
        self.locks[lock.lock_id] = LockAnswer(lock.lock_id, "locked", lock.slot_id, lock.expires_at)
        return self._answer(self.locks[lock.lock_id])

    async def find_lock(self, lock_id: str) -> LockAnswer:
        self._called()
        return self._answer(self.state(lock_id))

    async def confirm(self, lock_id: str) -> LockAnswer:
        self._called()
        known = self.state(lock_id)
        if known.state == "unknown":
            raise HospitalRefused("lock.unknown")
        if known.state == "released":
            raise HospitalRefused("lock.released")
        self.locks[lock_id] = replace(known, state="confirmed", registration_no=f"R-{lock_id}")
        return self._answer(self.locks[lock_id])

    async def release(self, lock_id: str) -> LockAnswer:
        self._called()
        if self.refuses_release is not None:
            raise HospitalRefused(self.refuses_release)
        self.locks[lock_id] = LockAnswer(lock_id, "released", "s")
        return self._answer(self.locks[lock_id])


@dataclass
class Memory:
    """What survives a crash."""

    clock: HeldClock
    faults: Faults
    appointments: MemoryCollection
    pools: MemoryCollection
    hospital: MemoryHospital

    @classmethod
    def new(cls) -> "Memory":
        clock, faults = HeldClock(NOW), Faults()
        return cls(
            clock,
            faults,
            MemoryCollection("appointments", AppointmentStore.INDEXES, faults),
            MemoryCollection("slot_pools", PoolStore.INDEXES, faults),
            MemoryHospital(clock, faults),
        )


class World:
    """One process over the memory; made anew after a crash."""

    def __init__(self, memory: Memory) -> None:
        self.memory, clock = memory, memory.clock
        self.pools = PoolStore(memory.pools)  # type: ignore[arg-type]
        self.store = AppointmentStore(memory.appointments)  # type: ignore[arg-type]
        hospitals: Any = _Hospitals(self)
        directory = Directory(hospitals, clock, fresh_for=timedelta(0))
        cards: Any = _Cards()
        policies: Any = _Policies()
        self.carrier = Carrier(self.store, self.pools, hospitals, cards, clock)
        self.upkeep = Upkeep(self.store, self.carrier, hospitals, policies, clock)
        self.following = Following(self.store, self.pools, self.carrier, directory, clock)
        self.service = AppointmentService(
            self.store,
            Taking(self.store, clock),
            self.carrier,
            Slots(directory, self.pools, clock),
            hospitals,
            directory,
            _Fairness(),  # type: ignore[arg-type]
            Compatibility(self.store, policies, clock),
            cards,
            policies,
            clock,
        )

    async def book(self, person: str, institution: str, request: str | None = None) -> Any:
        slot_id = "s" if institution == HIS else "P~s"
        booker: Any = SimpleNamespace(account_id=person, device_id=None, source="x")
        ref = str(SlotRef("clinic", "D", ON, slot_id))
        return await self.service.book(booker, person, institution, ref, request)

    async def load(
        self, capacity: int, *, is_closed: bool = False, released_at: datetime | None = None
    ) -> None:
        slot = PoolSlot("s", STARTS, STARTS + timedelta(hours=1), capacity)
        pool = Pool(
            *(POOLS, "P", "clinic", "D", "内科", "二层", ON, (slot,)),
            is_closed=is_closed,
            released_at=released_at,
        )
        await self.pools.put(pool, self.memory.clock.now())


class _Hospitals:
    def __init__(self, world: World) -> None:
        self._world = world

    async def get(self, institution_id: str) -> Hospital:
        return Hospital(institution_id, "医院", "his" if institution_id == HIS else "pools")

    find = get

    async def system_of(self, institution_id: str) -> Any:
        world = self._world
        if institution_id == HIS:
            return world.memory.hospital
        return PoolSystem(POOLS, world.pools, world.store, world.memory.clock)


class _Cards:
    """Every account has one card and one person, all of the same name."""

    async def get(self, account_id: str, card_id: str) -> Any:
        if account_id != card_id:
            raise NotFound("card.not_found", "")
        return await self.find(card_id)

    async def find(self, card_id: str) -> Any:
        holder = SimpleNamespace(
            name="王三", id_type="01", id_no="990101199003070011", phone=None, gender="male", born_on=None
        )
        return SimpleNamespace(
            card_id=card_id,
            person_id=f"P-{card_id}",
            status=Status.ACTIVE,
            holder=holder,
            require_active=lambda: None,
            tie_of=lambda account_id: account_id == card_id or None,
        )


class _Policies:
    async def get(self, model: Any) -> Any:
        return model()


class _Fairness:
    async def require_calm(self, booker: Any) -> None: ...

    async def count_refused(self, booker: Any) -> None: ...

    async def limits(self, booker: Any, person_id: str, kind: Any, on: date) -> Any:
        policy = FairBookingPolicy(person_day={"clinic": 1})
        return limits_of(
            policy, kind=kind, person_id=person_id, account_id=booker.account_id, device=None, on=on
        )
