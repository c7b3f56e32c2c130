"""The real-name authority: does this name belong to this document number, whatever the type of document?

It compares character by character, as the real ones do: a middle dot of another code point is a mismatch,
and so is a person it has never heard of. It gives nothing back that it was not told.
"""

import secrets
from collections.abc import Iterable

from pydantic import ValidationError
from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError

from sandbox.config import Person
from sandbox.service import Answer, Route, json_answer, json_object
from sandbox.signed import SignatureCheck


class RealNameAuthority:
    """The persons it knows, by document."""

    def __init__(self, persons: Iterable[Person]) -> None:
        self._names: dict[tuple[str, str], str] = {}
        for person in persons:
            self.add(person)

    def add(self, person: Person) -> None:
        """Know this person; a document already known gets the new name."""
        self._names[person.document] = person.name

    def matches(self, person: Person) -> bool:
        """Whether the document is known and carries exactly this name."""
        return self._names.get(person.document) == person.name

    def routes(self, check: SignatureCheck) -> list[Route]:
        """The authority's own path, and the door in the control room through which it learns of people."""
        return [
            Route("/real-name/v1/checks", {"POST": self._check}, door="real_name", admit=check.admit),
            Route("/control/real_name/persons", {"POST": self._learn}),
        ]

    def _check(self, request: HTTPServerRequest) -> Answer:
        """{name, id_type, id_no} → {"result": "match"|"mismatch", "serial_no"}."""
        result = "match" if self.matches(parse_person(json_object(request))) else "mismatch"
        return json_answer({"result": result, "serial_no": f"rn-{secrets.token_hex(12)}"})

    def _learn(self, request: HTTPServerRequest) -> Answer:
        """One person, or {"persons": [...]} → 201 {"known": how many persons are known now}."""
        body = json_object(request)
        for raw in body.get("persons", [body]):
            self.add(parse_person(raw))
        return json_answer({"known": len(self._names)}, 201)


def parse_person(raw: object) -> Person:
    """The person in a request; raises 422 when a field is missing."""
    try:
        return Person.model_validate(raw)
    except ValidationError:
        raise HTTPError(422, reason="A person needs name, id_type and id_no") from None
