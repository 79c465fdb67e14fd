"""Every refusal in GitHub's own words, headers and status."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import requests

from astrago_actions.sandbox.github import GitHub, errors
from tests.manual_clock import ManualClock
from tests.sandbox.github.conftest import DEPLOYMENT, READER, TOKEN, VALUES, Api, Serve, filled

CHANGE = {"message": "Change", "content": base64.b64encode(b"x").decode(), "branch": "main"}
COMMIT = """mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid } }
}"""


def commit_input(api: Api, path: str = "new") -> dict[str, Any]:
    return {
        "branch": {"repositoryNameWithOwner": DEPLOYMENT, "branchName": "main"},
        "message": {"headline": "Change"},
        "expectedHeadOid": api.head(),
        "fileChanges": {"additions": [{"path": path, "contents": "eA=="}]},
    }


def refusal(api: Api, token: str, path: str = "new") -> dict[str, Any]:
    """The one error of a GraphQL commit that must not happen."""
    before = api.head()
    answer = api.graphql(COMMIT, {"input": commit_input(api, path)}, token)
    assert answer["data"] == {"createCommitOnBranch": None}
    assert api.head() == before
    error: dict[str, Any] = answer["errors"][0]
    assert error["path"] == ["createCommitOnBranch"]
    return error


def test_an_unknown_token_is_a_401(api: Api) -> None:
    for path in ("", "/user", "/rate_limit"):
        answer = api.call("GET", path, token="nope")

        assert answer.status_code == 401
        assert answer.json() == {
            "message": "Bad credentials",
            "documentation_url": "https://docs.github.com/rest",
            "status": "401",
        }


def test_no_token_at_all_is_another_401(api: Api) -> None:
    answer = api.call("GET", "/user", token="")

    assert (answer.status_code, answer.json()["message"]) == (401, "Requires authentication")


def test_an_expired_token_is_a_401(serve: Serve) -> None:
    clock = ManualClock()
    api = serve(filled(GitHub(clock=clock)))
    api.github.add_token("short", {DEPLOYMENT: {"contents": "read"}}, expires_at=clock.now() + 60)

    valid = api.call("GET", "", token="short")
    clock.sleep(60)
    expired = api.call("GET", "", token="short")

    assert valid.headers["GitHub-Authentication-Token-Expiration"].endswith(" UTC")
    assert expired.status_code == 401


@pytest.mark.parametrize("token", ["", "elsewhere"])
def test_an_invisible_repository_is_a_404(api: Api, token: str) -> None:
    api.github.add_token("elsewhere", {"other/repository": {"contents": "write"}})

    for method, path in (("GET", ""), ("GET", f"contents/{VALUES}"), ("PUT", "contents/x")):
        answer = api.call(method, path, CHANGE if method == "PUT" else None, token=token)
        assert (answer.status_code, answer.json()["message"]) == (404, "Not Found")


def test_a_public_repository_is_seen_by_all_and_written_by_few(api: Api) -> None:
    api.github.create_repository("xiilab/public", {"a": b"1"}, private=False)

    read = api.call("GET", "/repos/xiilab/public/contents/a", token="")
    written = api.call("PUT", "/repos/xiilab/public/contents/b", CHANGE, token="")

    assert read.status_code == 200
    assert (written.status_code, written.json()["message"]) == (401, "Requires authentication")


@pytest.mark.parametrize(
    ("kind", "status", "message"),
    [
        ("fine-grained", 403, "Resource not accessible by personal access token"),
        ("installation", 403, "Resource not accessible by integration"),
        ("classic", 404, "Not Found"),
    ],
)
def test_a_missing_permission_is_named_in_a_header(
    api: Api, kind: Any, status: int, message: str
) -> None:
    api.github.add_token("some", {DEPLOYMENT: {"contents": "read"}}, kind=kind)

    written = api.call("PUT", "contents/new", CHANGE, token="some")

    assert (written.status_code, written.json()["message"]) == (status, message)
    assert written.headers["X-Accepted-GitHub-Permissions"] == "contents=write"
    assert int(written.headers["X-RateLimit-Remaining"]) > 0


@pytest.mark.parametrize(
    ("path", "body", "accepted"),
    [
        ("actions/runs", None, "actions=read"),
        ("pulls", None, "pull_requests=read"),
        ("pulls", {"title": "Bump", "head": "bump", "base": "main"}, "pull_requests=write"),
        ("deployments", {"ref": "main"}, "deployments=write"),
        ("issues/1/labels", None, "issues=read;pull_requests=read"),
    ],
)
def test_each_endpoint_says_what_it_accepts(
    api: Api, path: str, body: dict[str, str] | None, accepted: str
) -> None:
    answer = api.call("POST" if body else "GET", path, body, token=READER)

    assert answer.status_code == 403
    assert answer.headers["X-Accepted-GitHub-Permissions"] == accepted


def test_workflow_files_need_a_permission_of_their_own(api: Api) -> None:
    api.github.add_token("narrow", {DEPLOYMENT: {"contents": "write"}}, kind="installation")
    path = ".github/workflows/ci.yml"

    by_rest = api.call("PUT", f"contents/{path}", CHANGE, token="narrow")
    by_graphql = refusal(api, "narrow", path)

    assert by_rest.status_code == 403
    assert "workflows=write" in by_rest.headers["X-Accepted-GitHub-Permissions"]
    assert by_graphql["type"] == "FORBIDDEN"


def test_single_sign_on(api: Api) -> None:
    api.github.add_token("sso", {DEPLOYMENT: {"contents": "write"}}, sso_required=True)

    by_rest = api.call("GET", "", token="sso")
    by_graphql = refusal(api, "sso")

    assert by_rest.status_code == 403
    assert by_rest.json()["message"].startswith("Resource protected by organization SAML")
    assert by_rest.headers["X-GitHub-SSO"].startswith("required; url=http")
    assert by_graphql["type"] == "FORBIDDEN"
    assert by_graphql["extensions"] == {"saml_failure": True}


def test_an_archived_repository_is_read_only(api: Api) -> None:
    api.github.archive(DEPLOYMENT)

    written = api.call("PUT", "contents/new", CHANGE)

    assert (written.status_code, written.json()["message"]) == (
        403,
        "Repository was archived so is read-only.",
    )
    assert api.call("GET", "").json()["archived"] is True
    assert refusal(api, TOKEN)["message"] == "Repository was archived so is read-only."


@pytest.mark.parametrize(
    ("rule", "contents", "ref", "kind"),
    [
        (
            "pull-request",
            "Could not update file: Changes must be made through a pull request.",
            "Could not update ref: Changes must be made through a pull request.",
            "BRANCH_PROTECTION_RULE_VIOLATION",
        ),
        (
            "status-checks",
            "Could not update file: 2 of 2 required status checks are expected. "
            "Changes must be made through a pull request.",
            "Could not update ref: 2 of 2 required status checks are expected. "
            "Changes must be made through a pull request.",
            "BRANCH_PROTECTION_RULE_VIOLATION",
        ),
        (
            "ruleset",
            "Repository rule violations found\n\nChanges must be made through a pull request.\n\n",
            "Repository rule violations found\n\nChanges must be made through a pull request.\n\n",
            "UNPROCESSABLE",
        ),
        (
            "secret-scanning",
            "Repository rule violations found\n\nSecret detected in content\n\n",
            "Repository rule violations found\n\nSecret detected in content\n\n",
            "UNPROCESSABLE",
        ),
    ],
)
def test_branch_rules(api: Api, rule: Any, contents: str, ref: str, kind: str) -> None:
    api.github.create_branch(DEPLOYMENT, "ahead")
    ahead = api.github.commit(DEPLOYMENT, "ahead", {"a": b"1"}, "Ahead")
    api.github.protect(DEPLOYMENT, "main", rule)

    written = api.call("PUT", "contents/new", CHANGE)
    moved = api.call("PATCH", "git/refs/heads/main", {"sha": ahead})
    by_graphql = refusal(api, TOKEN)

    assert (written.status_code, written.json()["message"]) == (409, contents)
    assert (moved.status_code, moved.json()["message"]) == (422, ref)
    assert by_graphql["type"] == kind
    assert by_graphql["message"] in contents


def test_rules_do_not_bind_those_who_may_bypass_them(api: Api) -> None:
    api.github.protect(DEPLOYMENT, "main", "ruleset", bypass=["deployer"])

    assert api.call("PUT", "contents/new", CHANGE).status_code == 201


def test_the_hourly_limit_ends_and_begins_again(serve: Serve) -> None:
    clock = ManualClock()
    api = serve(filled(GitHub(clock=clock)))
    api.github.rate_limit(TOKEN, remaining=1, reset_at=clock.now() + 30)

    last = api.call("GET", "")
    over = api.call("GET", "")
    free = api.call("GET", "/rate_limit")
    clock.sleep(30)
    again = api.call("GET", "")

    assert last.headers["X-RateLimit-Remaining"] == "0"
    assert over.status_code == 403
    assert over.json()["message"].startswith("API rate limit exceeded for")
    assert over.headers["X-RateLimit-Remaining"] == "0"
    assert int(over.headers["X-RateLimit-Reset"]) == int(clock.now())
    assert free.json()["rate"]["remaining"] == 0
    assert again.headers["X-RateLimit-Remaining"] == "4999"


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (errors.SECONDARY_RATE_LIMIT, 403, "You have exceeded a secondary rate limit."),
        (errors.secondary_rate_limit(7, status=429), 429, "secondary rate limit"),
        (errors.primary_rate_limit(1_800_000_000), 403, "API rate limit exceeded"),
        (errors.BAD_CREDENTIALS, 401, "Bad credentials"),
        (errors.not_permitted("contents=write"), 403, "Resource not accessible by integration"),
        (errors.CONTENTS_RACE, 409, "is at 0929670cc804228df5f0b3e8f7a741dfb735ba62 but expected"),
        (errors.SERVER_FAULT, 502, "Something went wrong while executing your query"),
        (errors.BAD_GATEWAY, 502, "<title>502 Bad Gateway</title>"),
        (errors.UNICORN, 503, "Unicorn!"),
        (errors.graphql_rate_limit(), 200, '"type": "RATE_LIMITED"'),
    ],
)
def test_recorded_answers_can_be_given_to_any_request(
    api: Api, answer: errors.Answer, status: int, words: str
) -> None:
    api.server.faults.add(answer.fault(method="PUT", path=r".*/contents/new"))

    refused = api.call("PUT", "contents/new", CHANGE)
    accepted = api.call("PUT", "contents/new", CHANGE)

    assert refused.status_code == status
    assert words in refused.text
    assert answer.headers.items() <= refused.headers.items()
    assert accepted.status_code == 201


def test_an_answer_can_be_lost_after_the_commit(api: Api) -> None:
    before = api.head()
    api.server.faults.add(errors.BAD_GATEWAY.fault(applied=True, method="PUT"))

    assert api.call("PUT", "contents/new", CHANGE).status_code == 502
    assert api.head() != before


def test_an_installation_has_no_account(api: Api) -> None:
    api.github.add_token("ghs_1", {DEPLOYMENT: {"contents": "write"}}, kind="installation")

    answer = api.call("GET", "/user", token="ghs_1")

    assert (answer.status_code, answer.json()["message"]) == (
        403,
        "Resource not accessible by integration",
    )


def test_an_unknown_endpoint_is_a_404(api: Api) -> None:
    answer = requests.get(f"{api.server.url}/api/v3x", timeout=10)

    assert (answer.status_code, answer.json()["message"]) == (404, "Not Found")


def test_every_answer_has_a_request_id_and_the_limits(api: Api) -> None:
    answers = [
        api.call("GET", ""),
        api.call("GET", "contents/nope"),
        api.call("GET", "", token="x"),
    ]

    assert len({each.headers["X-GitHub-Request-Id"] for each in answers}) == 3
    for each in answers[:2]:
        assert int(each.headers["X-RateLimit-Reset"]) > 0
