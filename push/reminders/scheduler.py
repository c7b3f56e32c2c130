"""Sending what is due, by any number of workers, any of which may die at any moment (N1, I8).

A worker claims a batch for a lease, asks whether each is still wanted and by whom, and writes the messages
and the rows' end in one transaction that asks for its claim.  So a reminder is in the inbox exactly when its
row says "sent": a worker killed before the commit has sent nothing, one that was paused beyond its lease or
whose visit was cancelled meanwhile has lost its claim, and its messages are undone with it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from push.messages.model import Message
from push.messages.telling import Teller, Told
from push.reminders.model import Reminder
from push.reminders.store import ReminderStore
from server.cards.model import Card
from server.core.clock import Clock
from server.core.errors import EhcError
from server.core.masking import mask_name
from server.core.mongo import Duplicate, Transaction

LEASE = timedelta(seconds=60)
BATCH = 200
BATCHES = 20
MAX_ATTEMPTS = 6
BACKOFF = timedelta(seconds=10)

log = structlog.get_logger()
FindCard = Callable[[str], Awaitable[Card | None]]
StillWanted = Callable[[Reminder], Awaitable[Mapping[str, Any] | None]]
"""What to say besides the reminder's own data; None when it is not wanted any more."""


class InTransaction(Protocol):
    """`Mongo.in_transaction`."""

    async def __call__(self, work: Callable[[Transaction], Awaitable[None]]) -> None: ...


class ClaimOver(Exception):
    """Somebody else has a row now, or ended it: nothing of the batch is written."""


@dataclass(frozen=True)
class Settled:
    """What is to be written of a batch: `stale` are subjects whose reminders came too late, and who hears
    of it."""

    sent: tuple[str, ...]
    unwanted: tuple[str, ...]
    messages: tuple[Message, ...]
    stale: Mapping[str, Sequence[str]]


class ReminderScheduler:
    def __init__(
        self,
        store: ReminderStore,
        teller: Teller,
        find_card: FindCard,
        still_wanted: Mapping[str, StillWanted],
        in_transaction: InTransaction,
        clock: Clock,
        *,
        batch: int = BATCH,
    ) -> None:
        self._store = store
        self._teller = teller
        self._find_card = find_card
        self._still_wanted = still_wanted
        self._in_transaction = in_transaction
        self._clock = clock
        self._batch = batch

    async def send_due(self) -> int:
        """Sends what is due now; how many rows were settled.  One query when nothing is."""
        done = 0
        for _ in range(BATCHES):
            rows = await self._store.claim(self._clock.now(), LEASE, self._batch)
            if not rows:
                break
            await self._settle(rows)
            done += len(rows)
        return done

    async def backlog(self) -> tuple[int, int]:
        """How many are due and not sent, and how many are parked."""
        return await self._store.backlog(self._clock.now())

    async def _settle(self, rows: Sequence[Reminder]) -> None:
        """The batch at once; and when that cannot be, each row alone, so that one spoils no other's."""
        try:
            await self._write(rows)
        except Exception as failure:  # whatever one row does, the others go on
            if len(rows) > 1:
                for one in rows:
                    await self._settle([one])
            elif not isinstance(failure, ClaimOver):
                await self._postpone(rows[0], failure)

    async def _write(self, rows: Sequence[Reminder]) -> None:
        settled, claim = await self._settled(rows), rows[0].claim
        now = self._clock.now()

        async def work(within: Transaction) -> None:
            for ids, state in ((settled.sent, "sent"), (settled.unwanted, "unwanted")):
                if ids and not await self._store.finish(ids, claim, state, now, within):
                    raise ClaimOver
            missed = []
            for subject, account_ids in settled.stale.items():
                count = await self._store.drop_stale(subject, now, within)
                if count:
                    once = f"missed|{subject}|{now.isoformat()}"
                    missed.append(Told("reminder_missed", once, account_ids, {"count": str(count)}, now))
            messages = [*settled.messages, *(await self._teller.written(missed) if missed else [])]
            await self._teller.tell_within(messages, within)

        await self._in_transaction(work)

    async def _settled(self, rows: Sequence[Reminder]) -> Settled:
        now = self._clock.now()
        stale = [one for one in rows if now >= one.stale_at]
        timely = [one for one in rows if now < one.stale_at]
        told = await asyncio.gather(*(self._told(one, now) for one in timely))
        late = await asyncio.gather(*(self._find_card(one.card_id) for one in stale))
        messages = await self._teller.written([one for one in told if one is not None])
        return Settled(
            tuple(one.reminder_id for one, what in zip(timely, told, strict=True) if what is not None),
            tuple(one.reminder_id for one, what in zip(timely, told, strict=True) if what is None),
            tuple(messages),
            {one.subject: _accounts(card) for one, card in zip(stale, late, strict=True)},
        )

    async def _told(self, one: Reminder, now: datetime) -> Told | None:
        """What is told; None when it is not wanted any more."""
        more, card = await asyncio.gather(self._still_wanted[one.kind](one), self._find_card(one.card_id))
        if more is None or card is None or not card.is_issued:
            return None
        who = mask_name(card.holder.name)
        data = {**one.data, **more, "who": who, "card_id": one.card_id, "reminder_id": one.reminder_id}
        return Told(one.kind, one.reminder_id, _accounts(card), data, now)

    async def _postpone(self, one: Reminder, failure: Exception) -> None:
        now = self._clock.now()
        reason = failure.code if isinstance(failure, EhcError) else type(failure).__name__
        log.warning("reminder.failed", kind=one.kind, attempts=one.attempts, reason=reason)
        if one.attempts < MAX_ATTEMPTS and not isinstance(failure, Duplicate):
            await self._store.postpone(one, now + BACKOFF * one.attempts)
        else:
            await self._store.park(one, reason, now)


def _accounts(card: Card | None) -> list[str]:
    return [] if card is None else [tie.account_id for tie in card.ties]
