"""Cards as an institution has them: those it gave out, and those it verified within a day."""

from datetime import datetime, timedelta

from server.cards.lifecycle.service import LifecycleService
from server.cards.model import Card, Status
from server.cards.service import CardService, Kind, ShownCode
from server.cards.store import CardStore
from server.cards.window import HasVerified
from server.core.audit import Actor, Audit
from server.core.clock import Clock, today
from server.core.errors import Conflict, NotFound
from server.identity.documents import read_number
from server.identity.service import IdentityService
from server.partners.model import Caller

KNOWN_FOR = timedelta(days=1)


class InstitutionCards:
    def __init__(
        self,
        store: CardStore,
        cards: CardService,
        lifecycle: LifecycleService,
        identity: IdentityService,
        audit: Audit,
        clock: Clock,
        has_verified: HasVerified,
        *,
        allows_test_numbers: bool,
    ) -> None:
        self._store = store
        self._cards = cards
        self._lifecycle = lifecycle
        self._identity = identity
        self._audit = audit
        self._clock = clock
        self._has_verified = has_verified
        self._allows_test_numbers = allows_test_numbers

    async def get(self, caller: Caller, ehealth_card_id: str) -> Card:
        """NotFound `card.not_found` for a card this institution neither gave out nor verified within a day,
        as for one that is not there at all."""
        return await self._seen(caller, await self._store.find_by_code(ehealth_card_id))

    async def get_by_document(self, caller: Caller, id_type: str, id_no: str) -> Card:
        """The same, by the holder's document.  InvalidInput `document.unknown_type`,
        `document.invalid_number`."""
        number = read_number(
            id_type, id_no, today(self._clock), allows_test_numbers=self._allows_test_numbers
        )
        card = await self._store.find_live(self._identity.number_index(id_type, number))
        return await self._seen(caller, card)

    async def _seen(self, caller: Caller, card: Card | None) -> Card:
        if card is None or not await self._is_known(caller, card):
            raise NotFound("card.not_found", "this institution has no such card")
        await self._audit.record("cards.see", Actor("app", caller.app.app_id), "card", card.card_id)
        return card

    async def _is_known(self, caller: Caller, card: Card) -> bool:
        institution_id = caller.app.institution.institution_id
        if any(issue.institution_id == institution_id for issue in card.issues):
            return True
        return await self._has_verified(institution_id, card.ehealth_card_id, self._a_day_ago())

    def _a_day_ago(self) -> datetime:
        return self._clock.now() - KNOWN_FOR

    async def show_code(self, caller: Caller, card: Card, kind: Kind) -> ShownCode:
        """A code to show to the holder on the institution's own pages.  Conflict `card.not_active`,
        `card.static_refused_by_holder`; Forbidden `code.static_not_allowed`."""
        actor = Actor("app", caller.app.app_id)
        await self._audit.record("cards.show_code", actor, "card", card.card_id, kind=kind)
        return await self._cards.code_of(card, kind)

    async def withdraw(self, caller: Caller, card: Card, reason: str) -> Card:
        """Takes back a card given out by mistake: the institution's own, of the last day, which nobody has
        taken into an account and nobody else has given out since.  Any other is its holder's or the centre's
        to cancel: Conflict `card.in_use`.  Withdrawing twice changes nothing."""
        if card.status is Status.CANCELLED:
            return card
        institution_id, since = caller.app.institution.institution_id, self._a_day_ago()
        is_new = card.claimed_at >= since
        is_ours = is_new and all(
            one.institution_id == institution_id and one.at >= since for one in card.issues
        )
        if card.ties or not card.issues or not is_ours:
            raise Conflict("card.in_use", "only its holder or the card centre cancels this card")
        return await self._lifecycle.withdraw(card, Actor("app", caller.app.app_id), reason)
