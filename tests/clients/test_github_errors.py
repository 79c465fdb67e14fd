"""GitHub's recorded refusals, and the remedy that each must name."""

from __future__ import annotations

import json
from typing import Any

import pytest
import responses

from astrago_actions.clients.github import connect
from astrago_actions.clients.github_errors import RuleViolation, explained, explained_write
from astrago_actions.errors import (
    AccessDenied,
    ActionError,
    Conflict,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Unreachable,
)
from astrago_actions.inputs import Secret

API = "https://api.github.com"
WIRE = "https://api.github.com:443"  # PyGithub writes the port out
REPOSITORY = "xiilab/astrago-deployment"
HEAD = "d8a7a1d03f212ac203112cf729d6c27d7030f42c"


def rest_error(status: int, body: Any, headers: dict[str, str] | None = None) -> ActionError:
    """What a person is told when a REST read gets this answer."""
    text = body if isinstance(body, str) else json.dumps(body)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        for _ in range(8):
            mocked.get(
                f"{WIRE}/repos/{REPOSITORY}/branches", body=text, status=status, headers=headers
            )
        connection = connect(Secret("t" * 20), API)
        with pytest.raises(ActionError) as caught, explained("list the branches", REPOSITORY):
            connection.get(f"/repos/{REPOSITORY}/branches")
    return caught.value


def graphql_error(
    body: Any, status: int = 200, headers: dict[str, str] | None = None
) -> ActionError:
    """What a person is told when the commit mutation gets this answer."""
    text = body if isinstance(body, str) else json.dumps(body)
    with responses.RequestsMock() as mocked:
        mocked.post(f"{WIRE}/graphql", body=text, status=status, headers=headers)
        with (
            pytest.raises(ActionError) as caught,
            explained_write("commit the new tags", REPOSITORY, branch="stabilize/1.0"),
        ):
            connect(Secret("t" * 20), API).graphql("mutation { x }", {})
    return caught.value


def graphql_body(kind: str, message: str, **more: Any) -> dict[str, Any]:
    return {
        "data": {"createCommitOnBranch": None},
        "errors": [{"type": kind, "path": ["createCommitOnBranch"], "message": message, **more}],
    }


def test_a_moved_branch_is_a_conflict() -> None:
    message = f'Expected branch to point to "{HEAD}" but it did not.  Pull and try again.'
    assert isinstance(graphql_error(graphql_body("STALE_DATA", message)), Conflict)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (409, f"backend/gradle.properties does not match {HEAD}"),
        (409, f"is at {HEAD} but expected c45b5444e7ae45df5356ca2b8dbf49db646826d4"),
        (422, f"is at {HEAD} but expected c45b5444e7ae45df5356ca2b8dbf49db646826d4"),
        (422, "Update is not a fast forward"),
        (422, "Reference cannot be updated"),
    ],
)
def test_every_wording_of_somebody_came_first_is_a_conflict(status: int, message: str) -> None:
    assert isinstance(rest_error(status, {"message": message}), Conflict)


@pytest.mark.parametrize(
    "message",
    [
        "Repository rule violations found\n\nChanges must be made through a pull request.",
        "Could not update file: 2 of 2 required status checks are expected. Changes must be made "
        "through a pull request.",
    ],
)
def test_a_409_that_names_rules_is_no_conflict(message: str) -> None:
    error = rest_error(409, {"message": message})
    assert isinstance(error, RuleViolation)
    assert "mode: pull-request" in error.remedy


def test_classic_protection_over_graphql_names_the_branch_and_the_way_out() -> None:
    body = graphql_body(
        "BRANCH_PROTECTION_RULE_VIOLATION", "Changes must be made through a pull request."
    )
    error = graphql_error(body)
    assert isinstance(error, RuleViolation)
    assert "`stabilize/1.0`" in error.remedy
    assert "Changes must be made through a pull request" in error.detail


def test_a_ruleset_over_graphql_is_known_by_its_text() -> None:
    message = "Repository rule violations found\n\nChanges must be made through the merge queue."
    assert isinstance(graphql_error(graphql_body("UNPROCESSABLE", message)), RuleViolation)


def test_a_secret_in_the_file_is_no_reason_for_a_pull_request() -> None:
    message = "Repository rule violations found\n\nSecret detected in content"
    error = rest_error(409, {"message": message})
    assert isinstance(error, AccessDenied)
    assert "push protection" in error.remedy
    assert "mode: pull-request" not in error.remedy


@pytest.mark.parametrize(
    "message",
    [
        "Although you appear to have the correct authorization credentials, the `xiilab` "
        "organization has an IP allow list enabled, and your IP address is not permitted to "
        "access this resource.",
        "`xiilab` forbids access via a personal access token (classic). Please use a GitHub App, "
        "OAuth App, or a personal access token with fine-grained permissions.",
        "The 'xiilab' organization forbids access via a fine-grained personal access tokens if "
        "the token's lifetime is greater than 366 days.",
    ],
)
def test_what_the_organization_refuses_is_no_missing_permission(message: str) -> None:
    for error in (
        rest_error(403, {"message": message}),
        graphql_error(graphql_body("FORBIDDEN", message)),
    ):
        assert isinstance(error, AccessDenied)
        assert "organization's settings" in error.remedy
        assert "lacks" not in error.remedy


