"""The checks notice what the schemas alone would let pass, and nothing that is right."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from astrago_actions.sandbox.github import GitHub
from astrago_actions.sandbox.server import Exchange, Fault, LoopbackServer, Request, Response
from tests.contracts.graphql_contract import check_graphql
from tests.contracts.plugin import broken_promises, is_github
from tests.contracts.rest_contract import check_rest, rest_contract

pytestmark = pytest.mark.usefixtures("contracts")

REPOSITORY = "/api/v3/repos/xiilab/astrago-deployment"
HEADERS = {"authorization": "Bearer t", "host": "127.0.0.1:1"}
READ = """query($owner: String!) {
  repository(owner: $owner, name: "astrago-deployment") {
    viewerPermission
    ref(qualifiedName: "main") { target { oid ... on Commit { history(first: 1) { totalCount } } } }
  }
}"""


def answered(
    method: str, path: str, body: Any = None, query: dict[str, str] | None = None
) -> Exchange:
    """A request and what the sandbox answers."""
    github = GitHub()
    github.create_repository("xiilab/astrago-deployment", {"values.yaml": b"a: 1\n"})
    github.add_token("t", {"xiilab/astrago-deployment": {"contents": "write", "issues": "write"}})
    sent = b"" if body is None else json.dumps(body).encode()
    headers = {**HEADERS, "content-length": str(len(sent))}
    request = Request(method, path, query or {}, headers, sent)
    return Exchange(request, github.respond(request))


def changed(exchange: Exchange, **fields: Any) -> Exchange:
    """The same exchange with other values in the JSON answer."""
    assert isinstance(exchange.response.body, bytes)
    value = {**json.loads(exchange.response.body), **fields}
    value = {name: each for name, each in value.items() if each != "left out"}
    body = json.dumps(value).encode()
    return Exchange(
        exchange.request, Response(exchange.response.status, body, exchange.response.headers)
    )


@pytest.mark.parametrize(
    ("method", "path", "template"),
    [
        ("GET", "/repos/o/r/contents/a/b/c.yaml", "/repos/{owner}/{repo}/contents/{path}"),
        ("GET", "/repos/o/r/contents/", "/repos/{owner}/{repo}/contents/{path}"),
        ("GET", "/repos/o/r/git/ref/heads/stabilize/1.0", "/repos/{owner}/{repo}/git/ref/{ref}"),
        ("GET", "/repos/o/r/compare/a/b...c/d", "/repos/{owner}/{repo}/compare/{basehead}"),
        ("GET", "/repos/o/r/branches/a/b", "/repos/{owner}/{repo}/branches/{branch}"),
        ("GET", "/repos/o/r/commits/a/b", "/repos/{owner}/{repo}/commits/{ref}"),
        ("GET", "/repos/o/r/commits/a/status", "/repos/{owner}/{repo}/commits/{ref}/status"),
        (
            "GET",
            "/repos/o/r/actions/runs/1/jobs",
            "/repos/{owner}/{repo}/actions/runs/{run_id}/jobs",
        ),
        ("HEAD", "/repos/o/r", "/repos/{owner}/{repo}"),
    ],
)
def test_finds_the_endpoint(method: str, path: str, template: str) -> None:
    found = rest_contract().operation(method, path)

    assert found is not None
    assert found.template == template


def test_a_right_exchange_passes() -> None:
    check_rest(answered("GET", f"{REPOSITORY}/contents/values.yaml", query={"ref": "main"}))
    check_graphql(
        answered("POST", "/api/graphql", {"query": READ, "variables": {"owner": "xiilab"}})
    )


@pytest.mark.parametrize(
    ("method", "path", "body", "query", "notice"),
    [
        ("GET", "/api/v3/repo/o/r", None, {}, "is not an endpoint of GitHub"),
        ("GET", f"{REPOSITORY}/commits", None, {"pat": "x"}, "the query has `pat`"),
        ("GET", f"{REPOSITORY}/commits", None, {"page": "x"}, "query page"),
        ("GET", f"{REPOSITORY}/pulls", None, {"state": "opened"}, "query state"),
        ("POST", f"{REPOSITORY}/git/blobs", {"content": "", "encodin": "utf-8"}, {}, "`encodin`"),
        (
            "POST",
            f"{REPOSITORY}/git/trees",
            {"tree": [{"path": "a", "mode": "100644", "content": "", "typ": "blob"}]},
            {},
            "request.tree[0] has `typ`",
        ),
        ("GET", f"{REPOSITORY}/commits", {"sha": "main"}, {}, "GitHub wants none"),
    ],
)
def test_a_wrong_request_is_noticed(
    method: str, path: str, body: Any, query: dict[str, str], notice: str
) -> None:
    with pytest.raises(AssertionError) as noticed:
        check_rest(answered(method, path, body, query))

    assert notice in str(noticed.value)


@pytest.mark.parametrize(
    ("fields", "notice"),
    [
        ({"default_branch": "left out"}, "'default_branch' is a required property"),
        ({"has_discussions": "left out"}, "'has_discussions' is a required property"),
        ({"private": "yes"}, "answer private"),
        ({"owner": {"login": "x"}}, "answer owner"),
        ({"defaultBranch": "main"}, "answer has `defaultBranch`"),
    ],
)
def test_a_wrong_answer_is_noticed(fields: dict[str, Any], notice: str) -> None:
    with pytest.raises(AssertionError) as noticed:
        check_rest(changed(answered("GET", REPOSITORY), **fields))

    assert notice in str(noticed.value)


def test_an_undescribed_success_is_noticed() -> None:
    right = answered("GET", REPOSITORY)

    with pytest.raises(AssertionError, match="does not describe status 202"):
        check_rest(Exchange(right.request, Response(202, b"{}", right.response.headers)))


def test_a_refusal_needs_a_message() -> None:
    right = answered("GET", f"{REPOSITORY}/contents/nope")

    check_rest(right)
    with pytest.raises(AssertionError, match="the refusal has no message"):
        check_rest(changed(right, message="left out"))


def test_what_a_fault_answered_is_not_held_to_the_contract() -> None:
    right = answered("GET", REPOSITORY)
    fault = Fault(kind="status", status=502)

    check_rest(Exchange(right.request, Response(502, b"<html>"), (fault,)))


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ('query { repository(owner: "xiilab", name: "astrago-deployment") { urll } }', {}),
        (READ, {}),
        (READ, {"owner": "xiilab", "nam": "x"}),
    ],
)
def test_data_for_a_request_that_github_refuses_is_noticed(
    query: str, variables: dict[str, Any]
) -> None:
    right = answered("POST", "/api/graphql", {"query": READ, "variables": {"owner": "xiilab"}})
    wrong = Request(
        "POST",
        "/api/graphql",
        {},
        HEADERS,
        json.dumps({"query": query, "variables": variables}).encode(),
    )

    with pytest.raises(AssertionError, match="GitHub refuses this request"):
        check_graphql(Exchange(wrong, right.response))


@pytest.mark.parametrize(
    ("repository", "notice"),
    [
        ({"viewerPermission": "OWNER", "ref": None}, "RepositoryPermission does not have"),
        ({"viewerPermission": "READ"}, "repository lacks `ref`"),
        ({"viewerPermission": "READ", "ref": None, "more": 1}, "was not asked for"),
        ({"viewerPermission": "READ", "ref": {"target": {"oid": 1}}}, "not a GitObjectID"),
        (
            {"viewerPermission": "READ", "ref": {"target": {"oid": None}}},
            "repository.ref.target.oid is null",
        ),
    ],
)
def test_wrong_data_is_noticed(repository: dict[str, Any], notice: str) -> None:
    right = answered("POST", "/api/graphql", {"query": READ, "variables": {"owner": "xiilab"}})

    with pytest.raises(AssertionError) as noticed:
        check_graphql(changed(right, data={"repository": repository}))

    assert notice in str(noticed.value)


def test_servers_are_watched_without_being_asked_for(
    github_contract: list[LoopbackServer],
) -> None:
    """What a test exchanges with a GitHub on loopback is found and checked."""
    github = GitHub()
    github.create_repository("xiilab/public", {"a": b"1"}, private=False)
    with LoopbackServer(github) as server:
        requests.get(f"{server.url}/repos/xiilab/public", timeout=10)

        assert github_contract == [server]
        assert is_github(server)
        assert broken_promises([server]) == []
        requests.get(f"{server.url}/repos/xiilab/public?pag=1", timeout=10)
        assert "the query has `pag`" in broken_promises([server])[0]
        server.exchanges.clear()
