"""Claiming a card (A3.1): one person, one card, whoever and however often asks.

A claim first takes its place (a pending card; the unique index lets one in for each document), then asks the
authority, then decides (deciding.py).  A crash anywhere leaves a pending card, which the worker takes up.

Nobody may find out by trying which name belongs to a number.  Before anything is looked up, the pair takes
room in the account's budget of mismatches; a match gives it back, a mismatch spends it, and an undecided one
keeps it until the worker has decided.
"""

from dataclasses import dataclass, replace
from typing import NoReturn

from server.cards.deciding import FIRST_RETRY, Deciding, document_of
from server.cards.family.store import FamilyStore
from server.cards.model import Card, Holder, Status, Tie, new_ehealth_card_id, require_known_notice
from server.cards.store import CardStore
from server.core.audit import Actor, Audit
from server.core.budgets import Budget, Budgets
from server.core.clock import Clock
from server.core.errors import Conflict, InvalidInput
from server.core.ids import new_id
from server.core.mongo import Duplicate
from server.core.outbox import Event
from server.core.phones import read_phone
from server.identity.documents import Document, read_document
from server.identity.names import read_name, same_name
from server.identity.service import IdentityService

MISMATCHES = Budget("identity_mismatch", limit=5, window_s=86_400)


@dataclass(frozen=True)
class Claimant:
    """The account that asks, and the phone number it has proven, if any."""

    account_id: str
    proven_phone: str | None


@dataclass(frozen=True)
class Application:
    """What a claimant wrote, as it came."""

    name: str
    id_type: str
    id_no: str
    phone: str
    relation: str
    notice_version: str | None


@dataclass(frozen=True)
class Claimed:
    card: Card
    is_new: bool


class _Mismatch(Exception):
    """The name is not that of the document's holder."""

    def __init__(self, card_id: str) -> None:
        super().__init__(card_id)
        self.card_id = card_id


