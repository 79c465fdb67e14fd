"""`github_contract`: hold every exchange with a sandbox GitHub to GitHub's own contracts.

A conftest that imports the fixture applies it to all tests of its folder; tests need do nothing.
"""

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


def is_github(server: LoopbackServer) -> bool:
    """Whether some answer of the server bears GitHub's mark."""
    return any("X-GitHub-Request-Id" in each.response.headers for each in server.exchanges)


def broken_promises(servers: list[LoopbackServer]) -> list[str]:
    """Everything in the servers' exchanges that is not as GitHub describes it."""
    broken = []
    for exchange in [each for server in servers for each in list(server.exchanges)]:
        try:
            check_exchange(exchange)
        except AssertionError as error:
            broken.append(str(error))
    return list(dict.fromkeys(broken))


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


@pytest.fixture(autouse=True)
def github_contract() -> Iterator[list[LoopbackServer]]:
    """Note each server that starts, and check what those that are GitHub exchanged.

    Without the contracts the test runs all the same, and a warning says what was left out.
    """
    servers: list[LoopbackServer] = []
    start = LoopbackServer.start

    def noted(server: LoopbackServer) -> LoopbackServer:
        servers.append(server)
        return start(server)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LoopbackServer, "start", noted)
        yield servers
    githubs = [server for server in servers if is_github(server)]
    if not githubs:
        return
    reason = contracts_or_reason()
    if reason is not None:
        warnings.warn(reason, stacklevel=1)
        return
    broken = broken_promises(githubs)
    if broken:
        pytest.fail("\n".join(broken), pytrace=False)
