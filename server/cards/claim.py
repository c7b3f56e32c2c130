"""Claiming a card (A3.1): one person, one card, whoever and however often asks.

A claim first takes its place (a pending card; the unique index lets one in for each document), then asks the
authority, then decides (deciding.py).  A crash anywhere leaves a pending card, which the worker takes up.

Nobody may find out by trying which name belongs to a number: identity/tries.py counts the wrong ones.  An
undecided claim counts as one until the worker has decided.
"""

from dataclasses import dataclass, replace
from typing import NoReturn

from server.cards.deciding import FIRST_RETRY, Deciding, document_of
from server.cards.family.store import FamilyStore
from server.cards.model import Card, Holder, Status, Tie, new_ehealth_card_id, require_known_notice
from server.cards.policy import ClaimPolicy
from server.cards.proof import CardProof
from server.cards.store import CardStore
from server.core.audit import Actor, Audit
from server.core.clock import Clock, today
from server.core.errors import Conflict, InvalidInput
from server.core.ids import new_id
from server.core.mongo import Duplicate
from server.core.outbox import Event
from server.core.phones import read_phone
from server.core.policies import Policies
from server.identity.applicant import Applicant, Brought, Channel, Relation
from server.identity.documents import Document, age_on, read_document
from server.identity.names import read_name, same_name
from server.identity.proving import Proving
from server.identity.service import IdentityService
from server.identity.tries import Tries


@dataclass(frozen=True)
class Claimant:
    """The account that asks, the phone number it has proven, if any, and from where it asks."""

    account_id: str
    proven_phone: str | None
    channel: Channel = "web"
    device_id: str | None = None
    address: str | None = None


@dataclass(frozen=True)
class Application:
    """What a claimant wrote, as it came."""

    name: str
    id_type: str
    id_no: str
    phone: str
    relation: Relation
    notice_version: str | None


@dataclass(frozen=True)
class Claimed:
    card: Card
    is_new: bool


class _Mismatch(Exception):
    """The name is not that of the document's holder, or a source says no."""

    def __init__(self, card: Card) -> None:
        super().__init__(card.card_id)
        self.card = card


