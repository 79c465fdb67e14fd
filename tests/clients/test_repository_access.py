"""What GitHub tells of a token, and how its true permissions are found out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from functools import partial

import pytest
import requests
import responses

from astrago_actions.clients.github import Connection, connect
from astrago_actions.clients.repository_access import (
    prove_pull_requests,
    prove_writing,
    read_branch_rules,
    read_repository,
    read_token,
)
from astrago_actions.domain.branch_rules import BranchRules
from astrago_actions.errors import AccessDenied, ActionError, RateLimited, Unreachable
from astrago_actions.inputs import Secret

WIRE = "https://api.github.com:443"  # PyGithub writes the port out
REPOSITORY = "xiilab/astrago-deployment"
RATE = {
    "resources": {
        "core": {"limit": 5000, "remaining": 4990, "reset": 1_795_172_400},
        "graphql": {"limit": 5000, "remaining": 4800, "reset": 1_795_172_460},
    }
}
EXPIRATION = "GitHub-Authentication-Token-Expiration"


@pytest.fixture
def github() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mocked:
        yield mocked


@pytest.fixture
def connection() -> Connection:
    return connect(Secret("github_pat_" + "t" * 20), "https://api.github.com")


@pytest.mark.parametrize(
    ("header", "expires_at"),
    [
        ("2026-12-24 18:00:00 UTC", datetime(2026, 12, 24, 18, tzinfo=timezone.utc)),
        ("2026-12-24 18:00:00 +0900", datetime(2026, 12, 24, 9, tzinfo=timezone.utc)),
        ("soon", None),
        ("", None),
    ],
)
def test_a_token_ends_when_the_header_says_so(
    github: responses.RequestsMock,
    connection: Connection,
    header: str,
    expires_at: datetime | None,
) -> None:
    github.get(f"{WIRE}/rate_limit", json=RATE, headers={EXPIRATION: header})

    facts = read_token(connection, REPOSITORY)

    assert facts.expires_at == (expires_at.timestamp() if expires_at else None)


def test_of_two_limits_the_one_that_is_nearer_counts(
    github: responses.RequestsMock, connection: Connection
) -> None:
    github.get(f"{WIRE}/rate_limit", json=RATE)

    facts = read_token(connection, REPOSITORY)

    assert (facts.remaining, facts.limit, facts.reset_at) == (4800, 5000, 1_795_172_460)


def test_what_a_repository_says_about_permissions_is_not_believed(
    github: responses.RequestsMock, connection: Connection
) -> None:
    shown = {"full_name": REPOSITORY, "archived": False, "default_branch": "main"}
    owner = {"permissions": {"admin": True, "push": True, "pull": True}}
    github.get(f"{WIRE}/repos/{REPOSITORY}", json=shown | owner)
    github.post(
        f"{WIRE}/repos/{REPOSITORY}/git/blobs",
        status=403,
        json={"message": "Resource not accessible by personal access token"},
        headers={"X-Accepted-GitHub-Permissions": "contents=write"},
    )

    read_repository(connection, REPOSITORY)
    with pytest.raises(AccessDenied) as caught:
        prove_writing(connection, REPOSITORY)

    assert "`contents: write`" in caught.value.remedy


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (403, {"message": "You have exceeded a secondary rate limit."}, RateLimited),
        (502, {"message": "Bad Gateway"}, Unreachable),
    ],
)
def test_no_answer_about_writing_is_not_a_missing_permission(
    github: responses.RequestsMock,
    connection: Connection,
    status: int,
    body: dict[str, str],
    error: type[Exception],
) -> None:
    github.post(f"{WIRE}/repos/{REPOSITORY}/git/blobs", status=status, json=body)

    with pytest.raises(error):
        prove_writing(connection, REPOSITORY)

    assert len(github.calls) == 1


def test_a_pull_request_that_can_never_be_tells_whether_one_may_be_opened(
    github: responses.RequestsMock, connection: Connection
) -> None:
    refused = {
        "message": "Validation Failed",
        "errors": [{"resource": "PullRequest", "code": "custom", "message": "No commits between"}],
    }
    github.post(f"{WIRE}/repos/{REPOSITORY}/pulls", status=422, json=refused)

    prove_pull_requests(connection, REPOSITORY, "stabilize/1.0")

    sent = json.loads(github.calls[0].request.body or "")
    assert sent["head"] == sent["base"] == "stabilize/1.0"


RULES = f"{WIRE}/repos/{REPOSITORY}/rules/branches/main"
BRANCH = f"{WIRE}/repos/{REPOSITORY}/branches/main"


@pytest.mark.parametrize(
    ("path", "ask"),
    [
        ("git/blobs", prove_writing),
        ("pulls", partial(prove_pull_requests, branch="main")),
    ],
)
def test_a_repository_with_a_new_name_takes_no_changes_under_the_old_one(
    github: responses.RequestsMock,
    connection: Connection,
    path: str,
    ask: Callable[[Connection, str], None],
) -> None:
    told = {"message": "Moved Permanently", "url": f"{WIRE}/repositories/7/{path}"}
    moved = {"Location": told["url"]}
    github.post(f"{WIRE}/repos/{REPOSITORY}/{path}", status=307, json=told, headers=moved)

    with pytest.raises(ActionError, match="has another name now"):
        ask(connection, REPOSITORY)


def test_a_plan_without_rules_has_none_that_forbid_anything(
    github: responses.RequestsMock, connection: Connection
) -> None:
    """What a private repository of a free plan is told; the token lacks nothing."""
    told = "Upgrade to GitHub Team or make this repository public to enable this feature."
    github.get(RULES, status=403, json={"message": told})
    github.get(BRANCH, json={"name": "main", "protected": False})

    assert read_branch_rules(connection, REPOSITORY, "main") == BranchRules()


def test_rules_that_the_token_may_not_read_are_no_absent_rules(
    github: responses.RequestsMock, connection: Connection
) -> None:
    told = "Resource not accessible by personal access token"
    github.get(RULES, status=403, json={"message": told})

    with pytest.raises(AccessDenied, match="read the branch's rules"):
        read_branch_rules(connection, REPOSITORY, "main")


def test_a_connection_that_is_lost_at_a_ruleset_is_explained(
    github: responses.RequestsMock, connection: Connection
) -> None:
    github.get(RULES, json=[{"type": "pull_request", "ruleset_id": 7}])
    github.get(BRANCH, json={"name": "main", "protected": True})
    lost = requests.ConnectionError("reset")
    github.get(f"{WIRE}/repos/{REPOSITORY}/rulesets/7", body=lost)

    with pytest.raises(Unreachable, match="read the branch's rules"):
        read_branch_rules(connection, REPOSITORY, "main")