class ClaimService:
    def __init__(
        self,
        store: CardStore,
        family: FamilyStore,
        deciding: Deciding,
        identity: IdentityService,
        audit: Audit,
        budgets: Budgets,
        clock: Clock,
        *,
        allows_test_numbers: bool,
    ) -> None:
        self._store = store
        self._family = family
        self._deciding = deciding
        self._identity = identity
        self._audit = audit
        self._budgets = budgets
        self._clock = clock
        self._allows_test_numbers = allows_test_numbers

    async def claim(self, claimant: Claimant, application: Application) -> Claimed:
        """The person's one card, active, or pending when the authority is down.

        InvalidInput: name.invalid, document.invalid_number, phone.invalid, notice.unknown_version,
        identity.mismatch.  Conflict: card.held_by_another_account, card.claim_in_progress.
        TooMany: identity_mismatch.too_many.
        """
        now = self._clock.now()
        require_known_notice(application.notice_version)
        document = read_document(
            application.id_type,
            application.id_no,
            now.date(),
            allows_test_numbers=self._allows_test_numbers,
        )
        name, phone = read_name(application.name), read_phone(application.phone)
        pair = self._identity.pair_key(name, document)
        await self._budgets.hold(MISMATCHES, claimant.account_id, pair)
        tie = Tie(claimant.account_id, application.relation, now, application.notice_version)
        try:
            card, is_new = await self._placed_and_decided(claimant, document, name, phone, tie)
        except _Mismatch as mismatch:
            await self._refuse_pair(claimant, mismatch.card_id, pair)
        except Conflict:
            await self._budgets.settle(MISMATCHES, claimant.account_id, pair, costs=False)
            raise
        if card.status is not Status.PENDING:
            await self._budgets.settle(MISMATCHES, claimant.account_id, pair, costs=False)
        await self._audit.record(
            "cards.claim",
            Actor("account", claimant.account_id),
            "card",
            card.card_id,
            outcome=card.status.value,
            notice_version=application.notice_version,
        )
        return Claimed(card, is_new)

    async def _placed_and_decided(
        self, claimant: Claimant, document: Document, name: str, phone: str, tie: Tie
    ) -> tuple[Card, bool]:
        for _ in range(2):
            card, is_new = await self._place(claimant, document, name, phone, tie)
            if card.status is not Status.PENDING:
                return card, is_new
            card = await self._deciding.decide_now(card)
            if card.status is not Status.REFUSED:
                return card, is_new
            if card.refused_reason == "mismatch":
                raise _Mismatch(card.card_id)
        raise Conflict("card.claim_in_progress", "another claim was decided just now")

    async def _place(
        self, claimant: Claimant, document: Document, name: str, phone: str, tie: Tie
    ) -> tuple[Card, bool]:
        """The document's live card, made now when there is none, and tied to the claimant."""
        key = self._identity.document_key(document)
        card = await self._find_live(document, key)
        if card is None:
            holder = Holder(name, document.gender, document.born_on, document.id_type, document.number, phone)
            now = self._clock.now()
            card = Card(
                new_id(now), new_ehealth_card_id(), Status.PENDING, holder, None, (tie,), tie.claimed_at
            )
            try:
                await self._store.insert(card, key, now + FIRST_RETRY)
                return card, True
            except Duplicate:
                card = await self._store.find_live(key)
                if card is None:
                    raise Conflict("card.claim_in_progress", "another claim was decided just now") from None
        if card.tie_of(claimant.account_id) is not None:
            self._require_same_applicant(card, name)
            return card, False
        self._require_may_tie(claimant, card, name)
        await self._family.tie(card.card_id, tie)
        return replace(card, ties=(*card.ties, tie)), True

    async def _find_live(self, document: Document, key: str) -> Card | None:
        """The live card of the document, or of the person who has this document among others."""
        card = await self._store.find_live(key)
        if card is not None:
            return card
        person = await self._identity.find_by_document(document)
        return None if person is None else await self._store.find_live_of_person(person.person_id)

    @staticmethod
    def _require_same_applicant(card: Card, name: str) -> None:
        if same_name(card.holder.name, name):
            return
        if card.status is Status.PENDING:
            raise Conflict("card.claim_in_progress", "a claim with another name is being checked")
        raise _Mismatch(card.card_id)

    def _require_may_tie(self, claimant: Claimant, card: Card, name: str) -> None:
        """Name and number alone do not open somebody's card in another account: the phone number the card
        was claimed with must be proven too."""
        self._require_same_applicant(card, name)
        if claimant.proven_phone != card.holder.phone:
            raise Conflict(
                "card.held_by_another_account",
                "this person has a card; sign in with the phone number it was claimed with",
            )

    async def _refuse_pair(self, claimant: Claimant, card_id: str, pair: str) -> NoReturn:
        await self._audit.record(
            "cards.claim", Actor("account", claimant.account_id), "card", card_id, outcome="mismatch"
        )
        await self._budgets.settle(MISMATCHES, claimant.account_id, pair, costs=True)
        raise InvalidInput("identity.mismatch", "name and document number do not belong together")

    async def resume_reviewed(self, event: Event) -> None:
        """The reaction to person_review.decided: a claim that waited to know who its holder is goes on."""
        await self._deciding.resume_reviewed(event)

    async def resume_due(self) -> int:
        """Takes up pending claims whose next try is due; returns how many were decided."""
        decided = 0
        for _ in range(100):
            card = await self._deciding.take_due()
            if card is None:
                break
            decided += await self._resume(card)
        return decided

    async def _resume(self, card: Card) -> bool:
        settled = await self._deciding.resume(card)
        if settled.status is Status.PENDING:
            return False
        pair = self._identity.pair_key(card.holder.name, document_of(card))
        costs = settled.refused_reason == "mismatch"
        for tie in card.ties:
            await self._budgets.settle(MISMATCHES, tie.account_id, pair, costs=costs)
        return True
