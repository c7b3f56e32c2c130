"""The civil register: birth certificates and household registers, which tie children to adults."""

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict
from tornado.httputil import HTTPServerRequest

from sandbox.config import Family, Named, Text
from sandbox.register import read_entries, read_entry, with_serial_no
from sandbox.service import Answer, Route, json_answer, json_object
from sandbox.signed import SignatureCheck


class Question(BaseModel):
    """Does this paper tie these two?"""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: Literal["birth_certificate", "household_register"]
    number: Text
    child: Named
    adult: Named


class CivilRegister:
    """The families it knows, by the number of each paper."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = list(families)

    def routes(self, check: SignatureCheck) -> list[Route]:
        """The register's own path, and the door through which it learns of families."""
        return [
            Route("/civil/v1/relations", {"POST": self._check}, door="civil", admit=check.admit),
            Route("/control/civil/families", {"POST": self._learn}),
        ]

    def _check(self, request: HTTPServerRequest) -> Answer:
        """{kind, number, child: {name, id_type, id_no}, adult: {…}} → {"result": "related"|"unrelated",
        "serial_no"}."""
        asked = read_entry(Question, json_object(request))
        is_related = any(_ties(family, asked) for family in self._families)
        return with_serial_no("cv", {"result": "related" if is_related else "unrelated"})

    def _learn(self, request: HTTPServerRequest) -> Answer:
        """One family, or {"families": [...]} → 201 {"known"}."""
        self._families += read_entries(Family, request, "families")
        return json_answer({"known": len(self._families)}, 201)


def _ties(family: Family, asked: Question) -> bool:
    papers = {
        "birth_certificate": family.birth_certificate_no,
        "household_register": family.household_no,
    }
    return (
        papers[asked.kind] == asked.number
        and family.child.is_same_as(asked.child)
        and any(parent.is_same_as(asked.adult) for parent in family.parents)
    )
