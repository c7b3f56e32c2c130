from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from handlers.authentication import StaffHandler
from handlers.requests import Id, Model, Ok, Time, operation
from server.cards.lifecycle.service import may_by_centre
from server.cards.lifecycle.transitions import Action, frozen_because
from server.cards.model import Card
from server.core.errors import Conflict
from server.core.masking import mask_name


class CentreTransition(Model):
    action: Literal["freeze", "reactivate", "cancel"]
    reason: Annotated[
        str,
        StringConstraints(min_length=1, max_length=200),
        Field(description="why, for the audit; no personal data"),
    ]


class StaffCardView(Model):
    card_id: str
    status: str
    frozen_because: Annotated[str | None, Field(description='"holder", "centre" or "merge:<id>"')]
    person_id: str | None
    claimed_at: Time
    name_masked: str
    id_type: str
    id_no_masked: str
    may: Annotated[list[str], Field(description="what the centre may do with the card now")]

    @classmethod
    def of(cls, card: Card) -> "StaffCardView":
        return cls(
            card_id=card.card_id,
            status=card.status.value,
            frozen_because=frozen_because(card.holds),
            person_id=card.person_id,
            claimed_at=card.claimed_at,
            name_masked=mask_name(card.holder.name),
            id_type=card.holder.id_type,
            id_no_masked=card.holder.id_no_masked,
            may=may_by_centre(card),
        )


class StaffCard(StaffHandler):
    @operation("One card, masked", reply=StaffCardView, permission="cards.freeze")
    async def get(self, card_id: Id) -> Ok:
        return Ok(StaffCardView.of(await self.services.lifecycle.see_by_centre(card_id, self.actor)))


class StaffCardTransitions(StaffHandler):
    @operation(
        "Freeze, reactivate or cancel a card, with a reason",
        body=CentreTransition,
        reply=StaffCardView,
        refuses=(Conflict,),
        permission="cards.freeze",
        idempotent=True,
    )
    async def post(self, card_id: Id, body: CentreTransition) -> Ok:
        card = await self.services.lifecycle.move_by_centre(
            card_id, Action(body.action), self.actor, body.reason, self.idempotency_row
        )
        return Ok(StaffCardView.of(card))


ROUTES = [
    ("/staff/v1/cards/{card_id}", StaffCard),
    ("/staff/v1/cards/{card_id}/transitions", StaffCardTransitions),
]
