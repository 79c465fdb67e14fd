"""Lists in pages, as GraphQL's connections."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from astrago_actions.sandbox.github.graphql_api.errors import GraphQLRefusal

Node = TypeVar("Node")

MOST_NODES = 100
_CURSOR = "cursor:"


@dataclass(frozen=True)
class PageInfo:
    """Where a page lies in its list."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True)
class Connection:
    """One page of a list; how long the list is gets counted only when it is asked for."""

    nodes: list[Any]
    page_info: PageInfo
    things: Callable[[], Iterable[Any]]

    def total_count(self) -> int:
        """The length of the whole list."""
        return sum(1 for _ in self.things())


def connection(
    things: Callable[[], Iterable[Node]],
    shown: Callable[[Node], Any],
    first: int | None,
    after: str | None,
) -> Connection:
    """The page of `first` things after a cursor; GitHub insists on `first`, at most 100.

    `things` gives the list from its beginning each time it is called.
    """
    if first is None:
        raise GraphQLRefusal(
            "MISSING_PAGINATION_BOUNDARIES",
            "You must provide a `first` or `last` value to properly paginate the connection.",
        )
    if not 0 <= first <= MOST_NODES:
        raise GraphQLRefusal(
            "EXCESSIVE_PAGINATION",
            f"Requesting {first} records on the connection exceeds the `first` limit of "
            f"{MOST_NODES} records.",
        )
    start = _position(after)
    found = list(itertools.islice(things(), start, start + first + 1))
    page = found[:first]
    info = PageInfo(
        has_next_page=len(found) > first,
        has_previous_page=start > 0,
        start_cursor=_cursor(start + 1) if page else None,
        end_cursor=_cursor(start + len(page)) if page else None,
    )
    return Connection([shown(each) for each in page], info, things)


def _cursor(position: int) -> str:
    return base64.b64encode(f"{_CURSOR}{position}".encode()).decode()


def _position(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        return max(int(base64.b64decode(cursor).decode().removeprefix(_CURSOR)), 0)
    except ValueError as error:
        raise GraphQLRefusal(
            "INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor."
        ) from error
