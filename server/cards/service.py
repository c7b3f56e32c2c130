"""What a holder can do with a card: see it, and show its code (A3.3)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Literal

from server.cards import pictures, prints, qrcode
from server.cards.display import Display
from server.cards.model import Card, Status
from server.cards.preferences import Privacy
from server.cards.prints import PrintForm
from server.cards.store import CardStore
from server.core.clock import Clock
from server.core.errors import Conflict, Forbidden, NotFound
from server.core.keys import Seals
from server.core.masking import mask_name
from server.core.threads import run_in

Kind = Literal["dynamic", "static"]
Form = Literal["svg", "png"]


@dataclass(frozen=True)
class ShownCode:
    """A code to show now; a static one has no end."""

    text: str
    kind: Kind
    issued_at: datetime
    expires_at: datetime | None
    refresh_seconds: int | None


class CardService:
    def __init__(
        self,
        store: CardStore,
        seals: Seals,
        display: Display,
        clock: Clock,
        threads: ThreadPoolExecutor,
        *,
        centre_id: str,
    ) -> None:
        self._store = store
        self._seals = seals
        self._display = display
        self._clock = clock
        self._threads = threads
        self._centre_id = centre_id

    async def list_of_account(self, account_id: str) -> list[Card]:
        return await self._store.list_of_account(account_id)

    async def get(self, account_id: str, card_id: str) -> Card:
        """NotFound for a card that is not in this account, as for one that is not there at all.  A claim that
        joined a card answers as that card."""
        card = await self._store.find(card_id)
        if card is not None and card.joins is not None and card.status is Status.JOINED:
            card = await self._store.find(card.joins)
        if card is None or card.tie_of(account_id) is None:
            raise NotFound("card.not_found", "there is no such card")
        return card

    async def find(self, card_id: str) -> Card | None:
        """For who acts on behalf of its holder, not for showing it to an account."""
        return await self._store.find(card_id)

    async def list_accounts_of(self, card_id: str) -> list[str]:
        """The accounts a card is shown in; empty when there is no such card."""
        card = await self._store.find(card_id)
        return [] if card is None else [tie.account_id for tie in card.ties]

    async def birthday_of(self, card_id: str) -> date | None:
        """When the holder was born; None when there is no such card."""
        card = await self._store.find(card_id)
        return None if card is None else card.holder.born_on

    async def show_code(self, account_id: str, card_id: str, kind: Kind) -> ShownCode:
        """Conflict `card.not_active` in any other state, `card.static_refused_by_holder`; Forbidden
        `code.static_not_allowed` when the centre shows none."""
        return await self.code_of(await self.get(account_id, card_id), kind)

    async def code_of(self, card: Card, kind: Kind) -> ShownCode:
        """See `show_code`; whoever asks has seen to it that the card may be shown there."""
        card.require_active()
        now = self._clock.now()
        if kind == "static":
            await self.require_static(card)
            return ShownCode(qrcode.static_text(card.ehealth_card_id, self._centre_id), kind, now, None, None)
        kid = self._seals.current_code_kid()
        text = qrcode.dynamic_text(card.ehealth_card_id, self._centre_id, kid, now, self._seals.mac_for)
        refresh = await self._display.refresh()
        return ShownCode(text, kind, now, now + refresh, int(refresh.total_seconds()))

    async def require_static(self, card: Card) -> None:
        """Returns when a static code of the card may be shown or printed."""
        if not await self._display.static_allowed():
            raise Forbidden("code.static_not_allowed", "this card centre shows no static codes")
        if not card.preferences.static_allowed:
            raise Conflict("card.static_refused_by_holder", "the holder has turned static codes off")

    async def draw_code(self, account_id: str, card_id: str, kind: Kind, form: Form) -> bytes:
        """The code as a picture, drawn off the loop: it costs milliseconds."""
        code = await self.show_code(account_id, card_id, kind)
        draw = pictures.as_svg if form == "svg" else pictures.as_png
        return await run_in(self._threads, partial(draw, code.text))

    async def print_code(self, account_id: str, card_id: str, form: PrintForm) -> bytes:
        """See `print_static`; NotFound as `get`."""
        return await self.print_static(await self.get(account_id, card_id), form)

    async def print_static(self, card: Card, form: PrintForm) -> bytes:
        """The static code on paper: PDF of the form's size.  Conflict `card.not_active`,
        `card.static_refused_by_holder`; Forbidden `code.static_not_allowed`."""
        card.require_active()
        await self.require_static(card)
        text = qrcode.static_text(card.ehealth_card_id, self._centre_id)
        name, number = mask_name(card.holder.name), card.holder.id_no_masked
        draw = partial(prints.as_pdf, form, text, name, number, self._clock.now())
        return await run_in(self._threads, draw)

    # -- preferences
    async def display_rules(self) -> tuple[timedelta, bool]:
        """How long a dynamic code lives here, and whether static codes are shown."""
        return await self._display.refresh(), await self._display.static_allowed()

    async def privacy_of(self, person_id: str) -> Privacy:
        """What the holder has decided of each class of what hangs on the card (C7); the defaults ("ask") for
        a person without a card.  Whoever shows records, reports, visits or payments to others asks here."""
        card = await self._store.find_live_of_person(person_id)
        return Privacy() if card is None else card.preferences.privacy
