"""Mixed load: residents who sign in, claim and show codes, and a hospital that reads them."""

import asyncio
import uuid
from concurrent.futures import Future
from itertools import count
from typing import Any

from tests.faults.clients import Clients, Resident, in_parallel
from tests.faults.people import Person

CLIENTS = 12


class MixedLoad:
    """`total` operations by twelve clients at once.  `people` are used up one after another."""

    def __init__(
        self, clients: Clients, people: list[Person], total: int, *, scans_only: bool = False
    ) -> None:
        self._clients = clients
        self._rng = clients.rng
        self._waiting = list(people)
        self._holders: list[Resident] = []
        self._shown: list[str] = []
        self._total = total
        self._scans_only = scans_only
        self._number = count(1)
        self._is_stopped = False
        self.done = 0

    def open_cards(self, number: int) -> None:
        """`number` residents who hold a card, before anything fails."""
        self._clients.run(in_parallel([self._new_holder] * number, CLIENTS))

    def start(self) -> "Future[Any]":
        return self._clients.spawn(self._all())  # type: ignore[return-value]

    def stop(self) -> None:
        self._is_stopped = True

    async def _all(self) -> None:
        await asyncio.gather(*(self._client() for _ in range(CLIENTS)))

    async def _client(self) -> None:
        while not self._is_stopped and next(self._number) <= self._total:
            await self._one()
            self.done += 1

    async def _one(self) -> None:
        chance = self._rng.random()
        if not self._scans_only and self._waiting and (chance < 0.15 or not self._holders):
            await self._new_holder()
            return
        resident = self._rng.choice(self._holders)
        if chance < 0.25 and self._shown:
            await self._clients.verify(self._rng.choice(self._shown), resident=resident.card_id)
        elif chance < 0.55:
            await self._dynamic(resident)
        else:
            await self._static(resident)

    async def _new_holder(self) -> None:
        person = self._waiting.pop()
        resident = await self._clients.sign_in(person)
        if resident is None:
            return
        if self._rng.random() < 0.2:  # a wrong name first: refused, and the document stays free
            await self._clients.claim(resident, name=person.name[:-1] + "误")
        same_key = uuid.uuid4().hex
        await asyncio.gather(  # a thumb that taps twice, and a client that asks twice
            self._clients.claim(resident, key=same_key), self._clients.claim(resident)
        )
        if resident.card_id:
            self._holders.append(resident)

    async def _dynamic(self, resident: Resident) -> None:
        code = await self._clients.show_code(resident)
        if code is None:
            return
        self._shown.append(code)
        scans = [self._clients.verify(code)]
        if self._rng.random() < 0.3:  # two terminals read one code in the same moment
            scans.append(self._clients.verify(code))
        await asyncio.gather(*scans)

    async def _static(self, resident: Resident) -> None:
        code = await self._clients.show_code(resident, "static")
        if code is not None:
            await self._clients.verify(code)
