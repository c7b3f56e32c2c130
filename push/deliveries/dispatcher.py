"""Bringing messages through a channel: one lane for each, so that one that hangs keeps up nobody else.

A message has one channel at a time.  What that one cannot bring goes to the next in the kind's order; when
nobody knows whether it was brought, the channel is asked again, a bounded number of times, and then the next
one: better twice than never.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from push.deliveries.model import Delivery, Letter, NotSent, Outcome, Sent
from push.deliveries.store import DeliveryStore
from push.kinds import KINDS, ChannelName
from push.messages.model import Message
from push.preferences.model import Preferences
from push.preferences.service import PreferenceService
from push.templates import outside
from server.core.clock import Clock
from server.core.errors import EhcError, Unavailable
from server.core.mongo import Transaction

LEASE = timedelta(seconds=60)
BATCH = 64
BATCHES = 8
AT_ONCE = 16
MAX_ATTEMPTS = 5
BACKOFF = timedelta(seconds=5)
# So many without an answer, one after the other, and the lane rests: nobody is helped by asking on.
FAILURES = 5
REST = timedelta(seconds=10)

log = structlog.get_logger()
FindMessages = Callable[[Sequence[str]], Awaitable[dict[str, Message | BaseException]]]


class Channel(Protocol):
    @property
    def name(self) -> ChannelName: ...

    async def send(self, letter: Letter) -> Sent | NotSent:
        """What became of it; Unavailable when nobody knows."""
        ...


class Lane:
    """One channel's work.  Its rest is this process's own: every process finds out for itself."""

    def __init__(
        self,
        channel: Channel,
        store: DeliveryStore,
        find_messages: FindMessages,
        preferences: PreferenceService,
        clock: Clock,
    ) -> None:
        self._channel = channel
        self._store = store
        self._find_messages = find_messages
        self._preferences = preferences
        self._clock = clock
        self._places = asyncio.Semaphore(AT_ONCE)
        self._failures = 0
        self._rests_until: datetime | None = None

    @property
    def name(self) -> ChannelName:
        return self._channel.name

    async def deliver_due(self) -> int:
        """Brings what is due now; how many rows were looked at."""
        done = 0
        for _ in range(BATCHES):
            now = self._clock.now()
            if self._rests_until is not None and now < self._rests_until:
                break
            rows = await self._store.claim(self.name, now, LEASE, BATCH)
            if not rows:
                break
            messages = await self._find_messages([one.message_id for one in rows])
            chosen = await self._preferences.list_of_accounts(sorted({one.account_id for one in rows}))
            works = [self._bring(one, messages.get(one.message_id), chosen[one.account_id]) for one in rows]
            await asyncio.gather(*works)
            done += len(rows)
        return done

    async def _bring(
        self, one: Delivery, message: Message | BaseException | None, chosen: Preferences
    ) -> None:
        async with self._places:
            try:
                await self._try(one, message, chosen)
            except Unavailable as failure:
                await self._not_known(one, failure)
            except Exception as failure:  # whatever a poison row does, the others go on
                await self._poison(one, failure)

    async def _try(self, one: Delivery, message: Message | BaseException | None, chosen: Preferences) -> None:
        if isinstance(message, BaseException):  # it cannot be opened
            raise message
        now, kind = self._clock.now(), KINDS[one.kind]
        if chosen.where_of(kind.group) != "everywhere":
            await self._store.close(one, Outcome(self.name, "not_sent", now, "opted_out"))
            return
        if message is None or now >= one.until:
            await self._store.close(one, Outcome(self.name, "not_sent", now, "too_late"))
            return
        quiet_until = None if kind.is_urgent or chosen.quiet is None else chosen.quiet.end_of(now)
        if quiet_until is not None:
            await self._wait_out(one, quiet_until, now)
            return
        said = outside(one.kind, message.data)
        is_last_try = one.attempts >= MAX_ATTEMPTS
        letter = Letter(one.message_id, one.account_id, one.kind, said, is_last_try)
        result = await self._channel.send(letter)
        self._failures = 0
        now = self._clock.now()
        if isinstance(result, Sent):
            await self._store.close(one, Outcome(self.name, "sent", now, reference=result.reference))
        elif result.is_passing and not is_last_try:
            await self._store.postpone(one, now + backoff(one.attempts), result.why, counts=True)
        else:
            await self._next(one, Outcome(self.name, "not_sent", now, result.why))

    async def _wait_out(self, one: Delivery, quiet_until: datetime, now: datetime) -> None:
        if quiet_until < one.until:
            await self._store.postpone(one, quiet_until, "quiet_hours", counts=False)
        else:  # every other channel would wake them too
            await self._store.close(one, Outcome(self.name, "not_sent", now, "quiet_hours"))

    async def _not_known(self, one: Delivery, failure: Unavailable) -> None:
        now = self._clock.now()
        self._failures += 1
        if self._failures >= FAILURES:
            self._rests_until = now + REST
        log.warning("delivery.unknown", channel=self.name, attempts=one.attempts, reason=failure.code)
        if one.attempts >= MAX_ATTEMPTS:
            await self._next(one, Outcome(self.name, "unknown", now, "unknown"))
        else:
            await self._store.postpone(one, now + backoff(one.attempts), "unknown", counts=True)

    async def _next(self, one: Delivery, outcome: Outcome) -> None:
        following = one.following
        if following is None:
            await self._store.close(one, outcome)
        else:
            await self._store.hand_on(one, outcome, following, outcome.at)

    async def _poison(self, one: Delivery, failure: Exception) -> None:
        reason = failure.code if isinstance(failure, EhcError) else type(failure).__name__
        log.warning("delivery.failed", channel=self.name, attempts=one.attempts, reason=reason)
        now = self._clock.now()
        if one.attempts >= MAX_ATTEMPTS:
            await self._store.park(one, reason, now)
        else:
            await self._store.postpone(one, now + backoff(one.attempts), reason, counts=True)


def backoff(attempts: int) -> timedelta:
    """5 s, 10 s, 20 s, 40 s …"""
    return BACKOFF * int(2 ** max(0, attempts - 1))


class Deliveries:
    """What messages do with deliveries: let one leave."""

    def __init__(self, store: DeliveryStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def begin(self, messages: Sequence[Message], within: Transaction | None = None) -> None:
        """Those whose kind has a channel; safe to repeat."""
        leaving = [_leaving(message) for message in messages if KINDS[message.kind].channels]
        if leaving:
            await self._store.insert_each(leaving, self._clock.now(), within)

    async def backlog(self) -> tuple[int, int]:
        """How many wait, and how many are parked."""
        return await self._store.backlog()


def _leaving(message: Message) -> Delivery:
    kind = KINDS[message.kind]
    until = message.created_at + kind.useful_for
    return Delivery(message.message_id, message.account_id, message.kind, kind.channels[0], until)
