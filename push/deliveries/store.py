"""How deliveries are kept: `deliveries`, one row for each message that may leave the house."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from push.deliveries.model import Delivery, Outcome, as_plain
from push.kinds import CHANNELS, ChannelName
from server.core.due import claim_due, claimed
from server.core.mongo import Collection, Document, Transaction, index

# Long enough to answer "why did I not hear of it"; the message itself is in the inbox for two years.
KEPT_S = 90 * 86_400


class DeliveryStore:
    # Shard key: the id, which is the message's.  Each channel finds its own due rows by the second index.
    INDEXES = [
        index("account_id", ("_id", -1)),
        index("channel", "due_at", where={"due_at": {"$exists": True}}),
        index("parked_at", where={"parked_at": {"$exists": True}}),
        index("until", expire_after_s=KEPT_S),
    ]

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def insert_each(
        self, deliveries: Sequence[Delivery], now: datetime, within: Transaction | None = None
    ) -> None:
        """Those that are there already stay as they are."""
        kept = self._collection if within is None else within.of(self._collection)
        await kept.insert_each(
            [
                {
                    "_id": one.message_id,
                    "account_id": one.account_id,
                    "kind": one.kind,
                    "channel": one.channel,
                    "until": one.until,
                    "attempts": 0,
                    "due_at": now,
                    "outcomes": [],
                }
                for one in deliveries
            ]
        )

    async def claim(
        self, channel: ChannelName, now: datetime, lease: timedelta, limit: int
    ) -> list[Delivery]:
        rows = await claim_due(self._collection, {"channel": channel}, now, lease, limit)
        return [_delivery(row) for row in rows]

    async def close(self, one: Delivery, outcome: Outcome) -> bool:
        """Nothing more is tried.  False when the claim is over."""
        return await self._end(one, {"$push": {"outcomes": as_plain(outcome)}})

    async def hand_on(self, one: Delivery, outcome: Outcome, to: ChannelName, now: datetime) -> bool:
        """This channel did not bring it: the next one tries, at once."""
        return await self._collection.update(
            claimed(one.message_id, one.claim),
            {
                "$push": {"outcomes": as_plain(outcome)},
                "$set": {"channel": to, "due_at": now, "attempts": 0},
                "$unset": {"claim": "", "waits_for": ""},
            },
        )

    async def postpone(self, one: Delivery, until: datetime, why: str, *, counts: bool) -> bool:
        """Another try at that time; `counts` as a try."""
        attempts = one.attempts if counts else one.attempts - 1
        return await self._collection.update(
            claimed(one.message_id, one.claim),
            {
                "$set": {"due_at": until, "attempts": attempts, "waits_for": why},
                "$unset": {"claim": ""},
            },
        )

    async def park(self, one: Delivery, reason: str, now: datetime) -> bool:
        """Poison: a person has to look at it."""
        return await self._end(one, {"$set": {"parked_because": reason, "parked_at": now}})

    async def _end(self, one: Delivery, change: Document) -> bool:
        done = {"$unset": {"due_at": "", "claim": "", "waits_for": ""}}
        return await self._collection.update(claimed(one.message_id, one.claim), {**change, **done})

    async def backlog(self) -> tuple[int, int]:
        """How many wait, and how many are parked."""
        waiting = await self._collection.count(
            {"channel": {"$in": list(CHANNELS)}, "due_at": {"$exists": True}}
        )
        return waiting, await self._collection.count({"parked_at": {"$exists": True}})

    async def find_outcomes(self, message_ids: Sequence[str]) -> dict[str, list[Document]]:
        """What became of these messages, by their ids."""
        rows = await self._collection.find(
            {"_id": {"$in": list(message_ids)}}, limit=max(1, len(message_ids))
        )
        return {row["_id"]: row["outcomes"] for row in rows}


def _delivery(row: Document) -> Delivery:
    return Delivery(
        *(row["_id"], row["account_id"], row["kind"], row["channel"], row["until"]),
        *(row["attempts"], row["claim"]),
    )
