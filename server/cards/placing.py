"""Where a claim finds its place: a new pending card, or the one the person has, shown in one account more.

The unique indexes decide between claims made at once: one live card for a document and for a person, one
family card in each of an account's seats.
"""

import secrets
from dataclasses import dataclass, replace

from server.cards.attachments.service import AttachmentService
from server.cards.deciding import FIRST_RETRY
from server.cards.family.joining import Joining
from server.cards.family.proofs import FamilyProofs, Given
from server.cards.family.store import FamilyStore
from server.cards.model import Card, Holder, RelationProof, Review, Status, Tie, new_ehealth_card_id
from server.cards.policy import ClaimPolicy
from server.cards.proof import CardProof
from server.cards.store import CardStore
from server.core.clock import Clock, city_day
from server.core.errors import Conflict, Unavailable
from server.core.mongo import Duplicate
from server.identity.applicant import Applicant
from server.identity.document_types import BIRTH_CERTIFICATE
from server.identity.documents import Document, age_on
from server.identity.names import same_name
from server.identity.proving import Proving
from server.identity.service import IdentityService

TRIES = 60


class Mismatch(Exception):
    """The name is not that of the document's holder, or a source says no."""

    def __init__(self, card: Card) -> None:
        super().__init__(card.card_id)
        self.card = card


@dataclass(frozen=True)
class Wanted:
    """One claim, read: who asks, for whom, with which proofs, under which rules."""

    card_id: str
    account_id: str
    proven_phone: str | None
    applicant: Applicant
    age: int
    notice_version: str | None
    given: Given | None
    attachment_ids: tuple[str, ...]
    subjects: tuple[str, ...]
    policy: ClaimPolicy
    nation: str | None = None
    address: str | None = None
    proof: RelationProof | None = None

    @property
    def is_own(self) -> bool:
        return self.applicant.relation == "self"

    @property
    def is_by_papers(self) -> bool:
        return not self.is_own and self.given is not None and self.given.kind == "guardianship"


