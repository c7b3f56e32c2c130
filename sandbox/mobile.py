"""The mobile operator: is this number registered to this name and document?"""

from collections.abc import Iterable

from tornado.httputil import HTTPServerRequest

from sandbox.config import Named, Person, Text
from sandbox.register import read_entries, read_entry, with_serial_no
from sandbox.service import Answer, Route, json_answer, json_object
from sandbox.signed import SignatureCheck


class Registration(Named):
    """A number and who it is registered to."""

    phone: Text


class MobileOperator:
    """The numbers it has given out; one number is registered to one person."""

    def __init__(self, persons: Iterable[Person]) -> None:
        self._holders: dict[str, Named] = {person.phone: person for person in persons if person.phone}

    def routes(self, check: SignatureCheck) -> list[Route]:
        """The operator's own path, and the door through which it learns of registrations."""
        return [
            Route("/mobile/v1/checks", {"POST": self._check}, door="mobile", admit=check.admit),
            Route("/control/mobile/registrations", {"POST": self._learn}),
        ]

    def _check(self, request: HTTPServerRequest) -> Answer:
        """{name, id_type, id_no, phone} → {"result": "match"|"mismatch", "serial_no"}."""
        asked = read_entry(Registration, json_object(request))
        holder = self._holders.get(asked.phone)
        is_match = holder is not None and holder.is_same_as(asked)
        return with_serial_no("mo", {"result": "match" if is_match else "mismatch"})

    def _learn(self, request: HTTPServerRequest) -> Answer:
        """One registration, or {"registrations": [...]} → 201 {"known"}; the newest holder has it."""
        for entry in read_entries(Registration, request, "registrations"):
            self._holders[entry.phone] = entry
        return json_answer({"known": len(self._holders)}, 201)
