"""Sending uses to the centre above us.

Each row is marked as waiting by the write that stores it, and the mark changes when the upper centre has said
that it keeps it: so nothing can be passed over, however late a row came to be stored.  One process sends at a
time; its turn is a lease with a fence, and the upper centre takes nothing with an older fence than it has
seen.  A batch whose answer is lost goes again: there an id is counted once, and here as well.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from server.core.audit import Actor, Audit
from server.core.clock import Clock, iso
from server.core.mongo import Document, Transact, Transaction
from server.core.observability import Metrics
from server.core.policies import Policies
from server.core.secrets import Sealer
from server.gateways.upper_centre import Fenced, NotTaken, UploadedUse, UpperCentre
from server.usage.model import UsageReporting
from server.usage.upload.model import UploadProgress
from server.usage.upload.store import UPPER, UploadStore

BATCH = 500
BATCHES_A_TURN = 20
LEASE = timedelta(seconds=60)  # longer than a call may take
MAX_REASON = 200
LONGEST_PAUSE = timedelta(minutes=10)
BY = Actor("system", "usage_upload")

log = structlog.get_logger()


class UsageUpload:
    """`upper` None: this centre has none above it, and nothing is marked or sent."""

    def __init__(
        self,
        store: UploadStore,
        upper: UpperCentre | None,
        policies: Policies,
        sealer: Sealer,
        audit: Audit,
        metrics: Metrics,
        clock: Clock,
        in_transaction: Transact,
    ) -> None:
        self._store = store
        self._upper = upper
        self._policies = policies
        self._sealer = sealer
        self._audit = audit
        self._metrics = metrics
        self._clock = clock
        self._in_transaction = in_transaction

    def report_set_up(self) -> None:
        """Tells the log, when a process starts, that uses go nowhere."""
        if self._upper is None:
            log.info("usage_upload.not_set_up", reason="UPPER_URL is not set: uses are kept and not sent on")

    async def send_due(self) -> int:
        """Sends what waits, oldest first; how many uses were taken.  NotTaken when the upper centre is down,
        slow, or said something else: the next turn comes later and later, ten minutes apart at most."""
        if self._upper is None:
            return 0
        now = self._clock.now()
        fence = await self._store.claim(now, now + LEASE)
        if fence is None:
            return 0
        taken = 0
        try:
            for _ in range(BATCHES_A_TURN):
                rows = await self._store.list_due(BATCH)
                if not rows:
                    break
                settled = await self._send(self._upper, fence, rows)
                if settled is None:
                    return taken
                taken += settled
        except Fenced:
            log.info("usage_upload.fenced", fence=fence)
            return taken
        except NotTaken as problem:
            failures = await self._store.fail(fence, str(problem)[:MAX_REASON], self._clock.now())
            pause = min(timedelta(seconds=5 * 2 ** min(failures, 10)), LONGEST_PAUSE)
            await self._store.release(fence, self._clock.now() + pause)
            raise
        await self._store.release(fence, self._clock.now())
        return taken

    async def _send(self, upper: UpperCentre, fence: int, rows: list[Document]) -> int | None:
        """How many were taken; None when the turn was another's before that was written down."""
        rules, now = await self._policies.get(UsageReporting), self._clock.now()
        uses = [self._use(row, rules, now) for row in rows]
        await self._audit.record(
            "usage.upload", BY, "upper_centre", UPPER, fence=fence, rows=len(uses), first=uses[0].use_id
        )
        refused: Mapping[str, str] = await upper.take(fence, uses)
        if refused:
            log.warning("usage_upload.refused", count=len(refused), reasons=sorted(set(refused.values()))[:5])
        now = self._clock.now()

        async def settle(within: Transaction) -> bool:
            return await self._store.settle(fence, rows, refused, now + LEASE, now, within)

        return len(rows) - len(refused) if await self._in_transaction(settle) else None

    def _use(self, row: Document, rules: UsageReporting, now: datetime) -> UploadedUse:
        told_at = _told_at(row)
        return UploadedUse(
            use_id=row["_id"],
            used_at=iso(row["at"]),
            told_at=iso(told_at),
            is_late=row.get("is_late", False) or now - row["at"] > rules.late_after,
            is_direct=row["is_direct"],
            is_dynamic=row["is_dynamic"],
            step=row["scene"],
            channel=row["channel"],
            cost_type=row.get("cost_type"),
            department=row["department"],
            institution_id=row["institution_id"],
            app_id=row["app_id"],
            terminal_id=row["terminal_id"],
            person=self._named("person", row["person_id"], rules),
            card=self._named("card", row["card_id"], rules),
            issuer=row.get("issuer"),
            issuer_use_id=row.get("issuer_verification_id"),
        )

    def _named(self, kind: str, id: str | None, rules: UsageReporting) -> str | None:
        if id is None or rules.names_persons:
            return id
        return self._sealer.pseudonym(UPPER, kind, id)

    async def send_again(self, since: datetime) -> int:
        """Lets every use stored since then wait again: for what was stored before there was an upper centre,
        and for one that lost what it had.  How many there are."""
        await self._audit.record("usage.send_again", BY, "upper_centre", UPPER, since=iso(since))
        return await self._store.mark_since(since)

    async def progress(self) -> UploadProgress:
        """How far the upload is, for people."""
        row = await self._store.progress()
        waiting, refused = await self._store.backlog()
        oldest = await self._store.list_due(1)
        failures = row.get("failures", 0)
        return UploadProgress(
            is_set_up=self._upper is not None,
            sent=row.get("sent", 0),
            waiting=waiting,
            refused=refused,
            waiting_since=_told_at(oldest[0]) if oldest else None,
            sent_at=row.get("sent_at"),
            failures=failures,
            failed_at=row.get("failed_at"),
            failed_because=row.get("failed_because"),
            next_try_at=row["lease_until"] if failures else None,
        )

    async def measure(self) -> None:
        """How much waits, and since when."""
        waiting, refused = await self._store.backlog()
        oldest = await self._store.list_due(1)
        self._metrics.uses_unsent.set(waiting)
        self._metrics.uses_refused.set(refused)
        lag = self._clock.now() - _told_at(oldest[0]) if oldest else timedelta(0)
        self._metrics.upload_lag_seconds.set(lag.total_seconds())


def _told_at(row: Document) -> datetime:
    """When we heard of a use: of a scan at once."""
    at: datetime = row["told_at"] if "told_at" in row else row["at"]
    return at
