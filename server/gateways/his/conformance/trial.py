"""What a case works with: the platform's own client, a caller that signs wrongly at will, made-up people."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from stdnum.cn import ric

from server.core.clock import Clock, to_ms, today
from server.core.crypto.sm2 import Sm2PrivateKey, Sm2Provider
from server.core.http import OutboundHttp, RawAnswer
from server.core.ids import new_id
from server.core.proving import PublicKeys, is_reply_to
from server.core.signed_calls import SignedCalls
from server.core.signing import SignedRequest, encoded, reply_to_sign
from server.gateways.his.http import TIMEOUT_S, HttpHospital, HttpHospitals
from server.gateways.his.interface import HospitalRefused, HospitalUnavailable
from server.gateways.his.model import HisAddress, Lock, LockAnswer, Patient, RefusalCode, Schedule, Slot

DAYS = 14
MAX_DEPARTMENTS = 50
MAX_CAPACITY = 20
NAME = "\u6d4b\u8bd5"  # 测试: two characters of three bytes, as names are
Wait = Callable[[float], Awaitable[None]]
T = TypeVar("T")


class Failed(Exception):
    """The adapter does not do what the contract says; the text is for its programmer."""


class Skipped(Exception):
    """The hospital's data do not allow to look; the text says what is missing."""


def require(fits: bool, otherwise: str) -> None:
    if not fits:
        raise Failed(otherwise)


@dataclass(frozen=True)
class Access:
    """How the adapter is reached: the platform's side is played with `key`."""

    base_url: str
    hospital_key: bytes
    centre_id: str
    key_id: str
    key: Sm2PrivateKey