class Placing:
    def __init__(
        self,
        store: CardStore,
        family: FamilyStore,
        joining: Joining,
        proofs: FamilyProofs,
        attachments: AttachmentService,
        identity: IdentityService,
        proving: Proving,
        clock: Clock,
    ) -> None:
        self._store = store
        self._family = family
        self._joining = joining
        self._proofs = proofs
        self._attachments = attachments
        self._identity = identity
        self._proving = proving
        self._clock = clock

    async def place(self, wanted: Wanted) -> tuple[Card, bool]:
        """The person's card, tied to the account, and whether it was not before; or, by papers for somebody
        who has a card, the claim that people decide about.  Mismatch; InvalidInput
        relation.*, attachment.invalid; Conflict family.full, card.held_by_another_account,
        card.claim_in_progress."""
        for _ in range(TRIES):
            there = await self._find_live(wanted)
            if there is not None:
                self._require_same_applicant(there, wanted.applicant.name)
                if there.status is Status.PENDING:
                    await self._store.count_for(there, wanted.subjects)
                if there.tie_of(wanted.account_id) is not None:
                    return await self._upgraded(wanted, there), False
                asked = await self._joining.find(wanted.account_id, there) if wanted.is_by_papers else None
                if asked is not None:
                    return asked, False
            if not wanted.is_own and wanted.proof is None:
                await self._free_seat(wanted)  # before a code is used up for nothing
                wanted = replace(wanted, proof=await self._prove_relation(wanted, there))
            try:
                return await self._put(wanted, there), True
            except Duplicate:
                continue  # somebody took the document, or the seat, in this moment
        raise Conflict("card.claim_in_progress", "others are faster every time; ask again")

    async def _put(self, wanted: Wanted, there: Card | None) -> Card:
        seat = None if wanted.is_own else await self._free_seat(wanted)
        now, applicant = self._clock.now(), wanted.applicant
        tie = Tie(wanted.account_id, applicant.relation, now, wanted.notice_version, seat, wanted.proof)
        if there is not None and wanted.is_own:
            return await self._own(wanted, there, tie)
        if there is not None and not wanted.is_by_papers:
            await self._family.tie(there.card_id, tie)
            return await self._upgraded(wanted, replace(there, ties=(*there.ties, tie)))
        await self._attachments.attach(wanted.account_id, wanted.attachment_ids, wanted.card_id)
        card = _new_card(wanted, tie)
        if there is not None:
            claim = replace(card, joins=there.card_id, review=Review(("guardianship",), now))
            await self._joining.ask(claim)
            return claim
        key = self._identity.document_key(applicant.document)
        await self._store.insert(card, key, now + FIRST_RETRY)
        return card

    async def _prove_relation(self, wanted: Wanted, there: Card | None) -> RelationProof:
        return await self._proofs.prove(
            wanted.account_id, wanted.applicant, wanted.age, wanted.given, there, wanted.policy
        )

    async def _free_seat(self, wanted: Wanted) -> int:
        limit = wanted.policy.family_limit
        taken = await self._family.seats_taken(wanted.account_id)
        free = [seat for seat in range(limit) if seat not in taken]
        if not free:
            raise Conflict("family.full", "this account holds as many family cards as it may", limit=limit)
        return secrets.choice(free)

    # -- one's own card, where another account, a guardian or a window has it
    async def _own(self, wanted: Wanted, there: Card, tie: Tie) -> Card:
        """Name and number alone do not open a card: the phone it was claimed with must be proven too, or the
        claimant is proven by a source that ties the phone to the person."""
        ended = self._ended(wanted, there)
        if there.status is not Status.PENDING and await self._is_proven(wanted, there):
            holder = replace(there.holder, phone=wanted.applicant.phone)
            if await self._family.take_over(there, tie, holder, ended, self._clock.now()):
                kept = tuple(one for one in there.ties if one not in ended)
                return replace(there, holder=holder, ties=(*kept, tie))
            raise Conflict("card.claim_in_progress", "the card was changed just now; ask again")
        if wanted.proven_phone != there.holder.phone:
            raise Conflict(
                "card.held_by_another_account",
                "this person has a card; sign in with the phone number it was claimed with",
            )
        await self._family.tie(there.card_id, tie)
        return replace(there, ties=(*there.ties, tie))

    async def _is_proven(self, wanted: Wanted, there: Card) -> bool:
        if wanted.proven_phone == there.holder.phone and not self._ended(wanted, there):
            return False  # the simple way is open
        proof = await self._proving.prove(wanted.applicant)
        if proof.outcome == "mismatch":
            raise Mismatch(there)
        if proof.outcome == "pending":
            raise Unavailable("proving.waits", "a source that has to confirm this is down", 60)
        return bool({one.source for one in proof.evidence} & set(wanted.policy.takes_over_with))

    @staticmethod
    def _ended(wanted: Wanted, there: Card) -> tuple[Tie, ...]:
        """The ties of those who held the card of a child that is old enough now.  Who became the guardian of
        a grown-up stays."""
        if wanted.age < wanted.policy.own_card_years:
            return ()
        born_on, adult = there.holder.born_on, wanted.policy.adult_years
        return tuple(
            tie
            for tie in there.ties
            if tie.relation in ("child", "ward") and age_on(born_on, city_day(tie.claimed_at)) < adult
        )

    # -- finding it
    async def _find_live(self, wanted: Wanted) -> Card | None:
        """The live card of the document, of the person who has it among others, or of the birth certificate
        that shows the relation."""
        document = wanted.applicant.document
        found = await self.find_live(document)
        if found is None and wanted.given is not None and wanted.given.kind == "birth_certificate":
            number = (wanted.given.number or "").strip().upper()
            newborn = Document(BIRTH_CERTIFICATE, number, document.born_on, document.gender)
            found = await self.find_live(newborn)
            if found is not None and (found.holder.born_on, found.holder.gender) != (
                document.born_on,
                document.gender,
            ):
                return None
        return found

    async def find_live(self, document: Document) -> Card | None:
        card = await self._store.find_live(self._identity.document_key(document))
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
        raise Mismatch(card)

    # -- a newborn's card gets the ID number
    async def _upgraded(self, wanted: Wanted, card: Card) -> Card:
        """The same card, told by the ID number instead of the birth certificate, once a source knows it."""
        document = wanted.applicant.document
        is_newborns = card.holder.id_type == BIRTH_CERTIFICATE and document.id_type != BIRTH_CERTIFICATE
        if not is_newborns or card.person_id is None:
            return card
        proof = await self._proving.prove(wanted.applicant)
        if proof.outcome == "mismatch":
            raise Mismatch(card)
        if proof.outcome == "pending":
            raise Unavailable("proving.waits", "a source that has to confirm this is down", 60)
        holder = replace(card.holder, id_type=document.id_type, id_no=document.number)
        name, evidence = wanted.applicant.name, proof.evidence
        await self._identity.add_document(card.person_id, name, document, evidence)
        await self._store.upgrade(card, holder, self._identity.document_key(document))
        return replace(card, holder=holder)


def _new_card(wanted: Wanted, tie: Tie) -> Card:
    applicant, document = wanted.applicant, wanted.applicant.document
    holder = Holder(
        applicant.name,
        document.gender,
        document.born_on,
        document.id_type,
        document.number,
        applicant.phone,
        wanted.nation,
        wanted.address,
    )
    return Card(
        wanted.card_id,
        new_ehealth_card_id(),
        Status.PENDING,
        holder,
        None,
        (tie,),
        tie.claimed_at,
        channel=applicant.channel,
        attachment_ids=wanted.attachment_ids,
        proof=CardProof(applicant.brought, subjects=wanted.subjects),
    )
