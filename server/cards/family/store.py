"""In which accounts a card is shown: the ties in `cards`, and the places a family has."""

from collections.abc import Sequence
from datetime import datetime

from server.cards.model import Card, Holder, Status, Tie
from server.cards.rows import CardRows, seat_of, tie_row
from server.core.mongo import Collection, Document, Transaction
from server.core.outbox import adding
from server.core.secrets import Sealer

MAX_CARDS_OF_ACCOUNT = 50


def join_key(account_id: str, card_id: str) -> str:
    """In the place of a document's key: one live claim of an account to join a card."""
    return f"join|{account_id}|{card_id}"


class FamilyStore:
    def __init__(self, cards: Collection, sealer: Sealer) -> None:
        self._collection = cards
        self._rows = CardRows(sealer)

    async def seats_taken(self, account_id: str) -> set[int]:
        """The places for family cards that live cards have in the account."""
        rows = await self._collection.find(
            {"ties.account_id": account_id, "is_live": True},
            limit=MAX_CARDS_OF_ACCOUNT,
            projection={"seats": 1},
        )
        seats = [seat.rpartition(":") for row in rows for seat in row.get("seats", ())]
        return {int(number) for owner, _, number in seats if owner == account_id}

    async def tie(self, card_id: str, tie: Tie) -> None:
        """Shows the card in one more account; nothing happens when it is there already.  Duplicate when the
        seat is taken."""
        seat = {} if tie.seat is None else {"seats": seat_of(tie)}
        await self._collection.update(
            {"_id": card_id, "ties.account_id": {"$ne": tie.account_id}},
            {"$push": {"ties": tie_row(tie), **seat}},
        )

    # -- a tie that people decide about
    async def ask_to_join(self, claim: Card) -> None:
        """Keeps the claim; it takes its seat, and waits for the review desk and for nobody else.  Duplicate
        when the account has asked for this card already, or the seat is taken."""
        review = claim.review
        assert review is not None and claim.joins is not None, "people are asked about a card that is there"
        await self._collection.insert(
            {
                **self._rows.row(claim),
                "document_key": join_key(claim.ties[0].account_id, claim.joins),
                "joins": claim.joins,
                "review": {"reasons": list(review.reasons), "asked_at": review.asked_at, "evidence": []},
                "waits_for_review": True,
            }
        )

    async def join(self, within: Transaction, claim: Card, now: datetime, said: Document) -> None:
        """The claim is over, and its tie is the card's, in the same seat; with the event card.joined.
        Nothing happens when the claim was decided before."""
        kept, [tie] = within.of(self._collection), claim.ties
        data = {"card_id": claim.card_id, "joined_id": claim.joins, "account_id": tie.account_id}
        due, events = adding(now, ("card.joined", data))
        ended = {"status": Status.JOINED.value, "is_live": False, "decided_at": now}
        is_ended = await kept.update(
            {"_id": claim.card_id, "status": Status.PENDING.value},
            {
                "$set": {**ended, **due, **said},
                "$push": events,
                "$unset": {"waits_for_review": "", "proof_numbers": ""},
            },
        )
        if is_ended:
            await kept.update(
                {"_id": claim.joins, "is_live": True, "ties.account_id": {"$ne": tie.account_id}},
                {"$push": {"ties": tie_row(tie), "seats": seat_of(tie)}},
            )

    async def take_over(
        self, card: Card, tie: Tie, holder: Holder, ended: Sequence[Tie], now: datetime
    ) -> bool:
        """Shows the card in the holder's own account and no more in those of `ended`, with its event."""
        gone = [one.account_id for one in ended]
        data = {"card_id": card.card_id, "account_ids": gone}
        due, events = adding(now, ("card.taken_over", data))
        seats = [seat_of(one) for one in ended if one.seat is not None]
        kept = {"$not": [{"$in": ["$$this.account_id", [*gone, tie.account_id]]}]}
        change: list[Document] = [
            {
                "$set": {
                    "ties": {
                        "$concatArrays": [
                            {"$filter": {"input": "$ties", "cond": kept}},
                            [{"$literal": tie_row(tie)}],
                        ]
                    },
                    "seats": {"$setDifference": [{"$ifNull": ["$seats", []]}, seats]},
                    "holder": {"$literal": self._rows.seal_holder(card.card_id, holder)},
                    "outbox.events": {
                        "$concatArrays": [
                            {"$ifNull": ["$outbox.events", []]},
                            {"$literal": events["outbox.events"]["$each"]},
                        ]
                    },
                    **due,
                }
            }
        ]
        return await self._collection.update({"_id": card.card_id, "is_live": True}, change)