def test_bad_credentials_ask_for_a_new_token() -> None:
    body = {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"}
    error = rest_error(401, body)
    assert isinstance(error, AccessDenied)
    assert "expired or revoked" in error.remedy


def test_a_repository_out_of_sight_names_both_causes() -> None:
    error = rest_error(404, {"message": "Not Found", "status": "404"})
    assert isinstance(error, NotFound)
    assert "does not exist" in error.remedy
    assert "cannot see it" in error.remedy


def test_a_repository_out_of_sight_over_graphql_too() -> None:
    body = {
        "data": {"repository": None},
        "errors": [
            {
                "type": "NOT_FOUND",
                "path": ["repository"],
                "message": "Could not resolve to a Repository with the name 'x/y'.",
            }
        ],
    }
    assert isinstance(graphql_error(body), NotFound)


def test_a_missing_permission_is_named() -> None:
    error = rest_error(
        403,
        {"message": "Resource not accessible by personal access token"},
        {"X-Accepted-GitHub-Permissions": "contents=write; workflows=write"},
    )
    assert isinstance(error, AccessDenied)
    assert "`contents: write or workflows: write`" in error.remedy


def test_pull_requests_that_cannot_be_listed_need_the_right_to_write_them() -> None:
    """A token that was then given the right to read would be refused once more."""
    error = rest_error(
        403,
        {"message": "Resource not accessible by personal access token"},
        {"X-Accepted-GitHub-Permissions": "pull_requests=read"},
    )
    assert "`pull_requests: write`" in error.remedy


def test_a_missing_permission_over_graphql_names_what_a_commit_needs() -> None:
    body = graphql_body(
        "FORBIDDEN",
        "Resource not accessible by integration",
        extensions={"saml_failure": False},
    )
    error = graphql_error(body)
    assert isinstance(error, AccessDenied)
    assert "`contents: write`" in error.remedy


def test_single_sign_on_gives_the_link_to_authorise() -> None:
    url = "https://github.com/orgs/xiilab/sso?authorization_request=AZSC"
    error = rest_error(
        403,
        {"message": "Resource protected by organization SAML enforcement."},
        {"X-GitHub-SSO": f"required; url={url}"},
    )
    assert isinstance(error, AccessDenied)
    assert error.link == url


def test_single_sign_on_over_graphql_is_known_by_its_flag() -> None:
    body = graphql_body("FORBIDDEN", "Resource protected", extensions={"saml_failure": True})
    assert "single sign-on" in graphql_error(body).remedy


def test_an_archived_repository_is_named_as_such() -> None:
    error = rest_error(403, {"message": "Repository was archived so is read-only."})
    assert "unarchive" in error.remedy


def test_a_secondary_limit_carries_its_retry_after() -> None:
    body = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}
    error = graphql_error(body, 403, {"Retry-After": "7"})
    assert isinstance(error, RateLimited)
    assert error.retry_after == 7


def test_a_secondary_limit_may_come_without_a_time() -> None:
    body = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}
    error = graphql_error(body, 403)
    assert isinstance(error, RateLimited)
    assert error.retry_after is None


def test_the_hourly_limit_says_when_it_ends() -> None:
    error = graphql_error(
        {"message": "API rate limit exceeded for user ID 1."},
        403,
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795168800"},
    )
    assert isinstance(error, RateLimited)
    assert error.reset_at == 1795168800
    assert "10:00:00 UTC" in error.remedy


def test_a_graphql_rate_limit_comes_with_status_200() -> None:
    assert isinstance(graphql_error(graphql_body("RATE_LIMITED", "slow down")), RateLimited)


@pytest.mark.parametrize(
    "body",
    [
        {"data": None, "errors": [{"message": "Something went wrong while executing your query."}]},
        "<html>\r\n<head><title>502 Bad Gateway</title></head></html>",
        "",
    ],
)
def test_a_server_fault_while_writing_leaves_the_outcome_unknown(body: Any) -> None:
    assert isinstance(graphql_error(body, 502), OutcomeUnknown)


def test_a_server_fault_keeps_its_text_and_request_id() -> None:
    text = "Something went wrong while executing your query. Please include `C0AD:1015`."
    error = graphql_error({"data": None, "errors": [{"message": text}]}, 502)
    assert "HTTP 502" in error.detail
    assert "C0AD:1015" in error.detail


def test_a_server_fault_shows_the_words_of_a_page_without_its_markup() -> None:
    page = "<html>\r\n<head><title>502 Bad Gateway</title></head></html>"
    error = graphql_error(page, 502, {"X-GitHub-Request-Id": "AB12:9"})
    assert "“502 Bad Gateway”" in error.detail
    assert "request id AB12:9" in error.detail


def test_a_lost_connection_while_writing_leaves_the_outcome_unknown() -> None:
    with (
        responses.RequestsMock(),
        pytest.raises(OutcomeUnknown),
        explained_write("commit the new tags", REPOSITORY),
    ):
        connect(Secret("t" * 20), API).graphql("mutation { x }", {})


def test_a_lost_connection_while_reading_is_only_unreachable() -> None:
    with (
        responses.RequestsMock(),
        pytest.raises(Unreachable),
        explained("read the deployment repository", REPOSITORY),
    ):
        connect(Secret("t" * 20), API).graphql("query { x }", {})


def test_an_answer_that_is_not_graphql_points_at_the_address() -> None:
    error = graphql_error("<html>Sign in</html>")
    assert "GITHUB_API_URL" in error.remedy


def test_an_unknown_refusal_keeps_status_text_and_request_id() -> None:
    error = rest_error(418, {"message": "I'm a teapot"}, {"X-GitHub-Request-Id": "C0AD:1015"})
    assert "418" in error.detail
    assert "I'm a teapot" in error.detail
    assert "C0AD:1015" in error.detail


def test_the_token_is_never_part_of_an_error() -> None:
    error = rest_error(401, {"message": "Bad credentials"})
    assert "tttt" not in str(error)
