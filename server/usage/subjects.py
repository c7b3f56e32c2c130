"""Whose card each use of a batch was, with one query for each way of naming it."""

from collections.abc import Sequence
from datetime import datetime

from server.cards import qrcode
from server.cards.display import Display
from server.core.errors import EhcError, InvalidInput
from server.core.keys import Seals
from server.identity.identifiers.service import IdentifierService
from server.usage.model import AHEAD, ReportedUse, UsedCard
from server.usage.store import ReportedUsageStore

Subject = tuple[UsedCard, qrcode.Code | None]


class Subjects:
    def __init__(
        self,
        store: ReportedUsageStore,
        identifiers: IdentifierService,
        display: Display,
        seals: Seals,
        *,
        centre_id: str,
    ) -> None:
        self._store = store
        self._identifiers = identifiers
        self._display = display
        self._seals = seals
        self._centre_id = centre_id

    async def of(self, domain: str, uses: Sequence[ReportedUse], now: datetime) -> list[Subject | EhcError]:
        """For each use its card, with the code if one was read; or why it has none.  `domain` is where the
        patient numbers are of."""
        read = [await self._read(use, now) for use in uses]
        by_code = await self._store.list_cards_of_codes(
            code.ehealth_card_id for code in read if isinstance(code, qrcode.Code)
        )
        by_card = await self._store.list_cards(use.card_id for use in uses if use.card_id is not None)
        numbers = [use.patient_no for use in uses if use.patient_no is not None]
        by_number = await self._identifiers.list_person_ids(domain, numbers)
        living = await self._identifiers.list_living(
            [use.person_id for use in uses if use.person_id is not None]
        )
        by_person = await self._store.list_cards_of_persons([*by_number.values(), *living.values()])

        def find(use: ReportedUse, code: qrcode.Code | EhcError | None) -> Subject | EhcError:
            if isinstance(code, EhcError):
                return code
            if code is not None:
                card = by_code.get(code.ehealth_card_id)
            elif use.card_id is not None:
                card = by_card.get(use.card_id)
            elif use.patient_no is not None:
                card = by_person.get(by_number.get(use.patient_no, ""))
            else:
                card = by_person.get(living.get(use.person_id or "", ""))
            if card is None:
                return InvalidInput("usage.no_card", "nobody who has a card is known by this")
            return card, code

        return [find(use, code) for use, code in zip(uses, read, strict=True)]

    async def _read(self, use: ReportedUse, now: datetime) -> qrcode.Code | EhcError | None:
        """The code of a use that has one, proven; one that renews itself must have lived when it was read, by
        a clock that may be off as far as a partner's may."""
        try:
            use.require_told(now)
            if use.code is None:
                return None
            code = qrcode.read_code(use.code)
            if code.centre_id not in (None, self._centre_id):
                raise InvalidInput("usage.no_card", "this card is another centre's")
            if code.token is not None:
                if code.centre_id is None:
                    raise InvalidInput("code.malformed", "a dynamic code names its issuing centre")
                qrcode.require_genuine(code, self._seals.mac_for, self._seals.equal)
                qrcode.require_live(code.token, use.used_at, await self._display.refresh(), AHEAD)
            return code
        except EhcError as refusal:
            return refusal
