"""Giving out a card at a window or a kiosk (A3.2, B7.5, B7.7): a document is read, somebody stands there.

The same one card as everywhere: who has one gets it printed again.  A card given out here is in nobody's
account; its holder takes it over later, with a proven phone.
"""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Literal

from server.cards import pictures, qrcode
from server.cards.deciding import FIRST_RETRY, Deciding
from server.cards.model import Card, Holder, Issue, Status, new_ehealth_card_id
from server.cards.placing import Placing
from server.cards.policy import ClaimPolicy
from server.cards.prints import PrintForm
from server.cards.proof import CardProof
from server.cards.service import CardService, Form
from server.cards.store import CardStore
from server.core.audit import Actor, Audit
from server.core.clock import Clock, today
from server.core.errors import Conflict, Forbidden, InvalidInput, NotFound, Unavailable
from server.core.ids import new_id
from server.core.mongo import Duplicate
from server.core.phones import read_phone
from server.core.policies import Policies
from server.core.threads import run_in
from server.identity.applicant import Applicant, Brought, Channel, FaceToFace
from server.identity.document_types import DOCUMENT_TYPES
from server.identity.documents import age_on, read_document
from server.identity.model import Guardian
from server.identity.names import read_name, same_name
from server.identity.proving import Proving
from server.identity.service import IdentityService
from server.identity.tries import Tries
from server.partners.model import Caller, Terminal
from server.partners.service import PartnerService

CHANNEL_OF_TERMINAL: dict[str, Channel] = {"0200": "kiosk"}
"How terminals are used (code table): what is no kiosk has a clerk."
PRINTABLE_FOR = timedelta(days=1)
HasVerified = Callable[[str, str, datetime], Awaitable[bool]]
"""(institution, ehealth_card_id, since) → whether that institution has verified a code of the card."""


@dataclass(frozen=True)
class Reading:
    """How the document came in: a device read it, or somebody typed it."""

    how: Literal["device", "typed"]
    device_no: str | None = None


@dataclass(frozen=True)
class Visitor:
    """What the window has of the person who stands there."""

    name: str
    id_type: str
    id_no: str
    phone: str
    gender: str | None = None
    born_on: date | None = None
    nation: str | None = None
    address: str | None = None
    guardian: Guardian | None = None


@dataclass(frozen=True)
class Counter:
    """Where that is, who works there, and what the hospital calls the person, when it opens a file too."""

    terminal_id: str
    clerk_id: str | None
    reading: Reading
    hospital_patient_no: str | None = None


@dataclass(frozen=True)
class Issued:
    """`static_code` is there to be printed once the card is active; `file` is (domain, number) as bound."""

    card: Card
    is_new: bool
    static_code: str | None
    file: tuple[str, str] | None