class Trial:
    """Fresh for each case, circuits too: what one case breaks is not the next one's."""

    def __init__(
        self,
        access: Access,
        http: OutboundHttp,
        sm2: Sm2Provider,
        clock: Clock,
        threads: ThreadPoolExecutor,
        wait: Wait,
    ) -> None:
        self.access = access
        self.clock = clock
        self.wait = wait
        self._http = http
        self._keys = PublicKeys(sm2, threads)
        named = (access.key_id, access.key)
        calls = SignedCalls(http, lambda: named, self._keys, clock, threads, own_id=access.centre_id)
        address = HisAddress("conformance", access.base_url, (access.hospital_key,))
        self.client: HttpHospital = HttpHospitals(calls, clock).at(address)
        self.stranger = sm2.private_key(sm2.generate_key_pair().private)
        self._locked: list[str] = []

    # -- people and slots
    def patient(self) -> Patient:
        """Somebody new who does not exist: region 990101, a woman born 1960 to 1999."""
        born = date(1960, 1, 1) + timedelta(days=secrets.randbelow(14_600))
        first_17 = f"990101{born:%Y%m%d}{secrets.randbelow(450) * 2 + 100:03d}"
        id_no = first_17 + ric.calc_check_digit(first_17)
        return Patient(NAME, "01", id_no, "19900000000", "female", born)

    async def schedules(self, from_day: int = 1) -> AsyncIterator[list[Schedule]]:
        """What can be booked from so many days ahead through the fourteenth day, department by department."""
        first = today(self.clock)
        span = (first + timedelta(days=from_day), first + timedelta(days=DAYS - 1))
        for department in (await self.client.departments())[:MAX_DEPARTMENTS]:
            for kind in department.kinds:
                found = await self.client.schedules(kind, department.department_id, *span)
                yield [one for one in found if not one.is_cancelled and not self._is_to_come(one)]

    def _is_to_come(self, schedule: Schedule) -> bool:
        return schedule.released_at is not None and schedule.released_at > self.clock.now()

    async def schedule(self, slots: int = 1, free: int = 1) -> tuple[Schedule, list[Slot]]:
        """One with so many slots in each of which so many places are free, those with least room first."""
        async for schedules in self.schedules():
            for schedule in schedules:
                fitting = [slot for slot in schedule.slots if slot.free >= free]
                if len(fitting) >= slots:
                    return schedule, sorted(fitting, key=lambda slot: slot.free)
        raise Skipped(f"no schedule from tomorrow on with {slots} slots of {free} free places")

    async def slot(self, free: int = 1) -> Slot:
        return (await self.schedule(free=free))[1][0]

    async def free(self, schedule: Schedule, slot: Slot) -> int:
        """As the hospital says it now."""
        found = await self.client.schedules(schedule.kind, schedule.department_id, schedule.on, schedule.on)
        for one in found:
            for other in one.slots:
                if other.slot_id == slot.slot_id:
                    return other.free
        raise Failed("a slot that was shown before is not shown any more")

    # -- locks
    def asking(self, slot: Slot, patient: Patient | None = None, seconds: float = 900) -> Lock:
        now = self.clock.now()
        lock = Lock(new_id(now), slot.slot_id, patient or self.patient(), now + timedelta(seconds=seconds))
        self._locked.append(lock.lock_id)
        return lock

    async def locked(self, slot: Slot) -> Lock:
        lock = self.asking(slot)
        await self.client.lock(lock)
        return lock

    async def confirmed(self, slot: Slot) -> LockAnswer:
        return await self.client.confirm((await self.locked(slot)).lock_id)

    async def tidy(self) -> None:
        """Gives back whatever the case has taken."""
        for lock_id in self._locked:
            with suppress(HospitalRefused, HospitalUnavailable):
                await self.client.release(lock_id)

    # -- what must come of a call
    async def require_refused(self, work: Awaitable[Any], *codes: RefusalCode) -> None:
        wanted = " or ".join(codes)
        try:
            await work
        except HospitalRefused as refused:
            require(refused.code in codes, f"refused with {refused.code} instead of {wanted}")
        else:
            raise Failed(f"not refused; {wanted} is expected")

    async def together(self, works: Iterable[Awaitable[T]]) -> list[T | RefusalCode]:
        """All at once: the answer of each, or the code of its refusal."""

        async def one(work: Awaitable[T]) -> T | RefusalCode:
            try:
                return await work
            except HospitalRefused as refused:
                return refused.code

        return list(await asyncio.gather(*(one(work) for work in works)))

    # -- calls that are signed as the case wants
    async def send(
        self,
        method: Literal["GET", "POST"],
        target: str,
        body: Any = None,
        *,
        sent_target: str | None = None,
        sent_body: Any = None,
        key: Sm2PrivateKey | None = None,
        app_id: str | None = None,
        at: datetime | None = None,
        nonce: str | None = None,
        signature: str | None = None,
    ) -> tuple[RawAnswer, str]:
        """What came back, unproven, and the nonce it must carry.  `sent_*` replace what was signed."""
        raw = _bytes(body)
        nonce = nonce or secrets.token_hex(16)
        url = self.access.base_url.rstrip("/") + "/his/v1" + target
        parts = urlsplit(url)
        request = SignedRequest(
            method=method,
            path=parts.path,
            query=parts.query,
            body=raw,
            app_id=app_id or self.access.centre_id,
            key_id=self.access.key_id,
            timestamp=str(to_ms(at or self.clock.now())),
            nonce=nonce,
            sign_type="SM2",
            signature="",
        )
        signed = encoded((key or self.access.key).sign(request.string_to_sign()))
        headers = {
            "X-App-Id": request.app_id,
            "X-Key-Id": request.key_id,
            "X-Timestamp": request.timestamp,
            "X-Nonce": nonce,
            "X-Sign-Type": "SM2",
            "X-Signature": signature or signed,
        }
        sent = raw if sent_body is None else _bytes(sent_body)
        if sent_target is not None:
            url = self.access.base_url.rstrip("/") + "/his/v1" + sent_target
        content = sent if method == "POST" else None
        return await self._http.exchange("conformance", method, url, content, headers, TIMEOUT_S), nonce

    async def is_proven(self, answer: RawAnswer, nonce: str) -> bool:
        if not is_reply_to(answer.headers, nonce, self.clock):
            return False
        text = reply_to_sign(answer.status, answer.body, answer.headers["X-Timestamp"], nonce)
        return await self._keys.is_signed(
            self.access.hospital_key, text, answer.headers.get("X-Signature", "")
        )


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    return body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
