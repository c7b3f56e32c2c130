"""What residents, a hospital with pools and one with a system of its own do about places in one round."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from server.appointments.fairness.policy import FairBookingPolicy
from server.appointments.hospitals.model import Hospital
from server.core.audit import Actor
from server.core.clock import city_day, iso
from server.partners.model import App, Institution
from tests.faults.clients import MAX_ATTEMPTS, Resident, in_parallel
from tests.faults.history import Operation
from tests.faults.runs import Set
from tests.faults.stage import HIS_APP_ID, HIS_ID, HIS_PUBLIC_KEY, KEY_ID, Stage

POOLS_ID = "institution-a"
DEPARTMENT = "D-01"
FREE_DOCTOR, PAID_DOCTOR = "D-IM-2", "D-IM-1"
PEOPLE = 12
SLOTS = 20
PLACES = 2
"Of the slot that five want in each round, and everybody at the end."
BY = Actor("system", "test")


class Bookings:
    """Rounds of twelve residents; each round gives back what it took, as far as it was answered."""

    def __init__(self, on: Set) -> None:
        self._clients, self._stage, self._people = on.clients, on.stage, on.people
        self._rounds = 0
        self._on = city_day(datetime.now(UTC)) + timedelta(days=2)
        while self._on.weekday() not in (0, 2, 4):  # when the doctor with a fee is there
            self._on += timedelta(days=1)
        self._left: list[tuple[Resident, str]] = []
        self.residents: list[Resident] = []

    async def open(self) -> None:
        """Everybody has a card; the pools are loaded."""
        for person in self._people[:PEOPLE]:
            resident = await self._clients.sign_in(person)
            assert resident is not None
            await self._clients.claim(resident)
            self.residents.append(resident)
        for schedule_id, capacity, fee_fen in (("rush", PLACES, 0), ("fee", 50, 2_000), ("target", 50, 0)):
            await self._load(schedule_id, self._schedule(capacity, fee_fen))

    async def round(self) -> None:
        """Five want two places, two hold one with a fee, four book at the other hospital, whose answers get
        lost, and one is moved with a schedule that closes."""
        self._rounds += 1
        left, self._left = self._left, []
        for resident, appointment_id in left:
            await self._clients.cancel(resident, appointment_id)
        await self._rush(self.residents[:5])
        await self._hold(*self.residents[5:7])
        await self._at_the_hospital(*self.residents[7:11])
        await self._follow_a_schedule(self.residents[11])

    async def sell_out(self) -> list[str]:
        """I4: everybody wants the contended slot at once, ten times as often as it has places.  What is wrong
        with what came of it."""
        await self.give_everything_back()
        asks = [resident for resident in self.residents for _ in range(2)]
        assert len(asks) >= 10 * PLACES
        sold: list[Operation] = []

        async def ask(resident: Resident) -> None:
            sold.append(await self._clients.book(resident, POOLS_ID, self._pooled("rush")))

        await in_parallel([lambda one=one: ask(one) for one in asks], len(asks))  # type: ignore[misc]
        confirmed = sum(one.result is not None and one.result["state"] == "confirmed" for one in sold)
        refused = {one.refusal for one in sold if one.result is None}
        problems = [] if confirmed == PLACES else [f"{confirmed} of {PLACES} places were sold"]
        return problems + [str(code) for code in refused - {"slot.full", "appointment.exists"}]

    async def give_everything_back(self) -> None:
        """Cancels whatever was booked and may be live."""
        history = self._clients.history
        ended = {one.about["appointment_id"] for one in history.of("cancel") if one.is_acknowledged}
        holders = {resident.token: resident for resident in self.residents}
        booked = [(holders[one.about["token"]], one.result) for one in history.of("book") if one.result]
        live = [(who, result["appointment_id"]) for who, result in booked if result]
        await in_parallel(
            [
                lambda who=who, one=one: self._clients.cancel(who, one)  # type: ignore[misc]
                for who, one in live
                if one not in ended
            ]
        )

    # -- the parts of a round
    async def _rush(self, residents: list[Resident]) -> None:
        """One of them asks twice at once."""
        asks = [*residents, residents[0]]
        ref = self._pooled("rush")
        booked = await asyncio.gather(*(self._clients.book(one, POOLS_ID, ref) for one in asks))
        await asyncio.gather(*(self._give_back(*pair) for pair in zip(asks, booked, strict=True)))

    async def _hold(self, first: Resident, second: Resident) -> None:
        """A fee keeps a place held: the one's time runs out, the other gives it back."""
        ref = self._pooled("fee", self._rounds % SLOTS)
        held, given_up = await asyncio.gather(
            *(self._clients.book(one, POOLS_ID, ref) for one in (first, second))
        )
        if held.result is not None:
            path = f"/api/v1/appointments/{held.result['appointment_id']}/confirmation"
            await self._clients.ask("POST", path, token=first.token, key=uuid.uuid4().hex)
            self._let_expire(held.result["appointment_id"])
        await self._give_back(second, given_up)

    async def _at_the_hospital(self, *residents: Resident) -> None:
        """One books and cancels; of two the hospital's answers are lost, one of them cancels at once and the
        other when the hospital was asked again; one holds a place with a fee until its time is over."""
        calm, early, late, payer = residents
        free, paid = self._hospitals(FREE_DOCTOR), self._hospitals(PAID_DOCTOR)
        await self._give_back(calm, await self._clients.book(calm, HIS_ID, free))
        held = await self._clients.book(payer, HIS_ID, paid)
        if held.result is not None:
            self._let_expire(held.result["appointment_id"])
        path = f"/api/v1/institutions/{HIS_ID}/slots?department_id=D-IM&on={self._on.isoformat()}"
        await self._clients.ask("GET", path, token=calm.token)  # so that what is lost is the lock's answer
        self._stage.fault("his", lose_answer=True, times=2)
        lost = await asyncio.gather(*(self._clients.book(one, HIS_ID, free) for one in (early, late)))
        self._stage.fault("his")
        await self._give_back(early, lost[0])
        if lost[1].result is not None:
            self._left.append((late, lost[1].result["appointment_id"]))
        self._stage.database.appointments.update_many(
            {"next_try_at": {"$exists": True}}, {"$set": {"next_try_at": datetime.now(UTC)}}
        )

    async def _follow_a_schedule(self, resident: Resident) -> None:
        """It closes, and whoever is booked is moved to another."""
        schedule_id, content = f"going-{self._rounds}", self._schedule(1)
        await self._load(schedule_id, content)
        booked = await self._clients.book(resident, POOLS_ID, self._pooled(schedule_id))
        await self._load(schedule_id, {**content, "is_closed": True, "moves_to": "target"})
        if booked.result is not None:
            self._left.append((resident, booked.result["appointment_id"]))

    async def _give_back(self, resident: Resident, booked: Operation) -> None:
        if booked.result is not None:
            await self._clients.cancel(resident, booked.result["appointment_id"])

    def _let_expire(self, appointment_id: str) -> None:
        """What a quarter of an hour would do."""
        self._stage.database.appointments.update_one(
            {"_id": appointment_id, "state": "held"}, {"$set": {"hold_expires_at": datetime.now(UTC)}}
        )

    # -- schedules and slots
    async def _load(self, schedule_id: str, content: dict[str, Any]) -> None:
        key = uuid.uuid4().hex
        for _ in range(MAX_ATTEMPTS):
            path = f"/partner/v1/slot-pools/{schedule_id}"
            if await self._clients.hospital_ask("PUT", path, content, idempotency_key=key):
                return
            await self._clients.until_ready()
        raise AssertionError(f"{schedule_id} could not be loaded")

    def _schedule(self, capacity: int, fee_fen: int = 0) -> dict[str, Any]:
        start = datetime.fromisoformat(f"{self._on.isoformat()}T08:00:00+08:00")
        half = timedelta(minutes=30)
        return {
            "kind": "clinic",
            "department": {"department_id": DEPARTMENT, "name": "内科"},
            "doctor": None,
            "place": "2 层",
            "on": self._on.isoformat(),
            "slots": [
                {
                    "slot_id": f"s{number}",
                    "starts_at": iso(start + number * half),
                    "ends_at": iso(start + (number + 1) * half),
                    "capacity": capacity,
                    "fee_fen": fee_fen,
                }
                for number in range(SLOTS if fee_fen else 1)
            ],
        }

    def _pooled(self, schedule_id: str, number: int = 0) -> str:
        return f"clinic:{DEPARTMENT}:{self._on:%Y%m%d}:{schedule_id}~s{number}"

    def _hospitals(self, doctor: str) -> str:
        """One of its sixteen half hours, another in each round."""
        half_hours = [(hour, minute) for hour in (8, 9, 10, 11, 14, 15, 16, 17) for minute in (0, 30)]
        hour, minute = half_hours[self._rounds % len(half_hours)]
        day = f"{self._on:%Y%m%d}"
        return f"clinic:D-IM:{day}:{doctor}-{day}-{hour:02d}{minute:02d}"


async def open_hospitals(stage: Stage) -> None:
    """The first hospital keeps its slots here, the second has a system of its own; people may book more often
    than people do."""
    app = await stage.build()
    services = app.services
    try:
        second = Institution(HIS_ID, "The second hospital")
        partner = App(HIS_APP_ID, second, True, frozenset(), {KEY_ID: HIS_PUBLIC_KEY})
        await services.partner_register.admit(partner, [], BY)
        own = Hospital(HIS_ID, second.name, "his", base_url=stage.sandbox_url, app_id=HIS_APP_ID)
        for hospital in (Hospital(POOLS_ID, "The first hospital", "pools"), own):
            await services.hospitals.put(hospital, BY)
        version, _ = await services.policies.describe(FairBookingPolicy.NAME)
        generous: dict[str, Any] = dict.fromkeys(
            ("account_attempts", "address_attempts", "device_attempts"), 10_000
        )
        generous |= {"family_open": 100, "person_day": {"clinic": 100}}
        await services.policies.put(FairBookingPolicy.NAME, generous, version, BY)
    finally:
        await app.stop()
