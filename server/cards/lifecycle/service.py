"""Moving a card from one state to another (C4): lost, frozen, active again, reissued, cancelled.

What is legal stands in `transitions.TABLE`.  Every scan reads the card's row, so a transition that is
acknowledged holds for the very next scan on every process.
"""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from server.cards.factors.service import Factor, FactorCode, FactorService
from server.cards.lifecycle.store import LifecycleStore
from server.cards.lifecycle.transitions import (
    ROLE_OF_RELATION,
    Action,
    Outcome,
    Role,
    apply,
    may,
    state_of,
)
from server.cards.model import Card, Holder, Status, new_ehealth_card_id
from server.cards.preferences import Preferences
from server.cards.store import CardStore
from server.core.audit import Actor, Audit
from server.core.clock import Clock
from server.core.errors import Conflict, NotFound
from server.core.masking import mask_id_no, mask_name, mask_phone
from server.core.policies import Policies, Policy

TRIES = 5  # others who move the same card in the same instant
MASKED_AT_ONCE = 100


class RetentionPolicy(Policy):
    NAME: ClassVar[str] = "card_retention"
    SENTENCE: ClassVar[str] = "How long a cancelled card keeps its holder's data before they are masked"

    cancelled_days: int = Field(1095, ge=0, le=36_500)


class LifecycleService:
    def __init__(
        self,
        cards: CardStore,
        store: LifecycleStore,
        factors: FactorService,
        audit: Audit,
        policies: Policies,
        clock: Clock,
    ) -> None:
        self._cards = cards
        self._store = store
        self._factors = factors
        self._audit = audit
        self._policies = policies
        self._clock = clock

    # -- by an account
    async def move(
        self,
        account_id: str,
        card_id: str,
        action: Action,
        factor: Factor | None = None,
        request: str | None = None,
    ) -> Card:
        """The card after the transition; the same for the same `request`, however often it comes.

        NotFound `card.not_found`; Conflict `card.transition_illegal` (detail.status); Forbidden
        `factor.required`, `factor.wrong`; TooMany `pin.locked`.
        """
        card = await self._tied(account_id, card_id)
        if request is not None and card.last_request == request:
            return card
        role = role_in(card, account_id)
        if _legal(card, action, role).needs_factor:
            await self._factors.require(card, factor)
        return await self._move(card, action, role, Actor("account", account_id), request=request)

    async def send_factor_code(self, account_id: str, card_id: str) -> FactorCode:
        """Conflict `card.not_active` for a card that is over or not yet there; what
        `FactorService.send_code` refuses."""
        card = await self._tied(account_id, card_id)
        if not card.is_issued:
            raise Conflict("card.not_active", "nothing needs a code now", status=card.status.value)
        return await self._factors.send_code(card, Actor("account", account_id))

    async def put_pin(self, account_id: str, card_id: str, pin: str | None, factor: Factor | None) -> None:
        """See `FactorService.put_pin`."""
        card = await self._tied(account_id, card_id)
        await self._factors.put_pin(card, pin, factor, Actor("account", account_id))

    async def set_preferences(self, account_id: str, card_id: str, preferences: Preferences) -> Preferences:
        """Conflict `card.not_active` for a card that is over or not yet there, `pin.not_set` when they stand
        on a PIN that is not there."""
        for _ in range(TRIES):
            card = await self._tied(account_id, card_id)
            if not card.is_issued:
                raise Conflict(
                    "card.not_active", "the card has no preferences in its state", status=card.status.value
                )
            if preferences.static_needs_pin and not card.has_pin:
                raise Conflict("pin.not_set", "set a PIN first")
            if await self._store.set_preferences(card, preferences):
                await self._audit.record("cards.prefer", Actor("account", account_id), "card", card_id)
                return preferences
        raise Conflict(
            "card.transition_illegal", "the card is being moved by others", status=card.status.value
        )

    async def remove(self, account_id: str, card_id: str) -> None:
        """Takes a family member's card out of the account; the card itself stays as it is.

        Conflict `card.own_card`; `card.claim_in_progress` while the claim is not decided.
        """
        card = await self._tied(account_id, card_id)
        tie = card.tie_of(account_id)
        assert tie is not None, "just found by it"
        if tie.relation == "self":
            raise Conflict("card.own_card", "one's own card is cancelled, not removed")
        if card.status is Status.PENDING:
            raise Conflict("card.claim_in_progress", "the claim is still being checked")
        await self._audit.record("cards.remove", Actor("account", account_id), "card", card_id)
        await self._store.untie(card, tie)

    async def _tied(self, account_id: str, card_id: str) -> Card:
        card = await self._cards.find(card_id)
        if card is None or card.tie_of(account_id) is None:
            raise NotFound("card.not_found", "there is no such card")
        return card

    # -- by the centre, and by the register of persons
    async def see_by_centre(self, card_id: str, by: Actor) -> Card:
        """NotFound `card.not_found`."""
        card = await self._get(card_id)
        await self._audit.record("cards.see", by, "card", card_id)
        return card

    async def _get(self, card_id: str) -> Card:
        card = await self._cards.find(card_id)
        if card is None:
            raise NotFound("card.not_found", "there is no such card")
        return card

    async def move_by_centre(
        self, card_id: str, action: Action, by: Actor, reason: str, request: str | None = None
    ) -> Card:
        """Freezes, unfreezes or cancels; the reason is in the audit, the holder is told that it happened.

        NotFound `card.not_found`; Conflict `card.transition_illegal` (detail.status).
        """
        card = await self._get(card_id)
        if request is not None and card.last_request == request:
            return card
        _legal(card, action, Role.CENTRE)
        return await self._move(card, action, Role.CENTRE, by, request=request, reason=reason)

    async def withdraw(self, card: Card, by: Actor, reason: str) -> Card:
        """Cancels a card that the institution gave out by mistake; `InstitutionCards.withdraw` says when it
        may.  Conflict `card.transition_illegal`."""
        return await self._move(card, Action.CANCEL, Role.ISSUER, by, reason=reason)

    async def hold_for_merge(self, person_id: str, merge_id: str, by: Actor) -> bool:
        """Freezes the card of a person who was merged into another; only `release_from_merge` with the same
        merge lifts it.  False when there is no issued card or it is held for this merge already."""
        return await self._move_for_merge(person_id, Action.FREEZE, merge_id, by)

    async def release_from_merge(self, person_id: str, merge_id: str, by: Actor) -> bool:
        """The merge was reversed: the card is what it was before, lost or frozen for another cause included.
        False when this merge does not hold it."""
        return await self._move_for_merge(person_id, Action.REACTIVATE, merge_id, by)

    async def _move_for_merge(self, person_id: str, action: Action, merge_id: str, by: Actor) -> bool:
        card = await self._cards.find_live_of_person(person_id)
        if card is None or apply(state_of(card), action, Role.MERGE, merge_id) is None:
            return False
        await self._move(card, action, Role.MERGE, by, merge_id=merge_id)
        return True

    async def _move(
        self,
        card: Card,
        action: Action,
        role: Role,
        by: Actor,
        *,
        request: str | None = None,
        reason: str | None = None,
        merge_id: str = "",
    ) -> Card:
        """Recorded first: a crash in between leaves an entry without its act, never the reverse."""
        await self._audit.record(
            "cards.move", by, "card", card.card_id, outcome=action.value, role=role.value, reason=reason
        )
        for _ in range(TRIES):
            outcome = _legal(card, action, role, merge_id)
            moved = await self._store.move(
                card,
                outcome,
                self._clock.now(),
                data={"by": role.value},
                request=request,
                new_id=new_ehealth_card_id() if outcome.is_reissue else None,
            )
            found = await self._cards.find(card.card_id)
            assert found is not None, "a card is never deleted"
            card = found
            if moved:
                return card
        raise Conflict(
            "card.transition_illegal", "the card is being moved by others", status=card.status.value
        )

    # -- by the worker
    async def mask_cancelled(self) -> int:
        """Masks what the rule of retention does not keep any longer; returns how many cards."""
        policy = await self._policies.get(RetentionPolicy)
        before = self._clock.now() - timedelta(days=policy.cancelled_days)
        due = await self._store.list_cancelled(before, MASKED_AT_ONCE)
        for card in due:
            await self._audit.record("cards.mask", Actor("system", "worker"), "card", card.card_id)
            await self._store.mask(card, masked(card.holder))
        return len(due)


