from typing import Annotated, Literal

from pydantic import Field

from handlers.authentication import ResidentHandler
from handlers.requests import Accepted, Id, Model, NoContent, Ok, Picture, Time, operation
from handlers.resident.cards import CardView
from handlers.resident.factors import AnyFactor, Digits, as_factor
from server.cards.lifecycle.transitions import Action
from server.cards.preferences import Openness, Preferences, Privacy
from server.cards.prints import PrintForm
from server.core.errors import Conflict, Forbidden, InvalidInput, TooMany


class TransitionRequest(Model):
    action: Literal["report_lost", "freeze", "reactivate", "reissue", "cancel"]
    factor: AnyFactor | None = None


class PinRequest(Model):
    pin: Annotated[Digits | None, Field(description="six digits; null takes the PIN away")]
    factor: AnyFactor | None = None


class FactorCodeSent(Model):
    request_id: str
    expires_at: Time
    phone_masked: str


class PrivacyView(Model):
    records: Openness
    reports: Openness
    visits: Openness
    payments: Openness


class PreferencesRequest(Model):
    shows: Literal["dynamic", "static"]
    static_needs_pin: bool
    static_allowed: Annotated[
        bool | None, Field(description="off: every static code of the card is refused; left out: as it was")
    ] = None
    privacy: PrivacyView


class DisplayRules(Model):
    """What the centre has decided; a preference means something inside it only."""

    refresh_seconds: int
    static_allowed: bool
    static_pin_required: Annotated[list[str], Field(description="scenes whose static codes need the PIN")]


class PreferencesView(Model):
    shows: Literal["dynamic", "static"]
    static_needs_pin: bool
    static_allowed: bool
    privacy: PrivacyView
    policy: DisplayRules


class PrintQuery(Model):
    form: PrintForm = "label"


class Transitions(ResidentHandler):
    @operation(
        "Report a card lost, freeze, reactivate, reissue or cancel it",
        body=TransitionRequest,
        reply=CardView,
        refuses=(Conflict, Forbidden, TooMany),
        idempotent=True,
    )
    async def post(self, card_id: Id, body: TransitionRequest) -> Ok:
        account_id = self.session.account.account_id
        card = await self.services.lifecycle.move(
            account_id, card_id, Action(body.action), as_factor(body.factor), self.idempotency_row
        )
        return Ok(CardView.of(card, account_id))


class FactorCodes(ResidentHandler):
    @operation(
        "Send a code of six digits to the card's own phone, as a factor",
        reply=FactorCodeSent,
        replies=(Accepted,),
        refuses=(Conflict, TooMany),
    )
    async def post(self, card_id: Id) -> Accepted:
        sent = await self.services.lifecycle.send_factor_code(self.session.account.account_id, card_id)
        return Accepted(FactorCodeSent(**sent.__dict__))


class CardPin(ResidentHandler):
    @operation(
        "Set, change or take away a card's PIN",
        body=PinRequest,
        replies=(NoContent,),
        refuses=(InvalidInput, Conflict, Forbidden, TooMany),
        idempotent=True,
    )
    async def put(self, card_id: Id, body: PinRequest) -> NoContent:
        await self.services.lifecycle.put_pin(
            self.session.account.account_id, card_id, body.pin, as_factor(body.factor)
        )
        return NoContent()


class CardPreferences(ResidentHandler):
    async def view(self, preferences: Preferences) -> PreferencesView:
        rules = await self.services.verification.static_rules()
        refresh, is_allowed = await self.services.cards.display_rules()
        return PreferencesView(
            shows=preferences.shows,
            static_needs_pin=preferences.static_needs_pin,
            static_allowed=preferences.static_allowed,
            privacy=PrivacyView(**preferences.privacy.__dict__),
            policy=DisplayRules(
                refresh_seconds=int(refresh.total_seconds()),
                static_allowed=is_allowed,
                static_pin_required=sorted(rules.pin_scenes),
            ),
        )

    @operation("How a card is shown and what of it is open to others", reply=PreferencesView)
    async def get(self, card_id: Id) -> Ok:
        card = await self.services.cards.get(self.session.account.account_id, card_id)
        return Ok(await self.view(card.preferences))

    @operation(
        "Decide how a card is shown and what of it is open to others",
        body=PreferencesRequest,
        reply=PreferencesView,
        refuses=(Conflict,),
    )
    async def put(self, card_id: Id, body: PreferencesRequest) -> Ok:
        account_id = self.session.account.account_id
        before = (await self.services.cards.get(account_id, card_id)).preferences
        preferences = Preferences(
            shows=body.shows,
            static_allowed=before.static_allowed if body.static_allowed is None else body.static_allowed,
            static_needs_pin=body.static_needs_pin,
            privacy=Privacy(**body.privacy.model_dump()),
        )
        kept = await self.services.lifecycle.set_preferences(account_id, card_id, preferences)
        return Ok(await self.view(kept))


class CardPrint(ResidentHandler):
    @operation(
        "The static code on paper, as PDF: a label of 50 × 30 mm or a wrist band of 280 × 25 mm",
        query=PrintQuery,
        refuses=(Conflict, Forbidden),
        media_type="application/pdf",
    )
    async def get(self, card_id: Id, query: PrintQuery) -> Picture:
        account_id = self.session.account.account_id
        drawn = await self.services.cards.print_code(account_id, card_id, query.form)
        return Picture(drawn, "application/pdf")


ROUTES = [
    ("/api/v1/cards/{card_id}/transitions", Transitions),
    ("/api/v1/cards/{card_id}/factor-codes", FactorCodes),
    ("/api/v1/cards/{card_id}/pin", CardPin),
    ("/api/v1/cards/{card_id}/preferences", CardPreferences),
    ("/api/v1/cards/{card_id}/print", CardPrint),
]
