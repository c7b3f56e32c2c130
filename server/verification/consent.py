"""A holder's consent by the dynamic code of the own card (C3): the code is burnt by it, with a receipt."""

from datetime import timedelta

from server.cards import qrcode
from server.cards.display import Display
from server.cards.model import Status
from server.core.clock import Clock
from server.core.errors import Conflict, InvalidInput
from server.core.ids import new_id
from server.core.keys import Seals
from server.core.mongo import Document, Duplicate
from server.core.outbox import outbox
from server.usage.keys import use_key
from server.verification.store import UsageStore

SKEW = timedelta(seconds=5)
SCENE = "family"
MINI_PROGRAM = "0402"


class Consents:
    def __init__(
        self, store: UsageStore, seals: Seals, display: Display, clock: Clock, centre_id: str
    ) -> None:
        self._store = store
        self._seals = seals
        self._display = display
        self._clock = clock
        self._centre_id = centre_id

    async def use(self, text: str, card_id: str, account_id: str) -> str:
        """The id of the use.  The code must be dynamic, live, never used, and of this card; the same account
        may ask again with the same code, for its first answer may have been lost.

        InvalidInput: code.malformed, code.forged, code.expired, code.unknown_card.  Conflict:
        code.already_used, code.superseded, card.not_active.
        """
        code = qrcode.read_code(text)
        if code.token is None or code.centre_id != self._centre_id:
            raise InvalidInput("code.malformed", "consent takes the code of our own that renews itself")
        qrcode.require_genuine(code, self._seals.mac_for, self._seals.equal)
        token = code.token
        is_live = qrcode.is_live(token, self._clock.now(), await self._display.refresh(), SKEW)
        card = await self._store.see(code.ehealth_card_id, token.issued_at_s if is_live else None)
        if card is None or card.card_id != card_id or card.person_id is None:
            raise InvalidInput("code.unknown_card", "this code is not of the card in question")
        key = use_key(card.ehealth_card_id, token.issued_at_s, token.nonce)
        before = await self._store.find_by_use(key)
        if before is None:
            if not is_live:
                raise qrcode.expired()
            if card.status != Status.ACTIVE:
                raise Conflict("card.not_active", "the card cannot be used in its state", status=card.status)
            if card.is_superseded:
                raise Conflict("code.superseded", "a newer code of this card was used: this one is void")
            try:
                row = self._row(key, card.card_id, card.person_id, account_id)
                await self._store.insert(row)
                return str(row["_id"])
            except Duplicate:
                before = await self._store.find_by_use(key)
        if before is None or before.get("consent_to") != account_id:
            raise Conflict("code.already_used", "this code was used before: ask the holder to renew it")
        return str(before["_id"])

    def _row(self, key: str, card_id: str, person_id: str, account_id: str) -> Document:
        """A use like any other, by no app: the audit seals it with the rest."""
        now = self._clock.now()
        use_id = new_id(now)
        receipt = {"verification_id": use_id, "card_id": card_id, "scene": SCENE}
        return {
            "_id": use_id,
            "use_key": key,
            "at": now,
            "card_id": card_id,
            "person_id": person_id,
            "app_id": None,
            "institution_id": None,
            "terminal_id": None,
            "scene": SCENE,
            "channel": MINI_PROGRAM,
            "department": None,
            "purpose": None,
            "is_dynamic": True,
            "is_direct": True,
            "request_key": None,
            "consent_to": account_id,
            "outbox": outbox(now, ("card.consented", receipt)),
        }
