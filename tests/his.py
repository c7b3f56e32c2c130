"""The sandbox hospital over real sockets, and the platform's own client of it, both on one held clock."""

import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tornado.httpclient import AsyncHTTPClient

from sandbox.app import make_app
from server.core.clock import HeldClock, today
from server.core.crypto.provider import choose_provider
from server.core.http import OutboundHttp
from server.core.ids import new_id
from server.core.proving import PublicKeys
from server.core.signed_calls import SignedCalls
from server.gateways.his.http import HttpHospital, HttpHospitals
from server.gateways.his.model import HisAddress, Kind, Lock, Patient, Schedule, Slot
from tests.harness import listening

CENTRE = "0000A0001"
PROVIDER = choose_provider()
PLATFORM, HOSPITAL = PROVIDER.generate_key_pair(), PROVIDER.generate_key_pair()
# A Monday, seven in the morning in the city: an hour before the first slot.
START = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
PATIENTS = [
    Patient(f"试用者{number}", "01", f"99010119900101{number:03d}X", "19900000000", "female")
    for number in range(50)
]


def his_section(api: str = "http://127.0.0.1:1", **changes: Any) -> dict[str, Any]:
    """The sandbox's `his` setting that belongs to this platform."""
    return {
        "api": api,
        "app_id": "h001-his",
        "key_id": "k1",
        "private_key_hex": HOSPITAL.private.hex(),
        "platform_public_key_hex": PLATFORM.public.hex(),
        "centre_id": CENTRE,
        "institution_name": "云溪市第一人民医院",
        **changes,
    }


@dataclass
class His:
    """A running hospital, and the platform's client of it."""

    url: str
    clock: HeldClock
    hospitals: HttpHospitals
    address: HisAddress

    @property
    def client(self) -> HttpHospital:
        return self.hospitals.at(self.address)

    def elsewhere(self, institution_id: str, base_url: str) -> HttpHospital:
        """Another hospital, of the same keys."""
        return self.hospitals.at(replace(self.address, institution_id=institution_id, base_url=base_url))

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = await AsyncHTTPClient().fetch(
            self.url + path,
            method=method,
            body=None if body is None else json.dumps(body),
            allow_nonstandard_methods=True,
            raise_error=False,
        )
        return json.loads(answer.body)

    async def fault(self, **fault: Any) -> None:
        shown = await self.control("PUT", "/control/his", fault)
        assert "error" not in shown, shown

    async def clear(self) -> None:
        await self.control("DELETE", "/control/his")

    async def move_clock(self, seconds: float) -> None:
        """The hospital's own; the signatures' stays."""
        await self.control("POST", "/control/his/clock", {"advance_s": seconds})

    @property
    def today(self) -> date:
        return today(self.clock)

    async def schedule(self, department_id: str = "D-IM", days: int = 1) -> Schedule:
        """One so many days ahead, with its slots."""
        on = self.today + timedelta(days=days)
        departments = {one.department_id: one for one in await self.client.departments()}
        (kind,) = departments[department_id].kinds
        return await self.schedule_of(department_id, on, kind)

    async def schedule_of(self, department_id: str, on: date, kind: Kind = "clinic") -> Schedule:
        return (await self.client.schedules(kind, department_id, on, on))[-1]

    async def slot(self, department_id: str = "D-IM", days: int = 1) -> Slot:
        return (await self.schedule(department_id, days)).slots[0]

    def asking(self, slot: Slot, patient: int = 0, minutes: float = 15) -> Lock:
        """A lock of our own, not yet sent."""
        now = self.clock.now()
        return Lock(new_id(now), slot.slot_id, PATIENTS[patient], now + timedelta(minutes=minutes))

    async def registered(self, slot: Slot, patient: int = 0) -> str:
        """Books the slot for good; the registration number."""
        lock = self.asking(slot, patient)
        await self.client.lock(lock)
        found = (await self.client.confirm(lock.lock_id)).registration_no
        assert found is not None
        return found


@asynccontextmanager
async def running_his(**changes: Any) -> AsyncIterator[His]:
    clock = HeldClock(START)
    app = make_app({"his": his_section(**changes)}, now=lambda: clock.now().timestamp())
    http = OutboundHttp(public_only=False)
    with ThreadPoolExecutor(2) as threads:
        key = PROVIDER.private_key(PLATFORM.private)
        calls = SignedCalls(
            http, lambda: ("k1", key), PublicKeys(PROVIDER, threads), clock, threads, own_id=CENTRE
        )
        async with listening(app) as url:
            yield His(url, clock, HttpHospitals(calls, clock), HisAddress("H001", url, (HOSPITAL.public,)))
        http.close()
