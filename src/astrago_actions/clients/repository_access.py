"""What a token may do in a repository, found out without changing anything there.

The field `permissions` of a repository is no proof: for a personal token it tells the role of its
owner, also where a fine-grained token was given less; for a GitHub App's token it says `false`
though the App may write (semantic-release works around it). Only asking for the thing itself tells.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

from github import GithubException

from astrago_actions.clients.github import Connection
from astrago_actions.clients.github_errors import explained
from astrago_actions.domain.branch_rules import BranchRule, BranchRules
from astrago_actions.errors import AccessDenied, ActionError, NotFound

# Always the same text, so always the same object: however often it is asked for, there is one.
_PROBE = "astrago-actions asks whether it may write here.\n"
# Private repositories of free plans have no rules, and are told so with a 403.
_NOT_IN_PLAN = re.compile(r"make this repository public to enable this feature", re.IGNORECASE)
_EXPIRATION = "github-authentication-token-expiration"


@dataclass(frozen=True)
class TokenFacts:
    """A valid token: when it ends, and what is left of its hour.

    Times are epoch seconds; `expires_at` is None where GitHub names no end, `remaining` where the
    server sets no limit.
    """

    expires_at: float | None
    remaining: int | None = None
    limit: int = 0
    reset_at: float = 0.0


@dataclass(frozen=True)
class RepositoryFacts:
    """A repository that the token can see."""

    full_name: str
    archived: bool
    default_branch: str


def read_token(connection: Connection, repository: str) -> TokenFacts:
    """Whether GitHub knows the token, at no cost; raises AccessDenied when it does not.

    Source: REST API, "Get rate limit status for the authenticated user".
    """
    with explained("check the token", repository):
        try:
            headers, found = connection.get_with_headers("/rate_limit")
        except GithubException as error:
            # GitHub Enterprise Server answers so where limits are turned off; a wrong token is 401.
            if error.status != 404:
                raise
            return TokenFacts(_expiration(error.headers or {}))
    # A bump reads and commits by GraphQL, whose limit is counted apart.
    limits = [found["resources"][name] for name in ("core", "graphql")]
    tightest = min(limits, key=lambda each: int(each["remaining"]))
    return TokenFacts(
        expires_at=_expiration(headers),
        remaining=int(tightest["remaining"]),
        limit=int(tightest["limit"]),
        reset_at=float(tightest["reset"]),
    )


def read_repository(connection: Connection, repository: str) -> RepositoryFacts:
    """The repository; raises NotFound when it is not there or the token cannot see it."""
    with explained("see the repository", repository):
        found = connection.get(f"/repos/{repository}")
    return RepositoryFacts(
        full_name=str(found["full_name"]),
        archived=bool(found["archived"]),
        default_branch=str(found["default_branch"]),
    )


def prove_writing(connection: Connection, repository: str) -> None:
    """Raise AccessDenied unless the token may write contents of a repository that it can see.

    A blob takes the permission that a commit takes, `contents: write`, for fine-grained tokens and
    Apps alike, and no branch, tag or commit knows of it: git drops it some day. Source: REST API,
    "Create a blob".
    """
    body = {"content": _PROBE, "encoding": "utf-8"}
    try:
        with explained("write to the repository", repository):
            connection.send("POST", f"/repos/{repository}/git/blobs", body)
    except NotFound as error:
        # What a classic token without the scope is told about a repository that it can read.
        raise _read_only(error, "`contents: write` (a classic token: `repo`)") from error


def prove_pull_requests(connection: Connection, repository: str, branch: str) -> None:
    """Raise AccessDenied unless the token may open pull requests.

    Asks for one from the branch into itself, which can never be: GitHub answers 422 (no commits
    between them) to those who may, and 403 to the others.
    """
    body = {"title": "Can pull requests be opened?", "head": branch, "base": branch}
    try:
        with explained("open pull requests", repository, branch=branch):
            connection.send("POST", f"/repos/{repository}/pulls", body)
    except NotFound as error:
        raise _read_only(error, "`pull_requests: write` (a classic token: `repo`)") from error
    except ActionError as error:
        if _status_of(error) != 422:
            raise


def read_branch_rules(connection: Connection, repository: str, branch: str) -> BranchRules:
    """The active rules of a branch and whom they bind; needs `metadata: read` only.

    Source: REST API, "Get rules for a branch": it lists rules also to those who may bypass them,
    which each ruleset tells in `current_user_can_bypass`.
    """
    name = quote(branch, safe="")
    with explained("read the branch's rules", repository, branch=branch):
        listed = _listed_rules(connection, f"/repos/{repository}/rules/branches/{name}")
        shown = connection.get(f"/repos/{repository}/branches/{name}")
        rulesets = {number: _ruleset(connection, repository, number) for number in _numbers(listed)}
    rules = tuple(
        BranchRule(str(each["type"]), *rulesets.get(each.get("ruleset_id", 0), ("", "")))
        for each in listed
    )
    return BranchRules(rules, bool(shown.get("protected")))


def _listed_rules(connection: Connection, path: str) -> list[dict[str, Any]]:
    try:
        listed: list[dict[str, Any]] = connection.get(path, {"per_page": 100})
    except GithubException as error:
        if error.status == 403 and _NOT_IN_PLAN.search(str(error.data)):
            return []
        raise
    return listed


def _numbers(rules: list[dict[str, Any]]) -> set[int]:
    return {each["ruleset_id"] for each in rules if "ruleset_id" in each}


def _ruleset(connection: Connection, repository: str, number: int) -> tuple[str, str]:
    """A ruleset's name and how far this token's owner may bypass it; empty where hidden."""
    try:
        found = connection.get(f"/repos/{repository}/rulesets/{number}")
    except GithubException:
        return "", ""
    return str(found.get("name") or ""), str(found.get("current_user_can_bypass") or "")


def _status_of(error: ActionError) -> int:
    cause = error.__cause__
    return cause.status if isinstance(cause, GithubException) else 0


def _read_only(error: ActionError, permission: str) -> AccessDenied:
    return AccessDenied(
        error.title,
        f"{error.detail} The token can see the repository, so it lacks the permission.",
        f"Give the token {permission}.",
    )


def _expiration(headers: dict[str, Any]) -> float | None:
    """`2026-12-24 18:00:00 UTC`, or with an offset such as +0900, in epoch seconds."""
    text = str({name.lower(): value for name, value in headers.items()}.get(_EXPIRATION, ""))
    try:
        moment = datetime.strptime(text.replace(" UTC", " +0000"), "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return None
    return moment.astimezone(timezone.utc).timestamp()
