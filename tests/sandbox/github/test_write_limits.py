"""GitHub's secondary limit on writes, where a test asks for it."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import requests

from astrago_actions.sandbox.github import GitHub
from astrago_actions.sandbox.github.records import Level
from tests.manual_clock import ManualClock
from tests.sandbox.github.conftest import DEPLOYMENT, TOKEN, Api, Serve, filled

COMMIT = """mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid } }
}"""
READ = 'query { repository(owner: "xiilab", name: "astrago-deployment") { id } }'


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def limited(serve: Serve, clock: ManualClock) -> Api:
    """A GitHub that lets an account write twice a minute and three times an hour."""
    api = serve(filled(GitHub(clock=clock)))
    api.github.limit_writes(per_minute=2, per_hour=3)
    return api


def send(api: Api, query: str, variables: dict[str, Any], token: str = TOKEN) -> requests.Response:
    return requests.post(
        f"{api.server.url}/api/graphql",
        json={"query": query, "variables": variables},
        headers={"Authorization": f"bearer {token}"},
        timeout=10,
    )


def commit(api: Api, head: str = "", token: str = TOKEN) -> requests.Response:
    """A commit over GraphQL, on the head that the branch has unless another is given."""
    given = {
        "branch": {"repositoryNameWithOwner": DEPLOYMENT, "branchName": "main"},
        "message": {"headline": "Change"},
        "expectedHeadOid": head or api.head(),
        "fileChanges": {"additions": [{"path": "new", "contents": "eA=="}]},
    }
    return send(api, COMMIT, {"input": given}, token)


def put(api: Api, path: str) -> requests.Response:
    """A commit over REST."""
    content = base64.b64encode(b"x").decode()
    return api.call("PUT", f"contents/{path}", {"message": "Change", "content": content})


def test_without_being_asked_for_there_is_no_limit(api: Api) -> None:
    assert {commit(api).status_code for _ in range(4)} == {200}


def test_the_third_write_of_a_minute_is_refused_as_github_refuses_it(
    limited: Api, clock: ManualClock
) -> None:
    commit(limited)
    clock.sleep(10)
    commit(limited)
    clock.sleep(5)
    before = limited.head()

    refused = commit(limited)

    assert refused.status_code == 403
    assert refused.json()["message"].startswith(
        "You have exceeded a secondary rate limit and have been temporarily blocked"
    )
    assert refused.json()["documentation_url"].endswith("#secondary-rate-limits")
    assert refused.headers["Retry-After"] == "45"
    assert int(refused.headers["X-RateLimit-Remaining"]) > 0
    assert limited.head() == before


def test_after_the_wait_that_it_asks_for_a_write_is_taken(limited: Api, clock: ManualClock) -> None:
    for _ in range(2):
        commit(limited)
    clock.sleep(int(commit(limited).headers["Retry-After"]))

    assert commit(limited).status_code == 200


def test_the_hour_is_limited_too(limited: Api, clock: ManualClock) -> None:
    for _ in range(3):
        commit(limited)
        clock.sleep(60)

    assert commit(limited).headers["Retry-After"] == str(3600 - 180)


def test_it_may_keep_to_itself_how_long(limited: Api) -> None:
    limited.github.limit_writes(per_minute=1, says_how_long=False)
    commit(limited)

    refused = commit(limited)

    assert refused.status_code == 403
    assert "Retry-After" not in refused.headers


def test_rest_and_graphql_count_together_and_reads_do_not(limited: Api) -> None:
    put(limited, "a")
    commit(limited)

    assert put(limited, "b").status_code == 403
    assert limited.call("GET", "contents/a").status_code == 200
    assert send(limited, READ, {}).status_code == 200


def test_a_commit_that_came_too_late_for_its_head_counts(limited: Api) -> None:
    first = limited.head()
    commit(limited)
    assert commit(limited, head=first).json()["errors"][0]["type"] == "STALE_DATA"

    assert commit(limited).status_code == 403


def test_the_tokens_of_an_account_are_counted_together_and_accounts_alone(limited: Api) -> None:
    everything: dict[str, dict[str, Level]] = {DEPLOYMENT: {"contents": "write"}}
    limited.github.add_token("second", everything, login="deployer")
    limited.github.add_token("another", everything, login="another")
    for _ in range(2):
        commit(limited)

    assert commit(limited, token="second").status_code == 403
    assert commit(limited, token="another").status_code == 200