class ClaimService:
    def __init__(
        self,
        store: CardStore,
        family: FamilyStore,
        deciding: Deciding,
        identity: IdentityService,
        audit: Audit,
        proving: Proving,
        tries: Tries,
        policies: Policies,
        clock: Clock,
        *,
        allows_test_numbers: bool,
    ) -> None:
        self._store = store
        self._family = family
        self._deciding = deciding
        self._identity = identity
        self._audit = audit
        self._proving = proving
        self._tries = tries
        self._policies = policies
        self._clock = clock
        self._allows_test_numbers = allows_test_numbers

    async def claim(self, claimant: Claimant, application: Application) -> Claimed:
        """The person's one card, active, or pending while a source it needs is down, or people look at it.

        InvalidInput: name.invalid, document.invalid_number, phone.invalid, notice.unknown_version,
        claim.guardian_required, phone.code_required, bank_card.required, identity.mismatch.  Conflict:
        card.held_by_another_account, card.claim_in_progress.  TooMany: identity_mismatch*.too_many.
        Unavailable: proving.not_set_up.
        """
        require_known_notice(application.notice_version)
        applicant = await self._applicant(claimant, application)
        await self._proving.require_possible(applicant)
        document = applicant.document
        pair = self._identity.pair_key(applicant.name, document)
        subjects = self._tries.subjects(
            document,
            account_id=claimant.account_id,
            device_id=claimant.device_id,
            address=claimant.address,
        )
        await self._tries.hold(pair, subjects)
        tie = Tie(claimant.account_id, application.relation, self._clock.now(), application.notice_version)
        try:
            card, is_new = await self._placed_and_decided(claimant, applicant, tie, subjects)
        except _Mismatch as mismatch:
            await self._refuse_pair(claimant, mismatch.card, pair, subjects)
        except Conflict:
            await self._tries.settle(pair, subjects, costs=False)
            raise
        if card.pending_reason != "source":
            await self._tries.settle(pair, subjects, costs=False)
        await self._audit.record(
            "cards.claim",
            Actor("account", claimant.account_id),
            "card",
            card.card_id,
            outcome=card.status.value,
            channel=claimant.channel,
            confirmed_by=[one.source for one in card.proof.evidence],
            notice_version=application.notice_version,
        )
        return Claimed(card, is_new)

    async def _applicant(self, claimant: Claimant, application: Application) -> Applicant:
        """The application, read: every rule of its form is kept, and who is too young has a guardian ask."""
        document = read_document(
            application.id_type,
            application.id_no,
            today(self._clock),
            allows_test_numbers=self._allows_test_numbers,
        )
        policy = await self._policies.get(ClaimPolicy)
        age = age_on(document.born_on, today(self._clock))
        if application.relation == "self" and age < policy.guardian_years:
            raise InvalidInput("claim.guardian_required", "a parent or guardian claims for a child")
        name, phone = read_name(application.name), read_phone(application.phone)
        is_phone_proven = claimant.proven_phone == phone
        brought = Brought(is_phone_proven, application.relation)
        return Applicant.bringing(name, document, phone, claimant.channel, brought)

    async def _placed_and_decided(
        self, claimant: Claimant, applicant: Applicant, tie: Tie, subjects: tuple[str, ...]
    ) -> tuple[Card, bool]:
        for _ in range(2):
            card, is_new = await self._place(claimant, applicant, tie, subjects)
            if card.status is not Status.PENDING:
                return card, is_new
            card = await self._deciding.decide_now(card)
            if card.status is not Status.REFUSED:
                return card, is_new
            if card.refused_reason == "mismatch":
                raise _Mismatch(card)
        raise Conflict("card.claim_in_progress", "another claim was decided just now")

    async def _place(
        self, claimant: Claimant, applicant: Applicant, tie: Tie, subjects: tuple[str, ...]
    ) -> tuple[Card, bool]:
        """The document's live card, made now when there is none, and tied to the claimant."""
        document, name = applicant.document, applicant.name
        key = self._identity.document_key(document)
        card = await self._find_live(document, key)
        if card is None:
            card = self._new_card(applicant, tie, subjects)
            try:
                await self._store.insert(card, key, self._clock.now() + FIRST_RETRY)
                return card, True
            except Duplicate:
                card = await self._store.find_live(key)
                if card is None:
                    raise Conflict("card.claim_in_progress", "another claim was decided just now") from None
        is_tied = card.tie_of(claimant.account_id) is not None
        if is_tied:
            self._require_same_applicant(card, name)
        else:
            self._require_may_tie(claimant, card, name)
        if card.status is Status.PENDING:
            await self._store.count_for(card, subjects)
        if is_tied:
            return card, False
        await self._family.tie(card.card_id, tie)
        return replace(card, ties=(*card.ties, tie)), True

    def _new_card(self, applicant: Applicant, tie: Tie, subjects: tuple[str, ...]) -> Card:
        document, now = applicant.document, self._clock.now()
        holder = Holder(
            applicant.name,
            document.gender,
            document.born_on,
            document.id_type,
            document.number,
            applicant.phone,
        )
        return Card(
            new_id(now),
            new_ehealth_card_id(),
            Status.PENDING,
            holder,
            None,
            (tie,),
            tie.claimed_at,
            channel=applicant.channel,
            proof=CardProof(applicant.brought, subjects=subjects),
        )

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
        raise _Mismatch(card)

    def _require_may_tie(self, claimant: Claimant, card: Card, name: str) -> None:
        """Name and number alone do not open somebody's card in another account: the phone number the card
        was claimed with must be proven too."""
        self._require_same_applicant(card, name)
        if claimant.proven_phone != card.holder.phone:
            raise Conflict(
                "card.held_by_another_account",
                "this person has a card; sign in with the phone number it was claimed with",
            )

    async def _refuse_pair(
        self, claimant: Claimant, card: Card, pair: str, subjects: tuple[str, ...]
    ) -> NoReturn:
        """The same answer whichever source said no, and whether anybody knows the number."""
        await self._audit.record(
            "cards.claim",
            Actor("account", claimant.account_id),
            "card",
            card.card_id,
            outcome="mismatch",
            channel=claimant.channel,
            refused_by=list(card.proof.refused_by),
        )
        await self._tries.settle(pair, subjects, costs=True)
        raise InvalidInput("identity.mismatch", "name, document number and phone do not belong together")

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
        if settled.pending_reason == "source":
            return False
        pair = self._identity.pair_key(card.holder.name, document_of(card))
        costs = settled.refused_reason == "mismatch"
        await self._tries.settle(pair, settled.proof.subjects, costs=costs)
        return True