class WindowService:
    def __init__(
        self,
        store: CardStore,
        cards: CardService,
        placing: Placing,
        deciding: Deciding,
        identity: IdentityService,
        proving: Proving,
        tries: Tries,
        partners: PartnerService,
        policies: Policies,
        audit: Audit,
        clock: Clock,
        threads: ThreadPoolExecutor,
        has_verified: HasVerified,
        *,
        centre_id: str,
        allows_test_numbers: bool,
    ) -> None:
        self._store = store
        self._cards = cards
        self._placing = placing
        self._deciding = deciding
        self._identity = identity
        self._proving = proving
        self._tries = tries
        self._partners = partners
        self._policies = policies
        self._audit = audit
        self._clock = clock
        self._threads = threads
        self._has_verified = has_verified
        self._centre_id = centre_id
        self._allows_test_numbers = allows_test_numbers

    async def issue(self, caller: Caller, visitor: Visitor, counter: Counter) -> Issued:
        """The person's one card: a new one, or the one there is, with its static code to print.

        Forbidden: terminal.unknown.  InvalidInput: name, document and phone rules, document.proves_nobody,
        claim.guardian_required, face_to_face.required, identity.mismatch.  Conflict: card.claim_in_progress,
        identifier.taken.  TooMany: identity_mismatch*.too_many.
        """
        terminal = await self._partners.get_terminal(caller, counter.terminal_id)
        applicant = await self._applicant(caller, terminal, visitor, counter)
        await self._proving.require_possible(applicant)
        pair = self._identity.pair_key(applicant.name, applicant.document)
        subjects = self._tries.subjects(applicant.document, address=f"terminal {terminal.terminal_id}")
        await self._tries.hold(pair, subjects)
        issue = self._issue(caller, terminal, counter)
        try:
            institution = caller.app.institution.name
            card, is_new = await self._placed(applicant, visitor, issue, institution, subjects)
        except (Conflict, InvalidInput, Unavailable):
            await self._tries.settle(pair, subjects, costs=False)
            raise
        refused = card is None or card.status is Status.REFUSED
        if card is None or card.pending_reason != "source":
            await self._tries.settle(pair, subjects, costs=refused)
        await self._audit.record(
            "cards.issue",
            Actor("app", caller.app.app_id),
            "card",
            "unknown" if card is None else card.card_id,
            outcome="mismatch" if card is None or refused else card.status.value,
            is_new=is_new,
            clerk=counter.clerk_id,
            terminal=terminal.terminal_id,
            reading=counter.reading.how,
        )
        if card is None or refused:
            raise InvalidInput("identity.mismatch", "name and document number do not belong together")
        file = await self._open_file(caller, card, counter.hospital_patient_no)
        return Issued(card, is_new, await self._static_code(card), file)

    async def _applicant(
        self, caller: Caller, terminal: Terminal, visitor: Visitor, counter: Counter
    ) -> Applicant:
        document = read_document(
            visitor.id_type,
            visitor.id_no,
            today(self._clock),
            allows_test_numbers=self._allows_test_numbers,
            born_on=visitor.born_on,
            gender=visitor.gender,
        )
        policy = await self._policies.get(ClaimPolicy)
        age = age_on(document.born_on, today(self._clock))
        if age < policy.guardian_years and visitor.guardian is None:
            raise InvalidInput("claim.guardian_required", "say which parent or guardian is with the child")
        seen = FaceToFace(
            caller.app.institution.institution_id,
            terminal.terminal_id,
            counter.clerk_id,
            counter.reading.how,
            counter.reading.device_no,
        )
        channel = CHANNEL_OF_TERMINAL.get(terminal.channel, "window")
        name, phone = read_name(visitor.name), read_phone(visitor.phone)
        return Applicant.bringing(name, document, phone, channel, Brought(face_to_face=seen))

    def _issue(self, caller: Caller, terminal: Terminal, counter: Counter) -> Issue:
        return Issue(
            caller.app.app_id,
            caller.app.institution.institution_id,
            terminal.terminal_id,
            terminal.place,
            counter.clerk_id,
            counter.reading.how,
            self._clock.now(),
        )

    async def _placed(
        self,
        applicant: Applicant,
        visitor: Visitor,
        issue: Issue,
        institution: str,
        subjects: tuple[str, ...],
    ) -> tuple[Card | None, bool]:
        """The decided (or pending) card; None when it is there under another name."""
        for _ in range(2):
            card = await self._placing.find_live(applicant.document)
            is_new = card is None
            if card is None:
                card = await self._insert(applicant, visitor, issue, subjects)
            if card is None:
                continue  # somebody else's claim came first
            if not same_name(card.holder.name, applicant.name):
                if card.status is Status.PENDING:
                    raise Conflict("card.claim_in_progress", "a claim with another name is being checked")
                return None, False
            if card.status is Status.PENDING:
                card = await self._deciding.decide_now(card)
            if card.refused_reason in ("held", "unproven"):
                continue
            if not is_new and card.status is not Status.REFUSED:
                await self._store.note_issue(card.card_id, issue, institution, self._clock.now())
                card = replace(card, issues=(*card.issues, issue))
            return card, is_new
        raise Conflict("card.claim_in_progress", "another claim was decided just now")

    async def _insert(
        self, applicant: Applicant, visitor: Visitor, issue: Issue, subjects: tuple[str, ...]
    ) -> Card | None:
        """A new pending card; None when the document has one since we looked."""
        document, now = applicant.document, self._clock.now()
        if not DOCUMENT_TYPES[document.id_type].proves_identity:
            raise InvalidInput(
                "document.proves_nobody", "this document tells people apart; a new card needs one of identity"
            )
        holder = Holder(
            applicant.name,
            document.gender,
            document.born_on,
            document.id_type,
            document.number,
            applicant.phone,
            visitor.nation,
            visitor.address,
            visitor.guardian,
        )
        card = Card(
            new_id(now),
            new_ehealth_card_id(),
            Status.PENDING,
            holder,
            None,
            (),
            now,
            channel=applicant.channel,
            issues=(issue,),
            proof=CardProof(applicant.brought, subjects=subjects),
        )
        try:
            await self._store.insert(card, self._identity.document_key(document), now + FIRST_RETRY)
            return card
        except Duplicate:
            return None

    async def _open_file(self, caller: Caller, card: Card, patient_no: str | None) -> tuple[str, str] | None:
        """The hospital's own number for the person, cross-referenced (B7.7)."""
        if patient_no is None or card.person_id is None:
            return None
        domain = caller.app.institution.institution_id
        await self._identity.bind(domain, patient_no, card.person_id, Actor("app", caller.app.app_id))
        return domain, patient_no

    async def _static_code(self, card: Card) -> str | None:
        """None when the card is not active, or the centre or its holder will have no static code."""
        try:
            card.require_active()
            await self._cards.require_static(card)
        except (Conflict, Forbidden):
            return None
        return qrcode.static_text(card.ehealth_card_id, self._centre_id)

    async def print(self, caller: Caller, card_id: str, form: Form | PrintForm) -> bytes:
        """The static code as a picture, or on a label or wrist band (PDF), for an institution that gave the
        card out, or verified it, within a day.  NotFound `card.not_found` for any other card;
        Conflict `card.not_active`, `card.static_refused_by_holder`; Forbidden `code.static_not_allowed`."""
        card = await self._store.find(card_id)
        if card is None or not await self._may_print(caller, card):
            raise NotFound("card.not_found", "there is no such card")
        card.require_active()
        await self._cards.require_static(card)
        await self._audit.record("cards.print", Actor("app", caller.app.app_id), "card", card_id, form=form)
        if form == "label" or form == "wristband":
            return await self._cards.print_static(card, form)
        text = qrcode.static_text(card.ehealth_card_id, self._centre_id)
        draw = pictures.as_svg if form == "svg" else pictures.as_png
        return await run_in(self._threads, partial(draw, text))

    async def _may_print(self, caller: Caller, card: Card) -> bool:
        institution_id = caller.app.institution.institution_id
        since = self._clock.now() - PRINTABLE_FOR
        if any(issue.institution_id == institution_id and issue.at >= since for issue in card.issues):
            return True
        return await self._has_verified(institution_id, card.ehealth_card_id, since)
