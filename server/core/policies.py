"""Rules the card centre sets for itself: kept as data, in force on every process within a second.

A noun declares each of its policies as a `Policy` model whose defaults are what holds until somebody decides
otherwise.  Every version is kept: what was in force at a moment can be said later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from server.core.audit import Actor, Audit
from server.core.clock import Clock
from server.core.errors import Conflict, InvalidInput, NotFound
from server.core.mongo import Collection, Document, Duplicate, index
from server.core.versions import VersionedCache, Versions

VERSION = "policies"


MAX_HISTORY = 50


@dataclass(frozen=True)
class PolicyVersion:
    """One decision: what was set, when, by whom."""

    version: int
    content: dict[str, Any]
    decided_at: datetime
    decided_by: Actor


class Policy(BaseModel):
    """The rules of one noun.  `NAME` is how staff call them, `SENTENCE` says what they decide."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    NAME: ClassVar[str]
    SENTENCE: ClassVar[str]


P = TypeVar("P", bound=Policy)


class Policies:
    """The collection `policies`: one row for each version of each policy."""

    # Some dozens of rows a year: unsharded.
    INDEXES = [index("name", ("version", -1), unique=True)]

    def __init__(self, collection: Collection, audit: Audit, versions: Versions, clock: Clock) -> None:
        self._collection = collection
        self._audit = audit
        self._versions = versions
        self._clock = clock
        self._declared: dict[str, type[Policy]] = {}
        self._current: VersionedCache[Document] = VersionedCache(self._load)
        self._read: dict[type[Policy], tuple[Document, Policy]] = {}
        versions.watch(VERSION, self._current.forget)

    def declare(self, *models: type[Policy]) -> None:
        """Makes policies known to staff; ValueError for a name that another model has."""
        for model in models:
            if self._declared.setdefault(model.NAME, model) is not model:
                raise ValueError(f"two policies are called {model.NAME}")

    @property
    def declared(self) -> Mapping[str, type[Policy]]:
        return self._declared

    async def get(self, model: type[P]) -> P:
        """What is in force: the newest version, or the model's defaults when nobody has decided."""
        row = await self._current.find(model.NAME)
        assert row is not None, "the loader always answers"
        known = self._read.get(model)
        if known is None or known[0] is not row:  # a scan asks for several: each version is checked once
            known = self._read[model] = row, model.model_validate(row["content"])
        policy = known[1]
        assert isinstance(policy, model)
        return policy

    async def _load(self, name: str) -> Document:
        rows = await self._collection.find({"name": name}, limit=1, sort=[("version", -1)])
        return rows[0] if rows else {"name": name, "version": 0, "content": {}}

    async def describe(self, name: str) -> tuple[int, Policy]:
        """Version (0: the defaults) and content; NotFound `policy.not_found`."""
        model = self._model(name)
        row = await self._load(name)
        return row["version"], model.model_validate(row["content"])

    async def history(self, name: str) -> list[PolicyVersion]:
        """The newest fifty decisions, newest first."""
        rows = await self._collection.find({"name": name}, limit=MAX_HISTORY, sort=[("version", -1)])
        return [
            PolicyVersion(
                row["version"],
                row["content"],
                row["decided_at"],
                Actor(row["decided_by"]["kind"], row["decided_by"]["id"]),
            )
            for row in rows
        ]

    async def put(self, name: str, content: Mapping[str, Any], replaces: int, by: Actor) -> int:
        """The new version's number.

        NotFound `policy.not_found`; InvalidInput `policy.invalid` with detail.fields; Conflict
        `policy.changed` when `replaces` is not the newest version any more.
        """
        model = self._model(name)
        try:
            policy = model.model_validate(dict(content))
        except ValidationError as error:
            fields = [".".join(str(part) for part in fault["loc"]) for fault in error.errors()]
            raise InvalidInput(
                "policy.invalid", "these fields are not what the policy takes", fields=fields
            ) from None
        row: Document = {
            "_id": f"{name}:{replaces + 1}",
            "name": name,
            "version": replaces + 1,
            "content": policy.model_dump(mode="json"),
            "decided_at": self._clock.now(),
            "decided_by": {"kind": by.kind, "id": by.id},
        }
        if (await self._load(name))["version"] != replaces:
            raise _changed()
        await self._audit.record("policies.put", by, "policy", name, version=replaces + 1)
        try:
            await self._collection.insert(row)
        except Duplicate:
            raise _changed() from None
        await self._versions.bump(VERSION)
        return replaces + 1

    def _model(self, name: str) -> type[Policy]:
        if name not in self._declared:
            raise NotFound("policy.not_found", "there is no policy of this name")
        return self._declared[name]


def _changed() -> Conflict:
    return Conflict("policy.changed", "somebody has changed this policy since you read it")
