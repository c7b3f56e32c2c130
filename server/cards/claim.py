"""Claiming a card (A3.1): one person, one card, whoever and however often asks.

A claim first takes its place (a pending card; the unique index lets one in for each document), then asks the
authority, then decides (deciding.py).  A crash anywhere leaves a pending card, which the worker takes up.

Nobody may find out by trying which name belongs to a number: identity/tries.py counts the wrong ones.  An
undecided claim counts as one until the worker has decided.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import NoReturn

from server.cards.deciding import Deciding, document_of
from server.cards.family.proofs import ConsentBySms, Given
from server.cards.model import Card, Status, require_known_notice
from server.cards.physical import PhysicalCards
from server.cards.placing import Mismatch, Placing, Wanted
from server.cards.policy import ClaimPolicy
from server.core.audit import Actor, Audit
from server.core.clock import Clock, today
from server.core.errors import Conflict, InvalidInput, Unavailable
from server.core.ids import new_id
from server.core.outbox import Event
from server.core.phones import read_phone
from server.core.policies import Policies
from server.identity.applicant import Applicant, Brought, Channel, Relation
from server.identity.document_types import DOCUMENT_TYPES
from server.identity.documents import Document, age_on, read_document
from server.identity.names import read_name
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
class PhoneCode:
    """The SMS code that shows the phone written in the application is in the claimant's hand."""

    request_id: str
    code: str


@dataclass(frozen=True)
class Application:
    """What a claimant wrote, as it came."""

    name: str
    id_type: str
    id_no: str
    phone: str
    relation: Relation
    notice_version: str | None = None
    gender: str | None = None
    born_on: date | None = None
    nation: str | None = None
    address: str | None = None
    bank_card_no: str | None = None
    physical_card_no: str | None = None
    phone_code: PhoneCode | None = None
    relation_proof: Given | None = None
    attachment_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claimed:
    card: Card
    is_new: bool


class ClaimService:
    def __init__(
        self,
        placing: Placing,
        physical: PhysicalCards,
        phone_codes: ConsentBySms,
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
        self._placing = placing
        self._physical = physical
        self._phone_codes = phone_codes
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

        InvalidInput: name.invalid, document.*, phone.invalid, notice.unknown_version, phone.code_required,
        phone.code_wrong, claim.guardian_required, bank_card.required, physical_card.refused, relation.*,
        attachment.invalid, identity.mismatch.  Conflict: card.held_by_another_account,
        card.claim_in_progress, family.full.
        TooMany: identity_mismatch*.too_many.  Unavailable: proving.not_set_up, civil.unavailable.
        """
        require_known_notice(application.notice_version)
        policy = await self._policies.get(ClaimPolicy)
        applicant = self._applicant(claimant, application, policy)
        await self._proving.require_possible(applicant)
        pair = self._identity.pair_key(applicant.name, applicant.document)
        subjects = self._tries.subjects(
            applicant.document,
            account_id=claimant.account_id,
            device_id=claimant.device_id,
            address=claimant.address,
        )
        wanted = self._wanted(claimant, application, applicant, policy, subjects)
        await self._tries.hold(pair, subjects)
        try:
            await self._physical.require_valid(applicant)
            await self._prove_phone(claimant, application, applicant.phone)
            card, is_new = await self._placed_and_decided(wanted)
        except Mismatch as mismatch:
            await self._refuse_pair(claimant, mismatch.card, pair, subjects)
        except (Conflict, InvalidInput, Unavailable) as refusal:
            # A paper or a card that is not theirs was a try, too.
            costs = refusal.code in ("relation.proof_refused", "physical_card.refused")
            await self._tries.settle(pair, subjects, costs=costs)
            raise
        if card.pending_reason != "source":
            await self._tries.settle(pair, subjects, costs=False)
        tie = card.tie_of(claimant.account_id)
        await self._audit.record(
            "cards.claim",
            Actor("account", claimant.account_id),
            "card",
            card.card_id,
            outcome=card.status.value,
            channel=claimant.channel,
            relation=applicant.relation,
            relation_proof=tie.proof.kind if tie is not None and tie.proof is not None else None,
            confirmed_by=[one.source for one in card.proof.evidence],
            notice_version=application.notice_version,
        )
        return Claimed(card, is_new)

    def _applicant(self, claimant: Claimant, application: Application, policy: ClaimPolicy) -> Applicant:
        """The application, read: every rule of its form is kept, and who is too young has a guardian ask."""
        document = read_document(
            application.id_type,
            application.id_no,
            today(self._clock),
            allows_test_numbers=self._allows_test_numbers,
            born_on=application.born_on,
            gender=application.gender,
        )
        if not DOCUMENT_TYPES[document.id_type].claimable_online:
            raise InvalidInput("document.unknown_type", "this type of document is not accepted here")
        name, phone = read_name(application.name), read_phone(application.phone)
        if application.relation == "self" and self._age(document) < policy.guardian_years:
            raise InvalidInput("claim.guardian_required", "a parent or guardian claims for a child")
        given = application.relation_proof
        # Whoever consents by a code has the phone in hand by the same code.
        is_consent = given is not None and given.kind == "consent_sms"
        is_phone_proven = claimant.proven_phone == phone or application.phone_code is not None or is_consent
        if application.relation != "self" and not is_phone_proven:
            # A parent's card opened by the parent's own card: the phone may be either's.
            is_phone_proven = given is not None and given.kind == "consent_card"
        brought = Brought(
            is_phone_proven, application.relation, application.bank_card_no, application.physical_card_no
        )
        return Applicant.bringing(name, document, phone, claimant.channel, brought)

    def _age(self, document: Document) -> int:
        return age_on(document.born_on, today(self._clock))

    def _wanted(
        self,
        claimant: Claimant,
        application: Application,
        applicant: Applicant,
        policy: ClaimPolicy,
        subjects: tuple[str, ...],
    ) -> Wanted:
        given = application.relation_proof
        papers = dict.fromkeys(application.attachment_ids)
        if given is not None and given.attachment_id is not None:
            papers[given.attachment_id] = None
        if applicant.document.id_type in policy.attachments_for and not papers:
            raise InvalidInput("attachment.invalid", "this document needs a picture of it", reason="required")
        is_by_code = application.phone_code is not None
        return Wanted(
            new_id(self._clock.now()),
            claimant.account_id,
            applicant.phone if is_by_code else claimant.proven_phone,
            applicant,
            self._age(applicant.document),
            application.notice_version,
            given,
            tuple(papers),
            subjects,
            policy,
            application.nation,
            application.address,
        )

    async def _prove_phone(self, claimant: Claimant, application: Application, phone: str) -> None:
        """Uses up the code that shows the phone is in the claimant's hand."""
        given = application.phone_code
        if given is None or claimant.proven_phone == phone:
            return
        await self._phone_codes(phone, given.code, given.request_id)

    async def _placed_and_decided(self, wanted: Wanted) -> tuple[Card, bool]:
        for _ in range(2):
            card, is_new = await self._placing.place(wanted)
            if card.status is not Status.PENDING:
                return card, is_new
            card = await self._deciding.decide_now(card)
            if card.status is not Status.REFUSED:
                return card, is_new
            if card.refused_reason == "mismatch":
                raise Mismatch(card)
            wanted = replace(wanted, card_id=new_id(self._clock.now()), attachment_ids=())
        raise Conflict("card.claim_in_progress", "another claim was decided just now")

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