def masked(holder: Holder) -> Holder:
    """What is kept of the holder of a card that is over: enough to recognise an old entry, no more."""
    return Holder(
        name=mask_name(holder.name),
        gender=holder.gender,
        born_on=holder.born_on.replace(month=1, day=1),
        id_type=holder.id_type,
        id_no=mask_id_no(holder.id_no),
        phone=mask_phone(holder.phone),
    )


def role_in(card: Card, account_id: str) -> Role:
    """As what the account may act on the card."""
    tie = card.tie_of(account_id)
    assert tie is not None, "asked of accounts the card is in"
    return ROLE_OF_RELATION[tie.relation]


def may_do(card: Card, account_id: str) -> list[str]:
    """What is legal now for this account: actions of the table, and "remove" for a family member's card."""
    role = role_in(card, account_id)
    found = [action.value for action in may(state_of(card), role)]
    is_removable = role is not Role.HOLDER and card.status is not Status.PENDING
    return [*found, "remove"] if is_removable else found


def may_by_centre(card: Card) -> list[str]:
    """What is legal now for the card centre."""
    return [action.value for action in may(state_of(card), Role.CENTRE)]


def _legal(card: Card, action: Action, role: Role, merge_id: str = "") -> Outcome:
    outcome = apply(state_of(card), action, role, merge_id)
    if outcome is None:
        raise Conflict(
            "card.transition_illegal", "the card's state does not allow this", status=card.status.value
        )
    return outcome
