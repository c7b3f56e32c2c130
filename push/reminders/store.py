"""How reminders are kept: `reminders`, one row for each; what waits has `due_at` (core/due.py)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from push.reminders.model import Reminder
from server.core.due import claim_due, claimed
from server.core.mongo import Collection, Document, Transaction, index
from server.core.outbox import Event

# What was sent is in the inbox; the row is kept a while to answer questions.
KEPT_S = 30 * 86_400
ENDED = {"due_at": "", "claim": ""}


class ReminderStore:
    # Shard key: the id, which begins with the subject, so that the reminders of a subject lie together.
    INDEXES = [
        index("due_at", where={"due_at": {"$exists": True}}),
        index("subject", "made_by"),
        index("parked_at", where={"parked_at": {"$exists": True}}),
        index("stale_at", expire_after_s=KEPT_S),
    ]

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    # -- planning
    async def insert_each(self, reminders: Sequence[Reminder]) -> None:
        """Those that are there already stay as they are, ended ones too."""
        await self._collection.insert_each([_row(one) for one in reminders])

    async def end_before(self, subject: str, event: Event) -> int:
        """Cancels what earlier events planned for the subject.  When this returns, none of it will be sent:
        a worker that holds some of it has lost its claim."""
        return await self._collection.update_all(
            {"subject": subject, "made_by": {"$lt": event.event_id}, "due_at": {"$exists": True}},
            {"$set": {"state": "cancelled", "ended_at": event.happened_at}, "$unset": ENDED},
        )

    # -- sending
    async def claim(self, now: datetime, lease: timedelta, limit: int) -> list[Reminder]:
        """Due reminders, one claim over all of them."""
        return [_reminder(row) for row in await claim_due(self._collection, {}, now, lease, limit)]

    async def finish(
        self, ids: Sequence[str], claim: str, state: str, now: datetime, within: Transaction
    ) -> bool:
        """Ends them, in one transaction with what is told; False when the claim of one is over."""
        ended = await within.of(self._collection).update_all(
            {"_id": {"$in": list(ids)}, "claim": claim},
            {"$set": {"state": state, "ended_at": now}, "$unset": ENDED},
        )
        return ended == len(ids)

    async def drop_stale(self, subject: str, now: datetime, within: Transaction) -> int:
        """Ends all of the subject's that came too late, whoever has claimed them; how many."""
        return await within.of(self._collection).update_all(
            {"subject": subject, "due_at": {"$exists": True}, "stale_at": {"$lte": now}},
            {"$set": {"state": "dropped", "ended_at": now}, "$unset": ENDED},
        )

    async def postpone(self, one: Reminder, until: datetime) -> None:
        await self._collection.update(
            claimed(one.reminder_id, one.claim), {"$set": {"due_at": until}, "$unset": {"claim": ""}}
        )

    async def park(self, one: Reminder, reason: str, now: datetime) -> None:
        """Poison: a person has to look at it."""
        await self._collection.update(
            claimed(one.reminder_id, one.claim),
            {"$set": {"state": "parked", "parked_because": reason, "parked_at": now}, "$unset": ENDED},
        )

    async def backlog(self, now: datetime) -> tuple[int, int]:
        """How many are due and not sent, and how many are parked."""
        due = await self._collection.count({"due_at": {"$gt": _NEVER, "$lte": now}})
        return due, await self._collection.count({"parked_at": {"$exists": True}})


_NEVER = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _row(one: Reminder) -> Document:
    return {
        "_id": one.reminder_id,
        "subject": one.subject,
        "made_by": one.made_by,
        "kind": one.kind,
        "card_id": one.card_id,
        "due_at": one.due_at,
        # The lease moves `due_at`; when it was meant to be stays here.
        "planned_at": one.due_at,
        "stale_at": one.stale_at,
        "data": dict(one.data),
        "state": "waiting",
        "attempts": 0,
    }


def _reminder(row: Document) -> Reminder:
    return Reminder(
        row["_id"],
        row["subject"],
        row["made_by"],
        row["kind"],
        row["card_id"],
        row["planned_at"],
        row["stale_at"],
        row["data"],
        row["attempts"],
        row["claim"],
    )
