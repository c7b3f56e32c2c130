"""A list is always a page: it has a hard maximum and says where the next one starts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

MAX_PAGE = 100

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Page(Generic[T]):
    items: list[T]
    next_cursor: str | None = None

    def map(self, change: Callable[[T], U]) -> "Page[U]":
        return Page([change(item) for item in self.items], self.next_cursor)


def page_of(rows: list[T], limit: int, cursor_of: Callable[[T], str]) -> Page[T]:
    """The page of `limit` rows out of a query that asked for `limit + 1`."""
    if len(rows) <= limit:
        return Page(rows)
    return Page(rows[:limit], cursor_of(rows[limit - 1]))
