"""GitHub's refusals in the reader's own words: what is missing, and which setting to change.

The bodies and headers recognised here are GitHub's own; unknown ones keep their status, request
id and text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit

import requests
from github import GithubException

from astrago_actions.errors import (
    AccessDenied,
    ActionError,
    Conflict,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Unreachable,
)

_CONFLICT = re.compile(
    r"expected branch to point to|does not match [0-9a-f]{7,}|is at [0-9a-f]+ but expected"
    r"|expected to be at|not a fast forward|reference cannot be updated",
    re.IGNORECASE,
)
_RULES = re.compile(
    r"repository rule violations|changes must be made through a pull request|protected branch"
    r"|required status check",
    re.IGNORECASE,
)
_SECRET = re.compile(r"secret detected|push cannot contain secrets", re.IGNORECASE)
_RATE_LIMIT = re.compile(
    r"secondary rate limit|api rate limit exceeded|abuse detection", re.IGNORECASE
)
_POLICY = re.compile(r"ip allow list|forbids access via", re.IGNORECASE)
_SERVER_FAULT = re.compile(r"something went wrong while executing your query", re.IGNORECASE)
_TROUBLES = {
    "ConnectionError": "the connection failed",
    "ConnectTimeout": "no connection within the time allowed",
    "ReadTimeout": "no answer within the time allowed",
    "SSLError": "its certificate is not trusted here (see REQUESTS_CA_BUNDLE), or it speaks no TLS",
    "ProxyError": "the proxy refused; see HTTPS_PROXY",
}
_SSO_URL = re.compile(r"url=(\S+)")


class RuleViolation(ActionError):
    """The branch's rules forbid a direct commit; a pull request may still be allowed."""


@dataclass(frozen=True)
class Refusal:
    """GitHub's answer to a request that it did not fulfil.

    `kind` is the GraphQL error type, empty for REST; header names are lower case.
    """

    status: int
    message: str
    kind: str
    saml_failure: bool
    headers: Mapping[str, str]

    @property
    def request_id(self) -> str:
        """What GitHub's support asks for."""
        return self.headers.get("x-github-request-id", "")


@contextmanager
def explained(doing: str, repository: str, *, branch: str = "") -> Iterator[None]:
    """Turn whatever goes wrong inside into one of our errors.

    `doing` completes "could not …"; it names what a person wanted, not an endpoint.
    """
    try:
        yield
    except GithubException as error:
        raise _explain(refusal_of(error), doing, repository, branch) from error
    except requests.RequestException as error:
        raise _unreachable(doing, repository, _network_trouble(error)) from error


@contextmanager
def explained_write(doing: str, repository: str, *, branch: str = "") -> Iterator[None]:
    """The same for a request that changes something: a lost answer is an unknown outcome."""
    try:
        with explained(doing, repository, branch=branch):
            yield
    except Unreachable as error:
        raise OutcomeUnknown(error.title, error.detail, error.remedy) from error


def refusal_of(error: GithubException) -> Refusal:
    """Read PyGithub's exception; bodies may be JSON, HTML, or missing."""
    data: Any = error.data if isinstance(error.data, Mapping) else {}
    headers = {name.lower(): str(value) for name, value in (error.headers or {}).items()}
    graphql_errors = data.get("errors")
    if isinstance(graphql_errors, list) and graphql_errors and "message" not in data:
        first = graphql_errors[0]
        extensions = first.get("extensions") or {}
        return Refusal(
            status=error.status if error.status >= 500 else 200,
            message=str(first.get("message", "")),
            kind=str(first.get("type", "")),
            saml_failure=bool(extensions.get("saml_failure")),
            headers=headers,
        )
    text = str(data.get("message") or data.get("data") or error.data or "")
    return Refusal(error.status, text, "", "x-github-sso" in headers, headers)


def _explain(refusal: Refusal, doing: str, repository: str, branch: str) -> ActionError:
    title = f"Could not {doing}"
    where = f"{repository}: GitHub said “{_one_line(refusal.message)}”."
    if _is_rate_limit(refusal):
        return _rate_limited(refusal, title, where)
    if refusal.status >= 500 or _SERVER_FAULT.search(refusal.message):
        return _unreachable(doing, repository, _server_fault(refusal))
    if refusal.kind == "STALE_DATA" or _CONFLICT.search(refusal.message):
        return Conflict(title, where, "Another commit came first; read again and decide anew.")
    if refusal.kind == "BRANCH_PROTECTION_RULE_VIOLATION" or _RULES.search(refusal.message):
        return _rule_violation(refusal, title, where, branch)
    if refusal.status == 401:
        return _bad_credentials(title, where)
    if refusal.saml_failure or "x-github-sso" in refusal.headers:
        return _single_sign_on(refusal, title, where)
    if "archived" in refusal.message.lower():
        return AccessDenied(
            title, where, f"{repository} is archived: unarchive it, or deploy from another one."
        )
    if refusal.status == 403 or refusal.kind in {"FORBIDDEN", "INSUFFICIENT_SCOPES"}:
        return _forbidden(refusal, title, where)
    if refusal.status == 404 or refusal.kind == "NOT_FOUND":
        return _not_visible(title, where, repository)
    return _unknown(refusal, title, repository)


def _is_rate_limit(refusal: Refusal) -> bool:
    return (
        refusal.kind == "RATE_LIMITED"
        or refusal.status == 429
        or _RATE_LIMIT.search(refusal.message) is not None
        or (refusal.status == 403 and "retry-after" in refusal.headers)
    )


