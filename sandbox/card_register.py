"""The register of physical resident health cards: is this card valid, and whose is it?"""

from collections.abc import Iterable

from tornado.httputil import HTTPServerRequest

from sandbox.config import Named, PhysicalCard, Text
from sandbox.register import read_entries, read_entry, with_serial_no
from sandbox.service import Answer, Route, json_answer, json_object
from sandbox.signed import SignatureCheck


class Question(Named):
    """Who says that a card is theirs."""

    card_no: Text
    phone: Text


class CardRegister:
    """The cards that were given out, by number."""

    def __init__(self, cards: Iterable[PhysicalCard]) -> None:
        self._cards = {card.card_no: card for card in cards}

    def routes(self, check: SignatureCheck) -> list[Route]:
        """The register's own path, and the door through which it learns of cards."""
        return [
            Route("/card-register/v1/checks", {"POST": self._check}, door="card_register", admit=check.admit),
            Route("/control/card_register/cards", {"POST": self._learn}),
        ]

    def _check(self, request: HTTPServerRequest) -> Answer:
        """{card_no, name, id_type, id_no, phone} → {"state", "matches", "phone_matches", "serial_no"}.

        A card that is not the asker's, or not known, is "unknown" and matches nothing: whose it is, and
        whether it exists, is nobody else's business.
        """
        asked = read_entry(Question, json_object(request))
        card = self._cards.get(asked.card_no)
        if card is None or not card.is_same_as(asked):
            return with_serial_no("cr", {"state": "unknown", "matches": False, "phone_matches": False})
        said = {"state": card.state, "matches": True, "phone_matches": card.phone == asked.phone}
        return with_serial_no("cr", said)

    def _learn(self, request: HTTPServerRequest) -> Answer:
        """One card, or {"cards": [...]} → 201 {"known"}; a card already known gets the new state."""
        for card in read_entries(PhysicalCard, request, "cards"):
            self._cards[card.card_no] = card
        return json_answer({"known": len(self._cards)}, 201)
