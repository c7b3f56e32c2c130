"""Whom a hospital means: the card of a person it knows, and of nobody else."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from server.cards.model import Card
from server.cards.store import CardStore
from server.core.clock import Clock
from server.core.errors import Malformed, NotFound
from server.identity.identifiers.service import IdentifierService

# A hospital that has not met somebody for longer asks for the card again.
KNOWN_FOR = timedelta(days=400)
HasVerified = Callable[[str, str, datetime], Awaitable[bool]]


class Registered(Protocol):
    """A booking, as far as it says for whom."""

    @property
    def card_id(self) -> str: ...


FindRegistration = Callable[[str, str], Awaitable[Registered | None]]
"""(institution, registration_no) → the booking it stands for there."""


@dataclass(frozen=True)
class Whom:
    """How a hospital names a patient: exactly one of these."""

    card_id: str | None = None
    person_id: str | None = None
    hospital_patient_no: str | None = None
    registration_no: str | None = None

    def require_one(self) -> None:
        if sum(name is not None for name in vars(self).values()) != 1:
            raise Malformed(
                "request.invalid", "name one: card_id, person_id, hospital_patient_no or registration_no"
            )


class Patients:
    def __init__(
        self,
        cards: CardStore,
        identifiers: IdentifierService,
        has_verified: HasVerified,
        clock: Clock,
        find_registration: FindRegistration,
    ) -> None:
        self._cards = cards
        self._identifiers = identifiers
        self._has_verified = has_verified
        self._clock = clock
        self._find_registration = find_registration

    async def get_card(self, institution_id: str, whom: Whom) -> Card:
        """The card of the patient.  Malformed `request.invalid`; NotFound `patient.not_found` for somebody
        without a card, as for one whom this institution does not know: by a patient number of its own, by
        having given the card out, or by having verified it within KNOWN_FOR."""
        whom.require_one()
        card, is_named_by_them = await self._find(institution_id, whom)
        if card is None or not card.is_issued:
            raise _not_found()
        if not is_named_by_them and not await self._knows(institution_id, card):
            raise _not_found()
        return card

    async def _find(self, institution_id: str, whom: Whom) -> tuple[Card | None, bool]:
        """The card, and whether the institution's own number led to it."""
        if whom.card_id is not None:
            return await self._cards.find(whom.card_id), False
        if whom.person_id is not None:
            return await self._cards.find_live_of_person(whom.person_id), False
        if whom.registration_no is not None:
            booked = await self._find_registration(institution_id, whom.registration_no)
            return (None if booked is None else await self._cards.find(booked.card_id)), True
        assert whom.hospital_patient_no is not None, "`require_one` has seen to it"
        try:
            person_id = await self._identifiers.find_person_id(institution_id, whom.hospital_patient_no)
        except (Malformed, NotFound):
            raise _not_found() from None
        return await self._cards.find_live_of_person(person_id), True

    async def _knows(self, institution_id: str, card: Card) -> bool:
        if any(issue.institution_id == institution_id for issue in card.issues):
            return True
        since = self._clock.now() - KNOWN_FOR
        if await self._has_verified(institution_id, card.ehealth_card_id, since):
            return True
        if card.person_id is None:
            return False
        known = await self._identifiers.list_of_person(card.person_id)
        return any(one.domain == institution_id for one in known)


def _not_found() -> NotFound:
    return NotFound("patient.not_found", "you know no such patient with a health card")
