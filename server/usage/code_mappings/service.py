"""Setting and reading what an institution's codes mean; in force on every process within a second."""

from collections.abc import Mapping

from server.core.audit import Actor, Audit
from server.core.clock import Clock
from server.core.errors import Conflict, InvalidInput
from server.core.mongo import Duplicate
from server.core.pages import Page
from server.core.policies import Policies
from server.core.versions import VersionedCache, Versions
from server.partners.model import Institution
from server.partners.register import PartnerRegister
from server.usage.code_mappings.model import TABLES, CodeMapping, no_mapping
from server.usage.code_mappings.store import CodeMappingStore
from server.usage.tables import UsageTables

VERSION = "code_mappings"


class CodeMappings:
    def __init__(
        self,
        store: CodeMappingStore,
        register: PartnerRegister,
        policies: Policies,
        audit: Audit,
        versions: Versions,
        clock: Clock,
    ) -> None:
        self._store = store
        self._register = register
        self._policies = policies
        self._audit = audit
        self._versions = versions
        self._clock = clock
        self._current: VersionedCache[CodeMapping] = VersionedCache(self._newest)
        versions.watch(VERSION, self._current.forget)

    async def in_force(self, institution_id: str) -> CodeMapping | None:
        """The mapping as scans use it; remembered for a second at most after a change."""
        return await self._current.find(institution_id)

    async def get(self, institution_id: str) -> CodeMapping:
        """The newest version; version 0, empty, when the institution speaks our codes.  NotFound
        `institution.not_found`."""
        await self._register.get_institution(institution_id)
        return await self._newest(institution_id)

    async def list(self, cursor: str | None, limit: int) -> Page[tuple[Institution, CodeMapping]]:
        """Every institution that is in the register, by id, with its mapping."""
        page = await self._register.list_institutions(cursor, limit)
        newest = await self._store.find_newest([one.institution_id for one in page.items])
        return page.map(lambda one: (one, newest.get(one.institution_id) or no_mapping(one.institution_id)))

    async def tables(self) -> UsageTables:
        """The codes that mappings lead to."""
        return await self._policies.get(UsageTables)

    async def _newest(self, institution_id: str) -> CodeMapping:
        return await self._store.find(institution_id) or no_mapping(institution_id)

    async def put(
        self, institution_id: str, replaces: int, tables: Mapping[str, Mapping[str, str]], by: Actor
    ) -> CodeMapping:
        """Sets the three tables (`steps`, `channels`, `cost_types`), theirs → ours.

        NotFound `institution.not_found`; InvalidInput `code_mapping.unknown_target` with detail.fields, for a
        code that is not in our tables; Conflict `code_mapping.changed` when `replaces` is not the newest
        version any more.
        """
        newest, ours = await self.get(institution_id), await self.tables()
        fields = [
            f"{name}.{code}"
            for name in TABLES
            for code in sorted(set(tables[name].values()))
            if code not in getattr(ours, name)
        ]
        if fields:
            raise InvalidInput(
                "code_mapping.unknown_target", "these codes are not in the centre's tables", fields=fields
            )
        version = replaces + 1
        mapping = CodeMapping(institution_id, version, **tables, set_at=self._clock.now(), set_by=by.id)
        if newest.version != replaces:
            raise _changed()
        await self._audit.record("code_mappings.put", by, "institution", institution_id, version=version)
        try:
            await self._store.insert(mapping)
        except Duplicate:
            raise _changed() from None
        await self._versions.bump(VERSION)
        return mapping


def _changed() -> Conflict:
    return Conflict("code_mapping.changed", "somebody has changed this mapping since you read it")
