"""Asking a hospital with a queue of its own how far somebody is, while they look (M4).

A hospital tells by events; what it forgets to tell, or what is lost on the way, is asked: at most once in a
while for each token in each process, and not for long.  A hospital that is silent is said to be so, and what
it said last is shown with its time.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from server.core.clock import Clock
from server.core.errors import Unavailable
from server.gateways.his.model import QueueTicket
from server.visits.model import Visit
from server.visits.queues.hospital import HospitalQueues
from server.visits.queues.model import Token

FRESH = timedelta(seconds=15)
LONGEST_WAIT_S = 2
MAX_REMEMBERED = 10_000


class AskedHospitals(Protocol):
    """What is asked of an institution's own system."""

    async def has_own_queue(self, institution_id: str) -> bool: ...

    async def queue(self, institution_id: str, queue_id: str, token_no: str) -> QueueTicket | None:
        """How far a token is; None when the hospital does not know it."""
        ...


@dataclass(frozen=True)
class Heard:
    """`as_of`: when the hospital last said how far it is; None when it never said so here."""

    asked_at: datetime
    as_of: datetime | None
    is_silent: bool


class QueueAsking:
    def __init__(self, queues: HospitalQueues, hospitals: AskedHospitals, clock: Clock) -> None:
        self._queues = queues
        self._hospitals = hospitals
        self._clock = clock
        self._heard: OrderedDict[str, Heard] = OrderedDict()

    async def look(self, visit: Visit, token: Token) -> tuple[Token, Heard]:
        """The token as the hospital has it now, or as it had it last."""
        now, known, told = self._clock.now(), self._heard.get(token.token_id), token.told
        if told is not None and (known is None or told.at > known.asked_at):
            known = Heard(told.at, told.at, is_silent=False)  # it spoke by itself since
        if known is not None and now - known.asked_at < FRESH:
            return token, known
        known = known or Heard(now, None, is_silent=False)
        if not token.is_live or not await self._hospitals.has_own_queue(token.institution_id):
            return token, known
        self._keep(token, Heard(now, known.as_of, known.is_silent))  # whoever looks meanwhile asks nobody
        try:
            async with asyncio.timeout(LONGEST_WAIT_S):
                ticket = await self._hospitals.queue(token.institution_id, token.queue_id, token.number)
        except (Unavailable, TimeoutError):
            return token, self._keep(token, Heard(now, known.as_of, is_silent=True))
        if ticket is not None:
            token = await self._queues.hear(visit, token, ticket)
        return token, self._keep(token, Heard(now, known.as_of if ticket is None else now, is_silent=False))

    def _keep(self, token: Token, heard: Heard) -> Heard:
        self._heard[token.token_id] = heard
        self._heard.move_to_end(token.token_id)
        if len(self._heard) > MAX_REMEMBERED:
            self._heard.popitem(last=False)
        return heard
