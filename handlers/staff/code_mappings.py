from typing import Annotated

from pydantic import Field, StringConstraints

from handlers.authentication import StaffHandler
from handlers.partner.fields import UsageCode
from handlers.requests import Model, Ok, Time, operation
from server.core.errors import Conflict, InvalidInput
from server.usage.code_mappings.model import MAX_ENTRIES, CodeMapping

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


class OneCodeMapping(StaffHandler):
    @operation("What an institution's codes mean in ours", reply=CodeMappingView, permission="partners.read")
    async def get(self, institution_id: InstitutionId) -> Ok:
        return Ok(CodeMappingView.of(await self.services.code_mappings.get(institution_id)))

    @operation(
        "Set what an institution's codes mean; a table that is mapped is read by its mapping alone",
        body=CodeMappingChange,
        reply=CodeMappingView,
        refuses=(Conflict, InvalidInput),
        permission="partners.manage",
        idempotent=True,
    )
    async def put(self, body: CodeMappingChange, institution_id: InstitutionId) -> Ok:
        tables = {"steps": body.steps, "channels": body.channels, "cost_types": body.cost_types}
        mapping = await self.services.code_mappings.put(institution_id, body.replaces, tables, self.actor)
        return Ok(CodeMappingView.of(mapping))


ROUTES = [("/staff/v1/code-mappings/{institution_id}", OneCodeMapping)]