def _rate_limited(refusal: Refusal, title: str, where: str) -> RateLimited:
    """Source: REST API, "Rate limits": the reset time when none is left, else Retry-After."""
    headers = refusal.headers
    retry_after = headers.get("retry-after", "")
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        moment = datetime.fromtimestamp(int(reset), timezone.utc)
        remedy = (
            f"The token's hourly limit is used up until {moment:%H:%M:%S} UTC. Use a GitHub App "
            "installation token (its limit is its own), or spread the deployments out."
        )
        error = RateLimited(title, where, remedy)
        error.reset_at = float(reset)
        return error
    remedy = (
        "GitHub limits how fast one token may write (80 commits a minute, 500 an hour). Put all "
        "components of a run in one step, and set `spread` where many jobs start together."
    )
    error = RateLimited(title, where, remedy)
    if retry_after.isdigit():
        error.retry_after = float(retry_after)
    return error


def _rule_violation(refusal: Refusal, title: str, where: str, branch: str) -> ActionError:
    if _SECRET.search(refusal.message):
        return _secret_in_the_way(title, where)
    name = f"`{branch}`" if branch else "the branch"
    return RuleViolation(
        title,
        where,
        f"The rules of {name} forbid this commit. Set `mode: pull-request`, or add the token's "
        "owner to the bypass list (Settings > Rules > Rulesets, or Settings > Branches).",
    )


def _secret_in_the_way(title: str, where: str) -> AccessDenied:
    return AccessDenied(
        title,
        where,
        "GitHub's push protection takes something in the changed file for a secret. Remove it from "
        "the file, or let somebody who may do so allow it (Security > Secret scanning); a pull "
        "request would be refused too.",
    )


def _bad_credentials(title: str, where: str) -> AccessDenied:
    return AccessDenied(
        title,
        where,
        "The token is wrong, expired or revoked. Make a new one and store it again in the secret "
        "(Settings > Secrets and variables > Actions); pasted line breaks count as part of it.",
    )


def _single_sign_on(refusal: Refusal, title: str, where: str) -> AccessDenied:
    match = _SSO_URL.search(refusal.headers.get("x-github-sso", ""))
    return AccessDenied(
        title,
        where,
        "The token's owner must authorise it for the organization's single sign-on: Settings > "
        "Developer settings > Personal access tokens > Configure SSO.",
        link=match[1] if match else None,
    )


def _forbidden(refusal: Refusal, title: str, where: str) -> AccessDenied:
    if _POLICY.search(refusal.message):
        return _against_policy(title, where)
    return _missing_permission(refusal, title, where)


def _against_policy(title: str, where: str) -> AccessDenied:
    return AccessDenied(
        title,
        where,
        "The token may have every permission: the organization's settings refuse this kind of "
        "token, its lifetime, or this runner's address. Use a token that they allow, best a GitHub "
        "App's, or a runner whose address is on the IP allow list.",
    )


def _missing_permission(refusal: Refusal, title: str, where: str) -> AccessDenied:
    accepted = refusal.headers.get("x-accepted-github-permissions", "")
    if accepted == "pull_requests=read":
        accepted = "pull_requests=write"  # whoever lists them here opens one next
    wanted = accepted.replace("; ", " or ").replace("=", ": ") or "contents: write"
    return AccessDenied(
        title,
        where,
        f"The token lacks the permission `{wanted}` on this repository. For a fine-grained token "
        "or a GitHub App, add it under Repository permissions; a classic token needs `repo`. The "
        "job's own GITHUB_TOKEN can never write to another repository.",
    )


def _not_visible(title: str, where: str, repository: str) -> NotFound:
    return NotFound(
        title,
        where,
        f"Either {repository} does not exist (check the spelling), or the token cannot see it: a "
        "fine-grained token must list it under Repository access, a GitHub App must be installed "
        "on it, and the job's own GITHUB_TOKEN sees its own repository only.",
    )


def _unreachable(doing: str, repository: str, reason: str) -> Unreachable:
    return Unreachable(
        f"Could not {doing}",
        f"{repository}: GitHub gave no usable answer ({reason}).",
        "Run the job again; if it stays so, look at https://www.githubstatus.com, and at the "
        "runner's proxy and certificates.",
    )


def _server_fault(refusal: Refusal) -> str:
    text = _one_line(refusal.message)
    said = f", “{text}”" if text else ""
    return f"HTTP {refusal.status}{said}{_id(refusal)}"


def _network_trouble(error: requests.RequestException) -> str:
    """What happened to the connection, and to which host."""
    host = urlsplit(error.request.url or "").netloc if error.request else ""
    kind = _TROUBLES.get(type(error).__name__, type(error).__name__)
    return f"{host}: {kind}" if host else kind


def _unknown(refusal: Refusal, title: str, repository: str) -> ActionError:
    return ActionError(
        title,
        f"{repository}: GitHub answered {refusal.kind or refusal.status}: "
        f"“{_one_line(refusal.message)}”{_id(refusal)}.",
        "If the text does not say what to change, give this request id to GitHub support.",
    )


def _id(refusal: Refusal) -> str:
    return f", request id {refusal.request_id}" if refusal.request_id else ""


def _one_line(text: str) -> str:
    without_markup = re.sub(r"<[^>]+>", " ", text)
    return " ".join(without_markup.split())[:500]
