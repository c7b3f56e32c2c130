"""Reading a code of a use: by the tables of the centre, or by what an institution's own codes mean here."""

from collections.abc import Mapping
from dataclasses import dataclass

from server.core.errors import InvalidInput
from server.core.policies import Policies
from server.usage.code_mappings.model import CodeMapping
from server.usage.code_mappings.service import CodeMappings
from server.usage.tables import UsageTables


@dataclass(frozen=True)
class Codes:
    """Both ways between what one institution says and what the tables say.

    A table the institution has a mapping for is read by that mapping alone: its `0100` may mean something
    else than ours.
    """

    tables: UsageTables
    mapping: CodeMapping | None = None

    def step(self, given: str) -> str:
        """Our code; InvalidInput `scene.unknown`."""
        code = self._read(given, self.tables.steps, self.mapping.steps if self.mapping else None)
        if code is None:
            raise InvalidInput("scene.unknown", "there is no such scene")
        return code

    def channel(self, given: str) -> str:
        """Our code; InvalidInput `channel.unknown`."""
        code = self._read(given, self.tables.channels, self.mapping.channels if self.mapping else None)
        if code is None:
            raise InvalidInput("channel.unknown", "there is no such channel")
        return code

    def cost_type(self, given: str) -> str:
        """Our code; InvalidInput `cost_type.unknown`."""
        code = self._read(given, self.tables.cost_types, self.mapping.cost_types if self.mapping else None)
        if code is None:
            raise InvalidInput("cost_type.unknown", "there is no such cost type")
        return code

    def channel_of(self, given: str | None, terminal_channel: str) -> str:
        """What the caller said; else what the terminal was admitted with, which is a code of ours."""
        return self.channel(given) if given is not None else Codes(self.tables).channel(terminal_channel)

    def pays(self, step: str) -> bool:
        """Whether money moves at this step of ours."""
        return self.tables.steps[step].pays

    # -- the other way
    def their_step(self, code: str) -> str | None:
        """What the institution calls our step; None when it has no word for it, or several."""
        return self._tell(code, self.mapping.steps if self.mapping else None)

    def their_channel(self, code: str) -> str | None:
        return self._tell(code, self.mapping.channels if self.mapping else None)

    def their_cost_type(self, code: str) -> str | None:
        return self._tell(code, self.mapping.cost_types if self.mapping else None)

    @staticmethod
    def _read(given: str, table: Mapping[str, object], mapping: Mapping[str, str] | None) -> str | None:
        code = mapping.get(given) if mapping else given
        return code if code in table else None

    @staticmethod
    def _tell(code: str, mapping: Mapping[str, str] | None) -> str | None:
        if not mapping:
            return code
        theirs = [own for own, ours in mapping.items() if ours == code]
        return theirs[0] if len(theirs) == 1 else None


class UsageCodes:
    """The codes in force, for everybody who reads or tells a use."""

    def __init__(self, policies: Policies, mappings: CodeMappings) -> None:
        self._policies = policies
        self._mappings = mappings

    async def ours(self) -> Codes:
        """As other centres and our own pages speak."""
        return Codes(await self._policies.get(UsageTables))

    async def of(self, institution_id: str) -> Codes:
        """As this institution speaks."""
        mapping = await self._mappings.in_force(institution_id)
        return Codes(await self._policies.get(UsageTables), mapping)
