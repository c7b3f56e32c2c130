"""IHE PIXm, transaction ITI-83: the cross-reference as FHIR R4 asks and answers it (I4).

A call is signed like every partner's.  A refusal is an OperationOutcome with the status and the code that
ITI-83 gives it; what ITI-83 does not speak of has our own code as text.
"""

import json
import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints

from handlers.base import status_of
from handlers.partner.persons import DOMAIN, CallerPersons
from handlers.requests import Model, Ok, operation
from server.core.errors import EhcError, Forbidden, Malformed, NotFound, TooMany, Unavailable
from server.identity.identifiers.model import Identifier

SYSTEM = "urn:ehc:institution:"
"The system of a domain is this and the domain itself."
PERSONS = "urn:ehc:persons"
"The system of the index itself: its patients are persons."
FHIR_JSON = "application/fhir+json; charset=UTF-8"
ISSUE_CODES = {
    "identifier.not_found": "not-found",
    "identifier.unknown_domain": "code-invalid",
    "identifier.unknown_target": "code-invalid",
    "request.invalid": "invalid",
    "partner.unauthenticated": "security",
    "scope.missing": "forbidden",
    "partner_numbers.too_many": "throttled",
}


class PixmQuery(Model):
    """`targetSystem` may come several times; `_format` may ask for JSON, which is all there is."""

    REPEATED: ClassVar[frozenset[str]] = frozenset({"targetSystem"})

    source: Annotated[str, StringConstraints(pattern=r"^[^|]{1,128}\|[^|]{1,64}$")] = Field(
        alias="sourceIdentifier"
    )
    targets: Annotated[str, StringConstraints(max_length=2000)] = Field(default="", alias="targetSystem")
    format: Annotated[str, StringConstraints(pattern=r"^(json|application/(fhir\+)?json)$")] | None = Field(
        default=None, alias="_format"
    )


class Parameters(Model):
    """The resource as FHIR has it: no member is null."""

    resourceType: str = "Parameters"
    parameter: list[dict[str, Any]]


class OperationOutcome(Model):
    resourceType: Literal["OperationOutcome"]
    issue: list[dict[str, str]]


class PatientPix(CallerPersons):
    refusal = OperationOutcome

    @operation(
        "IHE PIXm: what other systems call this patient",
        query=PixmQuery,
        reply=Parameters,
        refuses=(Malformed, NotFound, Forbidden, TooMany),
        scope="persons.pix",
        media_type="application/fhir+json",
    )
    async def get(self, query: PixmQuery) -> Ok:
        system, _, value = query.source.partition("|")
        source = Identifier(_domain(system), value)
        systems = [system for system in query.targets.split(",") if system]
        domains = [_target(system) for system in systems if system != PERSONS]
        is_reference_wanted = PERSONS in systems or not systems
        are_numbers_wanted = bool(domains) or not systems
        found = await self.services.identifiers.cross_reference(source, domains, self.actor, self.domain)
        parameters: list[dict[str, Any]] = [
            {
                "name": "targetIdentifier",
                "valueIdentifier": {"use": "official", "system": SYSTEM + one.domain, "value": one.value},
            }
            for one in (found.identifiers if are_numbers_wanted else ())
        ]
        if is_reference_wanted:
            reference = {"reference": f"Patient/{found.person_id}"}
            parameters.append({"name": "targetId", "valueReference": reference})
        return Ok(Parameters(parameter=parameters))

    async def respond(self, status: int, body: bytes, media_type: str = FHIR_JSON) -> None:
        await super().respond(status, body, FHIR_JSON)

    async def refuse(self, error: EhcError) -> None:
        if isinstance(error, TooMany | Unavailable):
            self.set_header("Retry-After", str(error.retry_after_s))
        await self.respond(status_of(type(error)), _outcome(error))


def _domain(system: str) -> str:
    if not re.fullmatch(SYSTEM + DOMAIN, system):
        raise Malformed("identifier.unknown_domain", "sourceIdentifier Assigning Authority not found")
    return system.removeprefix(SYSTEM)


def _target(system: str) -> str:
    if not re.fullmatch(SYSTEM + DOMAIN, system):
        raise Forbidden("identifier.unknown_target", "targetSystem not found")
    return system.removeprefix(SYSTEM)


def _outcome(error: EhcError) -> bytes:
    code = ISSUE_CODES.get(error.code, "processing")
    known = error.code.startswith("identifier.")
    diagnostics = error.message if known else f"{error.code}: {error.message}"
    issue = {"severity": "error", "code": code, "diagnostics": diagnostics}
    return json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode()


ROUTES = [("/fhir/Patient/$ihe-pix", PatientPix)]
