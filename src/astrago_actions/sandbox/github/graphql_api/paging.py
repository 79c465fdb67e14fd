"""Lists in pages, as GraphQL's connections."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from astrago_actions.sandbox.github.graphql_api.errors import GraphQLRefusal

Node = TypeVar("Node")

MOST_NODES = 100
_CURSOR = "cursor:"


@dataclass(frozen=True)
class Connection:
    """One page of a list; `total_count` counts all pages."""

    nodes: list[Any]
    total_count: int
    page_info: PageInfo


@dataclass(frozen=True)
class PageInfo:
    """Where a page lies in its list."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


def connection(
    things: Iterable[Node], shown: Callable[[Node], Any], first: int | None, after: str | None
) -> Connection:
    """The page of `first` things after a cursor; GitHub insists on `first`, at most 100."""
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
    every = list(things)
    start = _position(after)
    page = every[start : start + first]
    info = PageInfo(
        has_next_page=start + first < len(every),
        has_previous_page=start > 0,
        start_cursor=_cursor(start + 1) if page else None,
        end_cursor=_cursor(start + len(page)) if page else None,
    )
    return Connection([shown(each) for each in page], len(every), info)


def _cursor(position: int) -> str:
    return base64.b64encode(f"{_CURSOR}{position}".encode()).decode()


def _position(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor).decode().removeprefix(_CURSOR))
    except ValueError as error:
        raise GraphQLRefusal(
            "INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor."
        ) from error
