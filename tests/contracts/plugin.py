"""`github_contract`: hold every exchange of a server that runs GitHub to GitHub's contracts."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

from astrago_actions.sandbox.server import Exchange, LoopbackServer
from tests.contracts.graphql_contract import check_graphql, graphql_schema
from tests.contracts.published import Unavailable, must_be_there
from tests.contracts.rest_contract import check_rest, rest_contract

GRAPHQL_PATHS = frozenset({"/graphql", "/api/graphql", "/api/v3/graphql"})
REST_PATHS = ("/api/v3/", "/repos/", "/user", "/rate_limit")


def check_exchange(exchange: Exchange) -> None:
    """Raise AssertionError when an API exchange breaks GitHub's contract; others are let pass."""
    if exchange.request.path in GRAPHQL_PATHS:
        check_graphql(exchange)
    elif exchange.request.path.startswith(REST_PATHS):
        check_rest(exchange)


class ContractWatch:
    """The servers whose exchanges are checked at the end of the test."""

    def __init__(self) -> None:
        self._servers: list[LoopbackServer] = []

    def watch(self, server: LoopbackServer) -> LoopbackServer:
        """Check what this server exchanges; returns it, so that it can be wrapped in place."""
        self._servers.append(server)
        return server

    def check(self) -> None:
        """Raise one AssertionError with every broken promise."""
        broken = []
        for exchange in [each for server in self._servers for each in list(server.exchanges)]:
            try:
                check_exchange(exchange)
            except AssertionError as error:
                broken.append(str(error))
        if broken:
            pytest.fail("\n".join(dict.fromkeys(broken)), pytrace=False)


def contracts_or_reason() -> str | None:
    """None when the contracts are at hand, else why not; in CI they have to be."""
    try:
        rest_contract()
        graphql_schema()
    except Unavailable as error:
        if must_be_there():
            pytest.fail(f"GitHub's contracts are needed here: {error}", pytrace=False)
        return f"not held to GitHub's published contracts: {error}"
    return None


@pytest.fixture
def github_contract() -> Iterator[ContractWatch]:
    """Watch servers; without the contracts the test runs, and a warning says what was left out."""
    watch = ContractWatch()
    yield watch
    reason = contracts_or_reason()
    if reason is None:
        watch.check()
    else:
        warnings.warn(reason, stacklevel=1)
