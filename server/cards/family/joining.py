"""Papers that show a guardian of somebody who has a card (A3.1, C3): the tie waits for people, not the card.

The question is a claim of its own beside the card, tied to the account that asks: nobody else sees it, and
the card stays in use as it is.  So whoever uploads a picture stops nobody's card, and does not learn from it
whether there is one.
"""

from typing import Any

from server.cards.family.store import FamilyStore, join_key
from server.cards.model import LIVE, Card
from server.cards.store import CardStore
from server.core.clock import Clock
from server.core.mongo import Transact, Transaction


class Joining:
    def __init__(self, cards: CardStore, family: FamilyStore, transact: Transact, clock: Clock) -> None:
        self._cards = cards
        self._family = family
        self._transact = transact
        self._clock = clock

    async def find(self, account_id: str, there: Card) -> Card | None:
        """What this account has asked about the card and waits for."""
        return await self._cards.find_live(join_key(account_id, there.card_id))

    async def ask(self, claim: Card) -> None:
        """See `FamilyStore.ask_to_join`."""
        await self._family.ask_to_join(claim)

    async def approve(self, claim: Card, said: dict[str, Any]) -> None:
        """Reviewed and found right: the card is shown in the claimant's account too, in the claim's seat.
        Claim and card move together: a seat that was free in between would be somebody else's.

        When the card is over meanwhile, the claim is refused ("held"): asked again, it makes a new one."""
        assert claim.joins is not None, "it is about a card that is there"
        there = await self._cards.find(claim.joins)
        if there is None or there.status not in LIVE:
            await self._cards.refuse(claim, self._clock.now(), refused_because="held", **said)
            return

        async def work(within: Transaction) -> None:
            await self._family.join(within, claim, self._clock.now(), said)

        await self._transact(work)
