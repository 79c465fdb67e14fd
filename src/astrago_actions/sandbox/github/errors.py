"""GitHub's refusals, worded as GitHub words them.

`Refusal` is raised inside the sandbox where GitHub itself would refuse. The constants and
functions that return an `Answer` are for tests: `SECONDARY_RATE_LIMIT.fault(path=".*/graphql")`
lets a server fail in that way. The texts were recorded from GitHub.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from astrago_actions.sandbox.server import Fault

DOCUMENTATION = "https://docs.github.com/rest"
SSO_DOCUMENTATION = (
    "https://docs.github.com/articles/"
    "authenticating-to-a-github-organization-with-saml-single-sign-on/"
)
PROTECTED_BRANCHES = "https://docs.github.com/articles/about-protected-branches"
SSO_TEXT = (
    "Resource protected by organization SAML enforcement. "
    "You must grant your Personal Access token access to this organization."
)
ARCHIVED_TEXT = "Repository was archived so is read-only."
RULES_TEXT = "Repository rule violations found"
PULL_REQUEST_TEXT = "Changes must be made through a pull request."
SECONDARY_TEXT = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
)
CONTENT_TEXT = (
    "You have exceeded a secondary rate limit and have been temporarily blocked from content "
    "creation. Please retry your request again later."
)
SECONDARY_DOCUMENTATION = (
    "https://docs.github.com/en/free-pro-team@latest/rest/overview/"
    "resources-in-the-rest-api#secondary-rate-limits"
)


class Refusal(Exception):
    """A REST request that GitHub does not fulfil."""

    def __init__(
        self,
        status: int,
        message: str,
        documentation: str = DOCUMENTATION,
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.documentation = documentation
        self.headers: Mapping[str, str] = headers or {}
        self.errors = errors

    def body(self) -> dict[str, Any]:
        """The body of the answer."""
        described: dict[str, Any] = {"message": self.message}
        if self.errors:
            described["errors"] = [dict(each) for each in self.errors]
        described["documentation_url"] = self.documentation
        described["status"] = str(self.status)
        return described


def not_found(documentation: str = DOCUMENTATION) -> Refusal:
    """The thing is not there, or must not be seen."""
    return Refusal(404, "Not Found", documentation)


def unprocessable(message: str, documentation: str = DOCUMENTATION) -> Refusal:
    """The request is understood and makes no sense."""
    return Refusal(422, message, documentation)


def validation_failed(resource: str, problem: str, *, fieldname: str = "") -> Refusal:
    """A validation error: `problem` is a code such as `missing_field`, or a sentence."""
    if problem in {"missing", "missing_field", "invalid", "already_exists", "unprocessable"}:
        detail = {"resource": resource, "code": problem}
    else:
        detail = {"resource": resource, "code": "custom", "message": problem}
    if fieldname:
        detail["field"] = fieldname
    return Refusal(422, "Validation Failed", errors=[detail])


@dataclass(frozen=True)
class Answer:
    """An answer that GitHub may give to any request."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def fault(self, *, applied: bool = False, **matching: Any) -> Fault:
        """A fault with this answer; `applied` lets the request take effect all the same.

        `matching` are the fields of `Fault` that choose requests (`method`, `path`, `contains`)
        and say how often (`times`, `probability`).
        """
        return Fault(
            kind="status-after" if applied else "status",
            status=self.status,
            body=self.body,
            headers=self.headers,
            **matching,
        )


def _json_answer(
    status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Answer:
    return Answer(status, json.dumps(body), headers or {})


def secondary_rate_limit(retry_after: int | None = None, status: int = 403) -> Answer:
    """Too many writes at once; GitHub does not always say how long to wait."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    body = {"documentation_url": SECONDARY_DOCUMENTATION, "message": SECONDARY_TEXT}
    return _json_answer(status, body, headers)


def primary_rate_limit(reset_at: float, status: int = 403) -> Answer:
    """The token's hour is used up until `reset_at` (epoch)."""
    body = {
        "message": "API rate limit exceeded for user ID 1.",
        "documentation_url": f"{DOCUMENTATION}/overview/rate-limits-for-the-rest-api",
        "status": str(status),
    }
    headers = {
        "X-RateLimit-Limit": "5000",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(int(reset_at)),
    }
    return _json_answer(status, body, headers)


def graphql_error(error_type: str, message: str, *path: str, **more: Any) -> Answer:
    """A GraphQL refusal, on HTTP 200 as always; `more` are further keys such as `extensions`."""
    error = {"type": error_type, "path": list(path), **more, "message": message}
    return _json_answer(200, {"data": dict.fromkeys(path[:1]), "errors": [error]})


def graphql_rate_limit() -> Answer:
    """The token's GraphQL points are used up."""
    error = {"type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 1."}
    return _json_answer(200, {"errors": [error]}, {"X-RateLimit-Remaining": "0"})


def not_permitted(permission: str, *, integration: bool = True) -> Answer:
    """The token lacks `permission`, written as in `contents=write`."""
    whom = "integration" if integration else "personal access token"
    body = {
        "message": f"Resource not accessible by {whom}",
        "documentation_url": DOCUMENTATION,
        "status": "403",
    }
    return _json_answer(403, body, {"X-Accepted-GitHub-Permissions": permission})


SECONDARY_RATE_LIMIT = secondary_rate_limit()
BAD_CREDENTIALS = _json_answer(
    401, {"message": "Bad credentials", "documentation_url": DOCUMENTATION, "status": "401"}
)
SERVER_FAULT = _json_answer(
    502,
    {
        "data": None,
        "errors": [
            {
                "message": "Something went wrong while executing your query. This may be the "
                "result of a timeout, or it could be a GitHub bug. Please include "
                "`C0AD:1015:8F4AB9:1276F21:6357FA82` when reporting this issue."
            }
        ],
    },
)
BAD_GATEWAY = Answer(
    502,
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n"
    "</body>\r\n</html>\r\n",
)
UNICORN = Answer(503, "<!DOCTYPE html>\n<html><head><title>Unicorn! &middot; GitHub</title></head>")
CONTENTS_RACE = _json_answer(
    409,
    {
        "message": "is at 0929670cc804228df5f0b3e8f7a741dfb735ba62 but expected "
        "c45b5444e7ae45df5356ca2b8dbf49db646826d4",
        "documentation_url": "https://docs.github.com/rest/repos/contents"
        "#create-or-update-file-contents",
        "status": "409",
    },
)
