from typing import Annotated

from pydantic import Field, StringConstraints

from handlers.authentication import StaffHandler
from handlers.partner.fields import UsageCode
from handlers.requests import Model, Ok, Time, operation
from server.core.errors import Conflict, InvalidInput, NotFound
from server.core.pages import MAX_PAGE
from server.partners.model import Institution
from server.usage.code_mappings.model import MAX_ENTRIES, CodeMapping
from server.usage.tables import UsageTables

InstitutionId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
Target = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,10}$")]
Table = Annotated[dict[UsageCode, Target], Field(max_length=MAX_ENTRIES)]


class CodeMappingView(Model):
    """The institution's code → ours.  An empty table: there it speaks our codes.  `version` 0: none."""

    institution_id: str
    version: int
    steps: dict[str, str]
    channels: dict[str, str]
    cost_types: dict[str, str]
    set_at: Time | None
    set_by: str | None

    @classmethod
    def of(cls, mapping: CodeMapping) -> "CodeMappingView":
        return cls(
            institution_id=mapping.institution_id,
            version=mapping.version,
            steps=dict(mapping.steps),
            channels=dict(mapping.channels),
            cost_types=dict(mapping.cost_types),
            set_at=mapping.set_at,
            set_by=mapping.set_by,
        )


class CodeMappingChange(Model):
    """`replaces` is the version this change was made from; 0 for the first."""

    replaces: Annotated[int, Field(ge=0, le=1_000_000)]
    steps: Table = Field(default_factory=dict)
    channels: Table = Field(default_factory=dict)
    cost_types: Table = Field(default_factory=dict)


class CodeMappingRow(Model):
    """How many codes of each kind are mapped; `version` 0: none, the institution speaks our codes."""

    institution_id: str
    institution: str
    version: int
    steps: int
    channels: int
    cost_types: int
    set_at: Time | None

    @classmethod
    def of(cls, institution: Institution, mapping: CodeMapping) -> "CodeMappingRow":
        return cls(
            institution_id=institution.institution_id,
            institution=institution.name,
            version=mapping.version,
            steps=len(mapping.steps),
            channels=len(mapping.channels),
            cost_types=len(mapping.cost_types),
            set_at=mapping.set_at,
        )


class CodeMappingQuery(Model):
    cursor: InstitutionId | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 50


class CodeMappingList(Model):
    code_mappings: list[CodeMappingRow]
    next_cursor: str | None


class UsageCodes(Model):
    """The centre's own codes, each with its name: what a mapping may lead to."""

    steps: dict[str, str]
    channels: dict[str, str]
    cost_types: dict[str, str]

    @classmethod
    def of(cls, tables: UsageTables) -> "UsageCodes":
        steps = {code: step.name for code, step in tables.steps.items()}
        return cls(steps=steps, channels=tables.channels, cost_types=tables.cost_types)


class CodeMappings(StaffHandler):
    @operation(
        "Every institution, by id, and how much of its codes is mapped",
        query=CodeMappingQuery,
        reply=CodeMappingList,
        permission="partners.read",
    )
    async def get(self, query: CodeMappingQuery) -> Ok:
        page = await self.services.code_mappings.list(query.cursor, query.limit)
        rows = [CodeMappingRow.of(institution, mapping) for institution, mapping in page.items]
        return Ok(CodeMappingList(code_mappings=rows, next_cursor=page.next_cursor))


class OwnCodes(StaffHandler):
    @operation("The codes that mappings lead to", reply=UsageCodes, permission="partners.read")
    async def get(self) -> Ok:
        return Ok(UsageCodes.of(await self.services.code_mappings.tables()))


class OneCodeMapping(StaffHandler):
    @operation(
        "What an institution's codes mean in ours",
        reply=CodeMappingView,
        refuses=(NotFound,),
        permission="partners.read",
    )
    async def get(self, institution_id: InstitutionId) -> Ok:
        return Ok(CodeMappingView.of(await self.services.code_mappings.get(institution_id)))

    @operation(
        "Set what an institution's codes mean; a table that is mapped is read by its mapping alone",
        body=CodeMappingChange,
        reply=CodeMappingView,
        refuses=(Conflict, InvalidInput, NotFound),
        permission="partners.manage",
        idempotent=True,
    )
    async def put(self, body: CodeMappingChange, institution_id: InstitutionId) -> Ok:
        tables = {"steps": body.steps, "channels": body.channels, "cost_types": body.cost_types}
        mapping = await self.services.code_mappings.put(institution_id, body.replaces, tables, self.actor)
        return Ok(CodeMappingView.of(mapping))


ROUTES = [
    ("/staff/v1/code-mappings", CodeMappings),
    ("/staff/v1/code-mappings/{institution_id}", OneCodeMapping),
    ("/staff/v1/usage-codes", OwnCodes),
]
