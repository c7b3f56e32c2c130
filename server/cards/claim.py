"""Claiming a card (A3.1): one person, one card, whoever and however often asks.

A claim first takes its place (a pending card; the unique index lets one in for each document), then asks the
authority, then decides.  A crash anywhere leaves a pending card, which the worker takes up again.

Nobody may find out by trying which name belongs to a number.  Before anything is looked up, the pair takes
room in the account's budget of mismatches; a match gives it back, a mismatch spends it, and an undecided one
keeps it until the worker has decided.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NoReturn

from server.cards.model import Card, Holder, Status, Tie, new_ehealth_card_id, require_known_notice
from server.cards.store import CardStore
from server.core.audit import Actor, Audit
from server.core.budgets import Budget, Budgets
from server.core.clock import Clock
from server.core.errors import Conflict, InvalidInput, Unavailable
from server.core.ids import new_id
from server.core.mongo import Duplicate
from server.core.phones import read_phone
from server.identity.documents import Document, read_document
from server.identity.names import read_name, same_name
from server.identity.service import IdentityService

# Long enough for the request that made the card to finish; then the worker takes over.
FIRST_RETRY = timedelta(seconds=20)
RETRY_AFTER = timedelta(seconds=10)
MAX_RETRY_AFTER = timedelta(minutes=10)
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
        identity: IdentityService,
        audit: Audit,
        budgets: Budgets,
        clock: Clock,
        *,
        allows_test_numbers: bool,
    ) -> None:
        self._store = store
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
            card, is_new = await self._place(claimant, document, name, phone, tie)
            if card.status is Status.PENDING:
                card = await self._settle_now(card, document)
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

    async def _place(
        self, claimant: Claimant, document: Document, name: str, phone: str, tie: Tie
    ) -> tuple[Card, bool]:
        """The document's live card, made now when there is none, and tied to the claimant."""
        key = self._identity.document_key(document)
        card = await self._store.find_live(key)
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
        await self._store.tie(card.card_id, tie)
        return replace(card, ties=(*card.ties, tie)), True

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

    async def _settle_now(self, card: Card, document: Document) -> Card:
        try:
            settled = await self._settle(card, document)
        except Unavailable as error:
            if error.code.startswith("database."):
                raise
            await self._store.postpone(card, self._clock.now() + RETRY_AFTER)
            return card
        if settled.status is Status.REFUSED:
            raise _Mismatch(card.card_id)
        return settled

    async def _settle(self, card: Card, document: Document, by: Actor | None = None) -> Card:
        """The decided card.  `by` is who has it recorded before it is decided: the worker has nobody who
        would ask again, so a crash in between must leave an entry without its act, never the reverse."""
        evidence = await self._identity.confirm(card.holder.name, document)
        if by is not None:
            outcome = Status.REFUSED if evidence is None else Status.ACTIVE
            await self._audit.record("cards.claim", by, "card", card.card_id, outcome=outcome.value)
        if evidence is None:
            await self._store.refuse(card, self._clock.now())
        else:
            person = await self._identity.register(card.holder.name, document, card.holder.phone, evidence)
            await self._store.activate(card, person.person_id, self._clock.now())
        settled = await self._store.find(card.card_id)
        assert settled is not None, "a card is never deleted"
        return settled

    async def _refuse_pair(self, claimant: Claimant, card_id: str, pair: str) -> NoReturn:
        await self._audit.record(
            "cards.claim", Actor("account", claimant.account_id), "card", card_id, outcome="mismatch"
        )
        await self._budgets.settle(MISMATCHES, claimant.account_id, pair, costs=True)
        raise InvalidInput("identity.mismatch", "name and document number do not belong together")

    async def resume_due(self) -> int:
        """Takes up pending claims whose next try is due; returns how many were decided."""
        decided = 0
        for _ in range(100):
            now = self._clock.now()
            card = await self._store.claim_due(now, now + FIRST_RETRY)
            if card is None:
                break
            decided += await self._resume(card)
        return decided

    async def _resume(self, card: Card) -> bool:
        holder = card.holder
        document = Document(holder.id_type, holder.id_no, holder.born_on, holder.gender)
        try:
            settled = await self._settle(card, document, Actor("system", "worker"))
        except Unavailable:
            wait = min(RETRY_AFTER * 2 ** min(card.attempts, 10), MAX_RETRY_AFTER)
            await self._store.postpone(card, self._clock.now() + wait)
            return False
        pair, costs = self._identity.pair_key(holder.name, document), settled.status is Status.REFUSED
        for tie in card.ties:
            await self._budgets.settle(MISMATCHES, tie.account_id, pair, costs=costs)
        return True
