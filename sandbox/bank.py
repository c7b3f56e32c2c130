"""The bank: is this card an account of this person, opened with this phone, and of which kind?"""

from collections.abc import Iterable

from tornado.httputil import HTTPServerRequest

from sandbox.config import BankCard, Named, Text
from sandbox.register import read_entries, read_entry, with_serial_no
from sandbox.service import Answer, Route, json_answer, json_object
from sandbox.signed import SignatureCheck


class Question(Named):
    """Who says that a card is theirs."""

    card_no: Text
    phone: Text


class Bank:
    """Its accounts, by card number."""

    def __init__(self, cards: Iterable[BankCard]) -> None:
        self._cards = {card.card_no: card for card in cards}

    def routes(self, check: SignatureCheck) -> list[Route]:
        """The bank's own path, and the door through which it opens accounts."""
        return [
            Route("/bank/v1/checks", {"POST": self._check}, door="bank", admit=check.admit),
            Route("/control/bank/cards", {"POST": self._learn}),
        ]

    def _check(self, request: HTTPServerRequest) -> Answer:
        """{name, id_type, id_no, card_no, phone} → {"result": "match", "account_kind", "serial_no"}, or
        {"result": "mismatch", "serial_no"}; the kind is told of one's own account only."""
        asked = read_entry(Question, json_object(request))
        card = self._cards.get(asked.card_no)
        if card is None or not card.is_same_as(asked) or card.phone != asked.phone:
            return with_serial_no("bk", {"result": "mismatch"})
        return with_serial_no("bk", {"result": "match", "account_kind": card.kind})

    def _learn(self, request: HTTPServerRequest) -> Answer:
        """One account, or {"cards": [...]} → 201 {"known"}."""
        for card in read_entries(BankCard, request, "cards"):
            self._cards[card.card_no] = card
        return json_answer({"known": len(self._cards)}, 201)
