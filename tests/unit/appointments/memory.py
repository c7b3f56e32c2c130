"""A collection in memory, with the unique indexes of the real one, that loses what a test tells it to lose.

Knows the operators that the stores of appointments use, and refuses any other: a test would else prove
something about a database that does not exist.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

from server.core.errors import Unavailable
from server.core.mongo import Duplicate

Row = dict[str, Any]
Hook = Callable[[str], None]


class Crash(SystemExit):
    """The process is killed here.  A task lets out no other kind of exception."""


class Faults:
    """What happens at the n-th write or call from now: killed or lost, before it is done or after."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.kind = ""
        self.passed = 0

    def arm(self, passages: int, kind: str) -> None:
        self.left, self.kind = passages, kind

    def disarm(self) -> None:
        self.left = None

    def passing(self, moment: str) -> None:
        """`moment` is before or after."""
        self.passed += 1
        if self.left is None or not self.kind.endswith(moment):
            return
        self.left -= 1
        if self.left <= 0:
            self.left = None
            if self.kind.startswith("crash"):
                raise Crash
            raise Unavailable("database.unavailable", "lost")


class MemoryCollection:
    def __init__(self, name: str, indexes: Sequence[Any], faults: Faults) -> None:
        self.name = name
        self.rows: dict[str, Row] = {}
        self._faults = faults
        documents = [one.document for one in indexes]
        self._unique = [
            (tuple(one["key"]), one.get("partialFilterExpression", {}))
            for one in documents
            if one.get("unique")
        ]

    # -- writing
    async def insert_each(self, rows: Sequence[Row]) -> list[Duplicate | None]:
        self._faults.passing("before")
        outcome: list[Duplicate | None] = []
        for row in rows:
            duplicate = self._kept_out(row)
            if duplicate is None:
                self.rows[row["_id"]] = deepcopy(row)
            outcome.append(duplicate)
        self._faults.passing("after")
        return outcome

    async def update(self, filter: Row, change: Row, *, upsert: bool = False) -> bool:
        self._faults.passing("before")
        found = next((row for row in self.rows.values() if matches(row, filter)), None)
        if found is not None:
            self._change(found, change)
        elif upsert:
            self._change({"_id": filter["_id"]}, change)
        self._faults.passing("after")
        return found is not None or upsert

    async def find_and_update(
        self, filter: Row, change: Row, *, sort: Any = (), upsert: bool = False
    ) -> Row | None:
        self._faults.passing("before")
        rows = await self.find(filter, limit=1, sort=sort)
        found = self._change(self.rows[rows[0]["_id"]], change) if rows else None
        if found is None and upsert:
            fresh = change.get("$setOnInsert", {})
            found = self._change({"_id": filter["_id"], **fresh}, change)
        self._faults.passing("after")
        return deepcopy(found)

    def _change(self, row: Row, change: Row) -> Row:
        after = deepcopy(row)
        for operator, fields in change.items():
            for path, value in fields.items():
                apply(after, operator, path, deepcopy(value))
        duplicate = self._kept_out(after)
        if duplicate is not None:
            raise duplicate
        self.rows[after["_id"]] = after
        return after

    def _kept_out(self, row: Row) -> Duplicate | None:
        for keys, where in self._unique:
            if not matches(row, where):
                continue
            mine = entries(row, keys)
            for other in self.rows.values():
                if other["_id"] != row["_id"] and matches(other, where) and mine & entries(other, keys):
                    return Duplicate(keys)
        return None

    # -- reading
    async def find(self, filter: Row, *, limit: int, sort: Any = (), projection: Any = None) -> list[Row]:
        found = [row for row in self._near(filter) if matches(row, filter)]
        for path, direction in reversed(list(sort)):
            found.sort(key=lambda row: value_at(row, path), reverse=direction < 0)
        found = found[:limit]
        if projection:
            found = [{name: row[name] for name in (*projection, "_id") if name in row} for row in found]
        return deepcopy(found)

    def _near(self, filter: Row) -> list[Row]:
        """Where to look: an id names its row."""
        wanted = filter.get("_id")
        ids = [wanted] if isinstance(wanted, str) else (wanted or {}).get("$in")
        return list(self.rows.values()) if ids is None else [self.rows[i] for i in ids if i in self.rows]

    async def find_one(self, filter: Row) -> Row | None:
        found = await self.find(filter, limit=1)
        return found[0] if found else None


def entries(row: Row, keys: tuple[str, ...]) -> set[tuple[Any, ...]]:
    """What a row puts into an index: one entry for each element of an array."""
    if len(keys) == 1 and isinstance(value_at(row, keys[0]), list):
        return {(value,) for value in value_at(row, keys[0])}
    return {tuple(value_at(row, key) for key in keys)}


def value_at(row: Row, path: str) -> Any:
    value: Any = row
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return value


def matches(row: Row, filter: Row) -> bool:
    return all(_fits(value_at(row, path), wanted) for path, wanted in filter.items())


def _fits(value: Any, wanted: Any) -> bool:
    if not isinstance(wanted, dict) or not all(name.startswith("$") for name in wanted):
        return bool(value == wanted)
    tests: dict[str, Callable[[Any], bool]] = {
        "$exists": lambda given: (value is not None) == given,
        "$in": lambda given: any(one in given for one in (value if isinstance(value, list) else [value])),
        "$gt": lambda given: value is not None and value > given,
        "$gte": lambda given: value is not None and value >= given,
        "$lt": lambda given: value is not None and value < given,
        "$lte": lambda given: value is not None and value <= given,
    }
    return all(tests[name](given) for name, given in wanted.items())


def apply(row: Row, operator: str, path: str, value: Any) -> None:
    *parents, name = path.split(".")
    for parent in parents:
        row = row.setdefault(parent, {})
    if operator == "$set":
        row[name] = value
    elif operator == "$unset":
        row.pop(name, None)
    elif operator == "$inc":
        row[name] = row.get(name, 0) + value
    elif operator == "$setOnInsert":
        row.setdefault(name, value)
    elif operator == "$push":
        row.setdefault(name, []).extend(value["$each"])
    else:
        raise ValueError(f"no such operator here: {operator}")
