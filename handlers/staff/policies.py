from typing import Annotated, Any

from pydantic import Field, StringConstraints

from handlers.authentication import StaffHandler
from handlers.requests import Model, Ok, Time, operation
from server.core.errors import Conflict, InvalidInput
from server.core.policies import PolicyVersion

PolicyName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_-]{0,39}$")]


class PolicySummary(Model):
    name: str
    sentence: str
    version: int


class PolicyList(Model):
    policies: list[PolicySummary]


class PolicyVersionView(Model):
    version: int
    content: dict[str, Any]
    decided_at: Time
    decided_by: str

    @classmethod
    def of(cls, version: PolicyVersion) -> "PolicyVersionView":
        return cls(
            version=version.version,
            content=version.content,
            decided_at=version.decided_at,
            decided_by=version.decided_by.id,
        )


class PolicyView(Model):
    """`policy_schema` is the JSON schema of `content`; `history` has the newest versions first."""

    name: str
    sentence: str
    version: int
    content: dict[str, Any]
    defaults: dict[str, Any]
    policy_schema: dict[str, Any]
    history: list[PolicyVersionView]


class PolicyChange(Model):
    """`replaces` is the version this change was made from; 0 for the defaults."""

    replaces: Annotated[int, Field(ge=0, le=1_000_000)]
    content: dict[str, Any]


class Policies(StaffHandler):
    @operation(
        "The rules of the card centre, by name",
        reply=PolicyList,
        permission="policies.write",
    )
    async def get(self) -> Ok:
        policies = self.services.policies
        shown = []
        for name, model in sorted(policies.declared.items()):
            version, _ = await policies.describe(name)
            shown.append(PolicySummary(name=name, sentence=model.SENTENCE, version=version))
        return Ok(PolicyList(policies=shown))


class OnePolicy(StaffHandler):
    @operation(
        "One policy: what is in force, its schema, its versions",
        reply=PolicyView,
        permission="policies.write",
    )
    async def get(self, name: PolicyName) -> Ok:
        return Ok(await self._view(name))

    @operation(
        "Set a policy; it is in force everywhere within a second",
        body=PolicyChange,
        reply=PolicyView,
        refuses=(Conflict, InvalidInput),
        permission="policies.write",
        idempotent=True,
    )
    async def put(self, body: PolicyChange, name: PolicyName) -> Ok:
        await self.services.policies.put(name, body.content, body.replaces, self.actor)
        return Ok(await self._view(name))

    async def _view(self, name: str) -> PolicyView:
        version, policy = await self.services.policies.describe(name)
        return PolicyView(
            name=name,
            sentence=policy.SENTENCE,
            version=version,
            content=policy.model_dump(mode="json"),
            defaults=type(policy)().model_dump(mode="json"),
            policy_schema=type(policy).model_json_schema(),
            history=[PolicyVersionView.of(old) for old in await self.services.policies.history(name)],
        )


ROUTES = [("/staff/v1/policies", Policies), ("/staff/v1/policies/{name}", OnePolicy)]
