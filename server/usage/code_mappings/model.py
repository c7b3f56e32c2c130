"""What a mapping is: a hospital's code → ours, for each of the three tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

MAX_ENTRIES = 500
TABLES = ("steps", "channels", "cost_types")


@dataclass(frozen=True)
class CodeMapping:
    """An empty table is none: there the institution speaks our codes.  `version` 0: nobody has set one."""

    institution_id: str
    version: int
    steps: Mapping[str, str]
    channels: Mapping[str, str]
    cost_types: Mapping[str, str]
    set_at: datetime | None = None
    set_by: str | None = None


def no_mapping(institution_id: str) -> CodeMapping:
    return CodeMapping(institution_id, 0, {}, {}, {})
