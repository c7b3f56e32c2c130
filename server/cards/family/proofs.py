"""What shows that somebody's card may stand in another person's account (A3.1, C3).

A child's: the civil register, by the birth certificate or the household register.  A grown-up's: their own
consent, by a code sent to their phone or by the dynamic code of their card, which is burnt by it.  What only
papers can show, people look at.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from server.cards.attachments.service import AttachmentService
from server.cards.model import Card, RelationProof, Status
from server.cards.policy import ClaimPolicy
from server.cards.store import CardStore
from server.core.clock import Clock
from server.core.errors import EhcError, InvalidInput, Unavailable
from server.gateways.civil import CivilRegister, RegisteredPerson
from server.gateways.mobile import MobileOperator
from server.identity.applicant import Applicant

ConsentBySms = Callable[[str, str, str | None], Awaitable[str]]
"""(phone, code, request id) → the request of the code, which is used up; InvalidInput phone.code_wrong."""
ConsentByCard = Callable[[str, str, str], Awaitable[str]]
"""(text of a dynamic code, id of the card it must be of, account it is for) → the id of the use."""


@dataclass(frozen=True)
class Given:
    """The proof as it came with a claim."""

    kind: str
    number: str | None = None
    request_id: str | None = None
    code: str | None = None
    attachment_id: str | None = None


@dataclass(frozen=True)
class Sources:
    """Who can be asked; None: not set up here."""

    civil: CivilRegister | None
    mobile: MobileOperator | None
    by_sms: ConsentBySms
    by_card: ConsentByCard


class FamilyProofs:
    def __init__(
        self, store: CardStore, attachments: AttachmentService, sources: Sources, clock: Clock
    ) -> None:
        self._store = store
        self._attachments = attachments
        self._sources = sources
        self._clock = clock

    async def prove(
        self,
        account_id: str,
        applicant: Applicant,
        age: int,
        given: Given | None,
        there: Card | None,
        policy: ClaimPolicy,
    ) -> RelationProof:
        """The proof, once it holds.  `there` is the person's card if there is one.

        InvalidInput: relation.proof_required (detail.kinds), relation.proof_refused (detail.reason: age,
        own_card, unrelated, consent, phone).  Unavailable: civil.unavailable, mobile.unavailable,
        proving.not_set_up.
        """
        kinds = policy.proofs(applicant.relation, age)
        if not kinds:
            raise _refused("age")
        if given is None or given.kind not in kinds:
            raise InvalidInput("relation.proof_required", "show how you are related", kinds=list(kinds))
        if given.kind == "consent_sms":
            serial_no = await self._consent_by_sms(account_id, applicant, given, there)
        elif given.kind == "consent_card":
            serial_no = await self._consent_by_card(account_id, given, there)
        elif given.kind == "guardianship":
            serial_no = await self._papers(account_id, given)
        else:
            serial_no = await self._register(account_id, applicant, given)
        return RelationProof(given.kind, serial_no, self._clock.now())

    async def _register(self, account_id: str, applicant: Applicant, given: Given) -> str:
        """The register ties two persons, so the claimant must be one: by the own card in this account."""
        adult = await self._own_card(account_id)
        if adult is None:
            raise _refused("own_card")
        if self._sources.civil is None:
            raise _not_set_up()
        document, holder = applicant.document, adult.holder
        answer = await self._sources.civil.check(
            "birth_certificate" if given.kind == "birth_certificate" else "household_register",
            given.number or "",
            RegisteredPerson(applicant.name, document.id_type, document.number),
            RegisteredPerson(holder.name, holder.id_type, holder.id_no),
        )
        if not answer.is_match:
            raise _refused("unrelated")
        return answer.serial_no

    async def _own_card(self, account_id: str) -> Card | None:
        for card in await self._store.list_of_account(account_id):
            tie = card.tie_of(account_id)
            if tie is not None and tie.relation == "self" and card.status is Status.ACTIVE:
                return card
        return None

    async def _consent_by_sms(
        self, account_id: str, applicant: Applicant, given: Given, there: Card | None
    ) -> str:
        """The phone must be theirs, not just in somebody's hand: it is the one in the file of their card, or
        the operator has it registered to them.  Asked before the code is used up."""
        if there is not None:
            if there.holder.phone != applicant.phone:
                raise _refused("phone")
        elif self._sources.mobile is None:
            raise _not_set_up()
        else:
            document = applicant.document
            answer = await self._sources.mobile.check(
                applicant.name, document.id_type, document.number, applicant.phone
            )
            if not answer.is_match:
                raise _refused("phone")
        return await self._sources.by_sms(applicant.phone, given.code or "", given.request_id)

    async def _consent_by_card(self, account_id: str, given: Given, there: Card | None) -> str:
        if there is None:
            raise _refused("consent")
        try:
            return await self._sources.by_card(given.code or "", there.card_id, account_id)
        except Unavailable:
            raise
        except EhcError:  # a code that is forged, old, used, or another card's: one answer for all
            raise _refused("consent") from None

    async def _papers(self, account_id: str, given: Given) -> str:
        """People decide: about a new card, or about a tie to the one that is there (joining.py)."""
        attachment_id = given.attachment_id or ""
        await self._attachments.require_own(account_id, attachment_id)
        return attachment_id


def _refused(reason: str) -> InvalidInput:
    return InvalidInput("relation.proof_refused", "this does not show the relation", reason=reason)


def _not_set_up() -> Unavailable:
    return Unavailable("proving.not_set_up", "this proof needs a source that is not set up here", 3600)
